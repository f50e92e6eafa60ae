// How durations are spread over days: a table of counts, a histogram beside it, and where the percentiles lie.

import type { ReportAnswer } from '../api/reports';
import { duration } from './format';
import { valueText } from './reports';

/** The lower ends of the steps of the report's scale. */
const ENDS_MS = [0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];
export const DURATION = 'duration_from_ms';

export interface Step {
  from_ms: number;
  /** Infinity where the step has no end. */
  to_ms: number;
  name: string;
}

export interface Spread {
  /** The slowest first. */
  steps: Step[];
  /** What the columns are by, in order. */
  columns: string[];
  cells: Array<Array<number | null>>;
  /** What each step comes to. */
  sums: number[];
}

/** Of rows by a time and by duration; null when they are by something else, or not all there. */
export function spreadOf(answer: ReportAnswer, figure: string): Spread | null {
  const [by, other] = answer.group_by;
  if (!by || other !== DURATION || answer.group_by.length !== 2 || answer.truncated) return null;
  const columns = [...new Set(answer.rows.map((row) => valueText(row[by])))].sort();
  const reached = answer.rows.map((row) => ENDS_MS.indexOf(Number(row[DURATION])));
  // Steps that nothing reaches are left out at both ends, and kept between.
  const steps = stepsOf(Math.min(...reached), Math.max(...reached)).reverse();
  const cells = steps.map(() => columns.map((): number | null => null));
  for (const row of answer.rows) {
    const line = steps.findIndex(({ from_ms }) => from_ms === Number(row[DURATION]));
    const value = row[figure];
    if (line >= 0 && typeof value === 'number') cells[line]![columns.indexOf(valueText(row[by]))] = value;
  }
  return { steps, columns, cells, sums: cells.map((values) => values.reduce((sum: number, value) => sum + (value ?? 0), 0)) };
}

function stepsOf(first: number, last: number): Step[] {
  return ENDS_MS.slice(Math.max(0, first), last + 1).map((from_ms, place) => {
    const to_ms = ENDS_MS[Math.max(0, first) + place + 1] ?? Infinity;
    return { from_ms, to_ms, name: to_ms === Infinity ? `over ${short(from_ms)}` : `${short(from_ms)} – ${short(to_ms)}` };
  });
}

const short = (ms: number): string => (ms === 0 ? '0' : duration(ms).replace(/\.0+(?= s)/, '').replace(/ 00 s$/, ''));

/** Where a percentile of a column lies, as a share of the height from the top; null where nothing is counted. */
export function heightOf({ cells, steps }: Pick<Spread, 'cells' | 'steps'>, column: number, part: number): number | null {
  const counts = cells.map((values) => values[column] ?? 0);
  const whole = counts.reduce((sum, value) => sum + value, 0);
  if (!whole) return null;
  let left = whole * (1 - part);
  for (const [line, value] of counts.entries()) {
    if (value && left <= value) return (line + left / value) / steps.length;
    left -= value;
  }
  return 1;
}
