// The hours of the week: the fuller a cell, the more. Its scale stands under it.

import { strengthOf } from '../chart';
import { framed, PAD, round, text, WIDTH, type Framed } from './frame';

export interface WeekPicture extends Framed {
  week: ReadonlyArray<ReadonlyArray<number | null>>;
  days: ReadonlyArray<string>;
  colour: string;
  empty: string;
  format: (value: number) => string;
}

const ROW = 30;
const LEFT = PAD + 40;

export function weekPicture(of: WeekPicture): string {
  const greatest = Math.max(0, ...of.week.flat().map((value) => value ?? 0));
  const column = (WIDTH - PAD - LEFT) / 24;
  const cell = (x: number, y: number, width: number, strength: number) =>
    `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW - 3}" rx="2" fill="${of.empty}"/><rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW - 3}" rx="2" fill="${of.colour}" fill-opacity="${round(strength)}"/>`;
  const hours = Array.from({ length: 8 }, (_, place) => text(LEFT + place * 3 * column, 12, String(place * 3).padStart(2, '0'), of.palette.ink3));
  const rows = of.week.map((values, day) => {
    const y = 20 + day * ROW;
    return text(PAD, y + 18, of.days[day] ?? '', of.palette.ink3) + values.map((value, hour) => cell(LEFT + hour * column, y, column - 3, strengthOf(value, greatest))).join('');
  });
  const y = 20 + of.week.length * ROW + 12;
  const scale = [0, 0.25, 0.5, 0.75, 1].map((part, place) => cell(LEFT + place * 150, y, 30, strengthOf(part * greatest, greatest)) + text(LEFT + place * 150 + 38, y + 18, of.format(part * greatest), of.palette.ink2));
  return framed(of, y + ROW, [...hours, ...rows, ...scale].join('\n'));
}
