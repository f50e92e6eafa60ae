// Bars by name: the names to the left, the figures behind the bars.

import { framed, PAD, round, shortened, text, WIDTH, type Framed } from './frame';

export interface BarsPicture extends Framed {
  /** What is less than nothing is drawn to the left; `said` in place of the figure. */
  bars: ReadonlyArray<{ name: string; value: number; said?: string }>;
  colour: string;
  format: (value: number) => string;
}

const ROW = 22;
const NAME_PX = 260;
const FIGURE_PX = 110;

export function barsPicture(of: BarsPicture): string {
  const values = of.bars.map(({ value }) => value);
  const [least, greatest] = [Math.min(0, ...values), Math.max(0, ...values)];
  const room = (WIDTH - 2 * PAD - NAME_PX - FIGURE_PX) / (greatest - least || 1);
  const zero = PAD + NAME_PX - least * room;
  const rows = of.bars.map(({ name, value, said }, place) => {
    const y = place * ROW;
    return [
      text(PAD, y + 15, shortened(name || 'none', 38), of.palette.ink),
      `<rect x="${round(zero + Math.min(0, value) * room)}" y="${y + 4}" width="${round(Math.abs(value) * room)}" height="${ROW - 8}" fill="${of.colour}"/>`,
      text(WIDTH - PAD, y + 15, said ?? of.format(value), of.palette.ink, 'text-anchor="end"'),
    ].join('');
  });
  return framed(of, of.bars.length * ROW, rows.join('\n'));
}
