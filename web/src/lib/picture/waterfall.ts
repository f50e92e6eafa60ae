// The events of a prompt on its own time: a bar reaches from its beginning to its end, a mark is a moment.

import type { Bar, Place, Tick } from '../waterfall';
import { framed, PAD, round, shortened, text, WIDTH, type Framed } from './frame';

export interface WaterfallRow {
  name: string;
  bar: Bar;
  place: Place;
  colour: string;
  /** What a moment is drawn as. */
  mark: string;
  /** How long it took, or when it was. */
  took: string;
  /** What the prompt had cost by then. */
  running: string;
}

export interface WaterfallPicture extends Framed {
  rows: ReadonlyArray<WaterfallRow>;
  ticks: ReadonlyArray<Tick & { label: string }>;
}

const ROW = 20;
const TOP = 22;
const NAME_PX = 230;
const FIGURES_PX = 150;
const LEFT = PAD + NAME_PX;
const ROOM = WIDTH - PAD - FIGURES_PX - LEFT;
/** What a label of the axis takes. */
const LABEL_PX = 60;

export function waterfallPicture(of: WaterfallPicture): string {
  const height = TOP + of.rows.length * ROW;
  const x = (share: number) => round(LEFT + share * ROOM);
  const ticks = of.ticks.map(
    ({ left, label }) =>
      `<line x1="${x(left)}" x2="${x(left)}" y1="0" y2="${height}" stroke="${of.palette.rule}"/>` + (x(left) + LABEL_PX <= LEFT + ROOM ? text(x(left) + 4, 12, label, of.palette.ink3) : ''),
  );
  const rows = of.rows.map(({ name, bar, place, colour, mark, took, running }, index) => {
    const y = TOP + index * ROW;
    return [
      text(PAD, y + 14, shortened(name, 34), of.palette.ink),
      bar.point
        ? text(x(place.left), y + 14, mark, colour, 'text-anchor="middle"')
        : `<rect x="${x(place.left)}" y="${y + 5}" width="${Math.max(2, round(place.width * ROOM))}" height="${ROW - 9}" fill="${colour}"/>`,
      text(WIDTH - PAD - 72, y + 14, took, of.palette.ink2, 'text-anchor="end"'),
      text(WIDTH - PAD, y + 14, running, of.palette.ink, 'text-anchor="end"'),
    ].join('');
  });
  return framed(of, height, [...ticks, ...rows].join('\n'));
}
