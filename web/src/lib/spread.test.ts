import { expect, test } from 'vitest';
import type { ReportAnswer } from '../api/reports';
import { heightOf, spreadOf } from './spread';

const answer = (rows: Array<[string, number, number]>, more: Partial<ReportAnswer> = {}) =>
  ({ group_by: ['day', 'duration_from_ms'], truncated: false, rows: rows.map(([day, duration_from_ms, timed]) => ({ day, duration_from_ms, timed })), ...more }) as unknown as ReportAnswer;

const spread = spreadOf(answer([['2026-11-02', 500, 3], ['2026-11-01', 100, 1], ['2026-11-01', 500, 1], ['2026-11-02', 1_000_000, 1]]), 'timed')!;

test('the slowest steps come first, days are in order, and empty steps between are kept', () => {
  expect(spread.columns).toEqual(['2026-11-01', '2026-11-02']);
  expect(spread.steps[0]).toEqual({ from_ms: 1_000_000, to_ms: Infinity, name: 'over 16 m 40 s' });
  expect(spread.steps.at(-1)).toEqual({ from_ms: 100, to_ms: 200, name: '100 ms – 200 ms' });
  expect(spread.steps).toHaveLength(13);
  expect(spread.cells[0]).toEqual([null, 1]);
  expect(spread.cells.at(-1)).toEqual([1, null]);
  expect(spread.sums.reduce((sum, value) => sum + value)).toBe(6);
});

test('rows by something else, or not all of them, are no spread', () => {
  expect(spreadOf(answer([], { group_by: ['day'] }), 'timed')).toBeNull();
  expect(spreadOf(answer([['2026-11-01', 100, 1]], { truncated: true }), 'timed')).toBeNull();
});

test('a percentile lies in the step that holds it', () => {
  const one = spreadOf(answer([['d', 100, 98], ['d', 200, 1], ['d', 500, 1]]), 'timed')!;
  expect(one.steps.map(({ from_ms }) => from_ms)).toEqual([500, 200, 100]);
  expect(heightOf(one, 0, 0.5)! * 3).toBeCloseTo(2 + 48 / 98);
  expect(Math.floor(heightOf(one, 0, 0.985)! * 3)).toBe(1);
  expect(heightOf(one, 0, 1)).toBe(0);
  expect(heightOf({ ...one, cells: [[null], [null], [null]] }, 0, 0.5)).toBeNull();
});
