// Bars by name: the names to the left, the figures behind the bars.

import { framed, PAD, round, shortened, text, WIDTH, type Framed } from './frame';

export interface BarsPicture extends Framed {
  bars: ReadonlyArray<{ name: string; value: number }>;
  colour: string;
  format: (value: number) => string;
}

const ROW = 22;
const NAME_PX = 260;
const FIGURE_PX = 110;

export function barsPicture(of: BarsPicture): string {
  const greatest = Math.max(0, ...of.bars.map(({ value }) => value)) || 1;
  const room = WIDTH - 2 * PAD - NAME_PX - FIGURE_PX;
  const rows = of.bars.map(({ name, value }, place) => {
    const y = place * ROW;
    const width = (Math.max(0, value) / greatest) * room;
    return [
      text(PAD, y + 15, shortened(name || 'none', 38), of.palette.ink),
      `<rect x="${PAD + NAME_PX}" y="${y + 4}" width="${round(width)}" height="${ROW - 8}" fill="${of.colour}"/>`,
      text(WIDTH - PAD, y + 15, of.format(value), of.palette.ink, 'text-anchor="end"'),
    ].join('');
  });
  return framed(of, of.bars.length * ROW, rows.join('\n'));
}
