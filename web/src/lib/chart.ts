// The texts and colours a chart needs.

import { clock, day, weekday } from './format';
import { dateParts } from './calendar';

const DAY_MS = 86_400_000;

/** What a chart over time takes: itself, the line above it that reads it, and the line below it. */
export const CHART_PX = 210;
export const READING_PX = 28;
export const FOOT_PX = 24;

const DRAWN = [
  { colour: '--orange', dash: [7, 4] },
  { colour: '--purple', dash: [2, 4] },
  { colour: '--green', dash: [10, 3, 2, 3] },
] as const;
/** The period before is drawn in ink, whatever else is. */
const OF_BEFORE = { colour: '--ink', dash: [4, 4] } as const;

/** How lines are told apart: by dash and colour. */
export function strokesOf<L extends { label: string; before?: boolean }>(lines: ReadonlyArray<L>): Array<L & { colour: string; dash: ReadonlyArray<number> }> {
  return lines.map((line, place) => ({ ...line, ...(line.before ? OF_BEFORE : DRAWN[place % DRAWN.length]!) }));
}

/** Dates at midnight and on a day-wide axis, clock times between. */
export function axisText(splits: ReadonlyArray<number>, utc: boolean): string[] {
  return splits.map((ms) => {
    const { hour, minute } = dateParts(ms, utc);
    return hour === 0 && minute === 0 ? day(ms, utc) : clock(ms, utc);
  });
}

/**
 * Where a time axis has its labels, and what they say. Steps of a day and more are named under their bars,
 * every so many of them that no more than `most` labels stand side by side; shorter ones by the clock.
 */
export function timeAxis(middles: ReadonlyArray<number>, step_ms: number, utc: boolean, most: number) {
  if (step_ms < DAY_MS) return { values: (_: unknown, splits: number[]) => axisText(splits, utc) };
  const every = Math.max(1, Math.ceil(middles.length / Math.max(1, most)));
  const named = middles.filter((_, place) => place % every === 0);
  return {
    splits: () => named,
    values: (_: unknown, splits: number[]) => splits.map((middle) => day(middle - step_ms / 2, utc)),
  };
}

/** "Fri 20 Nov, 14:00 – 15:00"; a whole day is just its date. */
export function stepText(start_ms: number, step_ms: number, utc: boolean): string {
  if (step_ms >= DAY_MS) return weekday(start_ms, utc);
  return `${weekday(start_ms, utc)}, ${clock(start_ms, utc)} – ${clock(start_ms + step_ms, utc)}`;
}

export interface BarColours {
  bar: string;
  text: string;
  rule: string;
  font: string;
}

/** A colour of the theme as the canvas wants it: computed, because it knows no custom properties. */
export function colourOf(host: HTMLElement, name: string): string {
  const probe = document.createElement('i');
  host.append(probe);
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** The theme's colours of a chart of bars. */
export function barColours(host: HTMLElement, bad: boolean): BarColours {
  return {
    bar: colourOf(host, bad ? '--vermillion' : '--blue'),
    text: colourOf(host, '--ink-3'),
    rule: colourOf(host, '--rule'),
    font: `12px ${getComputedStyle(host).fontFamily}`,
  };
}

const STRONGEST = 88;
const WEAKEST = 12;

/** How strongly a cell is filled, 0 to 1: what is there at all can be seen. */
export function strengthOf(value: number | null, greatest: number): number {
  return value === null || value <= 0 || greatest <= 0 ? 0 : (WEAKEST + STRONGEST * (value / greatest)) / 100;
}

const TICKS = 5;

/** Round figures from nothing to at least the greatest. */
export function ticksOf(greatest: number): number[] {
  if (!(greatest > 0)) return [0, 1];
  const raw = greatest / (TICKS - 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((own) => own >= raw * 0.999)!;
  const ticks = [];
  for (let at = 0; at <= Math.ceil(greatest / step - 1e-9); at += 1) ticks.push(Number((at * step).toPrecision(12)));
  return ticks;
}
