// What the rows of any question are: their columns, how wide, and what of them can be drawn.

import type { SqlRow, Value } from '../api/sql';

export interface AnswerColumn {
  name: string;
  /** Every value that is there is a number. */
  number: boolean;
  /** In characters. */
  width: number;
}

const LOOKED_AT_ROWS = 200;
const WIDEST = 60;
const NARROWEST = 4;

export function columnsOf(rows: ReadonlyArray<SqlRow>): AnswerColumn[] {
  const looked = rows.slice(0, LOOKED_AT_ROWS);
  return Object.keys(rows[0] ?? {}).map((name) => {
    const values = looked.map((row) => row[name] ?? null);
    const there = values.filter((value) => value !== null);
    const longest = Math.max(name.length, ...values.map((value) => textOf(value).length));
    return { name, number: there.length > 0 && there.every((value) => typeof value === 'number'), width: Math.min(WIDEST, Math.max(NARROWEST, longest)) };
  });
}

/** A value on one line: nothing is empty, and what is nested is JSON. */
export function textOf(value: Value | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export interface Plan {
  /** What the bars stand for. */
  label: string;
  figure: string;
  values: number[];
  /** Moments in order, all told: a course over time. */
  time_ms: number[] | null;
  step_ms: number;
  names: string[];
}

const MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}|$)/;
const DAY_MS = 86_400_000;

/** The first column that is no number against the chosen figure, or the first; null when there is nothing to draw. */
export function planOf(rows: ReadonlyArray<SqlRow>, columns: ReadonlyArray<AnswerColumn>, chosen: string | null): Plan | null {
  const figures = columns.filter(({ number }) => number);
  const figure = figures.find(({ name }) => name === chosen) ?? figures[0];
  const label = columns.find(({ number }) => !number);
  if (!figure || !label) return null;
  const drawn = rows.filter((row) => typeof row[figure.name] === 'number');
  const names = drawn.map((row) => textOf(row[label.name]));
  const values = drawn.map((row) => row[figure.name] as number);
  const moments = names.every((name) => MOMENT.test(name)) ? names.map((name) => Date.parse(name)) : [];
  const plan = { label: label.name, figure: figure.name, names };
  // Two rows of one moment cannot stand on one place.
  const ordered = moments.map((ms, place) => [ms, values[place]!] as const).sort(([a], [b]) => a - b);
  const steps = ordered.slice(1).map(([ms], place) => ms - ordered[place]![0]);
  if (!ordered.length || steps.some((step) => step === 0)) return { ...plan, values, time_ms: null, step_ms: 0 };
  return { ...plan, values: ordered.map(([, value]) => value), time_ms: ordered.map(([ms]) => ms), step_ms: steps.length ? Math.min(...steps) : DAY_MS };
}

/** The question as a command: single quotes, because a shell takes what is between them as it is. */
export function curlOf(url: string, sql: string): string {
  const body = JSON.stringify({ sql, format: 'csv' }).replaceAll("'", "'\\''");
  return `curl -H 'content-type: application/json' -d '${body}' '${url}'`;
}

/** The place of a line and a column, both from 1, in a text. */
export function offsetOf(text: string, at: { line: number; column: number }): number {
  const before = text.split('\n').slice(0, at.line - 1);
  const start = before.reduce((sum, line) => sum + line.length + 1, 0);
  return Math.min(text.length, start + at.column - 1);
}
