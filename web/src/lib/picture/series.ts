// Bars over time, and lines over them.

import { ticksOf } from '../chart';
import { framed, PAD, round, text, WIDTH, type Framed } from './frame';

export interface Series {
  values: ReadonlyArray<number | null>;
  colour: string;
  /** A line with these dashes; bars without. */
  dash?: ReadonlyArray<number>;
}

export interface SeriesPicture extends Framed {
  time_ms: ReadonlyArray<number>;
  step_ms: number;
  from_ms: number;
  to_ms: number;
  bars: Series;
  lines: ReadonlyArray<Series>;
  format: (value: number) => string;
  timeText: (ms: number) => string;
}

const HEIGHT = 300;
const LEFT = PAD + 62;
const LABEL_PX = 84;

export function seriesPicture(of: SeriesPicture): string {
  const end_ms = Math.max(of.to_ms, (of.time_ms.at(-1) ?? of.to_ms - of.step_ms) + of.step_ms);
  const x = (ms: number) => LEFT + ((ms - of.from_ms) / (end_ms - of.from_ms)) * (WIDTH - PAD - LEFT);
  const all = [of.bars, ...of.lines].flatMap(({ values }) => values).filter((value): value is number => value !== null);
  const ticks = ticksOf(Math.max(0, ...all));
  const most = ticks.at(-1)!;
  const y = (value: number) => HEIGHT - (Math.max(0, value) / most) * HEIGHT;
  return framed(of, HEIGHT + 24, [...axis(of, ticks, y), ...bars(of, x, y), ...of.lines.map((line) => path(of, line, x, y)), ...labels(of, x)].join('\n'));
}

function axis({ palette, format }: SeriesPicture, ticks: ReadonlyArray<number>, y: (value: number) => number): string[] {
  return ticks.map(
    (tick) =>
      `<line x1="${LEFT}" x2="${WIDTH - PAD}" y1="${round(y(tick))}" y2="${round(y(tick))}" stroke="${tick ? palette.rule : palette.ink3}"/>` +
      text(LEFT - 8, y(tick) + 4, format(tick), palette.ink3, 'text-anchor="end"'),
  );
}

function bars({ time_ms, step_ms, bars: { values, colour } }: SeriesPicture, x: (ms: number) => number, y: (value: number) => number): string[] {
  return time_ms.flatMap((start_ms, place) => {
    const value = values[place] ?? 0;
    const room = x(start_ms + step_ms) - x(start_ms);
    const width = Math.min(48, room * 0.88);
    return value > 0 ? [`<rect x="${round(x(start_ms) + (room - width) / 2)}" y="${round(y(value))}" width="${round(width)}" height="${round(HEIGHT - y(value))}" fill="${colour}"/>`] : [];
  });
}

function path({ time_ms, step_ms }: SeriesPicture, { values, colour, dash }: Series, x: (ms: number) => number, y: (value: number) => number): string {
  const points = time_ms.flatMap((start_ms, place) => {
    const value = values[place];
    return value === null || value === undefined ? [] : [`${round(x(start_ms + step_ms / 2))},${round(y(value))}`];
  });
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${(dash ?? []).join(' ')}"/>`;
}

function labels({ time_ms, step_ms, palette, timeText }: SeriesPicture, x: (ms: number) => number): string[] {
  const every = Math.max(1, Math.ceil(time_ms.length / Math.floor((WIDTH - PAD - LEFT) / LABEL_PX)));
  return time_ms.flatMap((start_ms, place) => (place % every ? [] : [text(x(start_ms + step_ms / 2), HEIGHT + 20, timeText(start_ms), palette.ink3, 'text-anchor="middle"')]));
}
