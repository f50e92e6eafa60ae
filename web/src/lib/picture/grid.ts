// A table of filled cells: the fuller a cell, the more. Its scale stands under it.

import { strengthOf } from '../chart';
import { framed, PAD, round, text, WIDTH, type Framed } from './frame';

export interface GridPicture extends Framed {
  cells: ReadonlyArray<ReadonlyArray<number | null>>;
  /** Their names; empty where there is no room for one. */
  columns: ReadonlyArray<string>;
  rows: ReadonlyArray<string>;
  colour: string;
  empty: string;
  format: (value: number) => string;
}

const ROW = 30;
const NAME_CHAR_PX = 7;

export function gridPicture(of: GridPicture): string {
  const greatest = Math.max(0, ...of.cells.flat().map((value) => value ?? 0));
  const left = PAD + 12 + NAME_CHAR_PX * Math.max(...of.rows.map((name) => name.length));
  const column = (WIDTH - PAD - left) / of.columns.length;
  const gap = Math.min(3, column / 4);
  const cell = (x: number, y: number, width: number, strength: number) =>
    `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW - 3}" rx="2" fill="${of.empty}"/><rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW - 3}" rx="2" fill="${of.colour}" fill-opacity="${round(strength)}"/>`;
  const names = of.columns.map((name, place) => (name ? text(left + place * column, 12, name, of.palette.ink3) : ''));
  const rows = of.cells.map((values, place) => {
    const y = 20 + place * ROW;
    return text(PAD, y + 18, of.rows[place] ?? '', of.palette.ink3) + values.map((value, at) => cell(left + at * column, y, column - gap, strengthOf(value, greatest))).join('');
  });
  const y = 20 + of.cells.length * ROW + 12;
  const scale = [0, 0.25, 0.5, 0.75, 1].map((part, place) => cell(left + place * 150, y, 30, strengthOf(part * greatest, greatest)) + text(left + place * 150 + 38, y + 18, of.format(Math.round(part * greatest * 100) / 100), of.palette.ink2));
  return framed(of, y + ROW, [...names, ...rows, ...scale].join('\n'));
}
