import { describe, expect, test } from 'vitest';
import { parseMoment, startOf } from './calendar';
import { fiscalPresets, fixedRange, isRange, parseRange, rangeName, resolve, shift, type Range } from './timerange';

// A Saturday, 02:16:00 UTC, which is 03:16 in the tests' zone (Berlin).
const NOW = Date.UTC(2026, 10, 21, 2, 16);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const said: Array<[string, Range | null]> = [
  ['last 45m', { from: 'now-45m', to: 'now' }],
  ['Last 2 Hours', { from: 'now-2h', to: 'now' }],
  ['past week', { from: 'now-1w', to: 'now' }],
  ['30d', { from: 'now-30d', to: 'now' }],
  ['last 3 months', { from: 'now-3M', to: 'now' }],
  ['last month', { from: 'now-1M/M', to: 'now/M' }],
  ['an hour', { from: 'now-1h', to: 'now' }],
  ['  today ', { from: 'now/d', to: 'now' }],
  ['yesterday', { from: 'now-1d/d', to: 'now/d' }],
  ['last week', { from: 'now-1w/w', to: 'now/w' }],
  ['now-3d to now-1d', { from: 'now-3d', to: 'now-1d' }],
  ['2026-11-01', fixedRange({ from_ms: Date.UTC(2026, 10, 1), to_ms: Date.UTC(2026, 10, 2) })],
  ['2026-11-01 to 2026-11-15', fixedRange({ from_ms: Date.UTC(2026, 10, 1), to_ms: Date.UTC(2026, 10, 16) })],
  ['2026-11-01 09:00 - 2026-11-01 17:30', fixedRange({ from_ms: Date.UTC(2026, 10, 1, 9), to_ms: Date.UTC(2026, 10, 1, 17, 30) })],
  ['2026-11-20T23:00Z to now', { from: String(Date.UTC(2026, 10, 20, 23)), to: 'now' }],
  ['', null],
  ['now', null],
  ['last 0m', null],
  ['tomorrow', null],
  ['2026-02-30', null],
  ['2026-11-01 25:00 to now', null],
  ['2026-11-15 to 2026-11-01', null],
  ['constructor', null],
  ['last -5m', null],
];

describe('free text', () => {
  test.each(said)('%j', (text, range) => {
    expect(parseRange(text, true)).toEqual(range);
  });
});

const fiscal: Array<[string, number, [number, number], [number, number]]> = [
  ['q3 2026', 1, [2026, 6], [2026, 9]],
  ['2026 Q1', 1, [2026, 0], [2026, 3]],
  ['FY2026', 1, [2026, 0], [2027, 0]],
  // The year that begins in April 2026 ends in 2027.
  ['q1 2027', 4, [2026, 3], [2026, 6]],
  ['q4 fy2027', 4, [2027, 0], [2027, 3]],
  ['fy 2027', 10, [2026, 9], [2027, 9]],
];

describe('quarters and years as finance has them', () => {
  test.each(fiscal)('%s, from month %d', (text, month, from, to) => {
    expect(parseRange(text, true, month)).toEqual(fixedRange({ from_ms: Date.UTC(...from), to_ms: Date.UTC(...to) }));
  });

  test.each([
    [1, Date.UTC(2026, 9), Date.UTC(2026, 6), Date.UTC(2026, 0)],
    [4, Date.UTC(2026, 9), Date.UTC(2026, 6), Date.UTC(2026, 3)],
    [12, Date.UTC(2026, 8), Date.UTC(2026, 5), Date.UTC(2025, 11)],
  ])('presets of a year from month %d', (month, quarter, before, year) => {
    const [current, last, whole] = fiscalPresets(month).map(({ range }) => resolve(range, NOW, true));
    expect([current!.from_ms, last!.from_ms, last!.to_ms, whole!.from_ms]).toEqual([quarter, before, quarter, year]);
  });

  test.each(['this quarter', 'last quarter', 'this year', 'this fiscal year'])('%s is said', (text) => {
    expect(rangeName(parseRange(text, true, 7)!)?.toLowerCase().replace('fiscal ', '')).toBe(text.replace('fiscal ', ''));
  });
});

describe('resolving', () => {
  test('a relative range ends now', () => {
    expect(resolve({ from: 'now-7d', to: 'now' }, NOW, true)).toEqual({ from_ms: NOW - 7 * DAY, to_ms: NOW });
  });

  test('today starts at midnight of the chosen zone', () => {
    expect(resolve({ from: 'now/d', to: 'now' }, NOW, true).from_ms).toBe(Date.UTC(2026, 10, 21));
    expect(resolve({ from: 'now/d', to: 'now' }, NOW, false).from_ms).toBe(Date.UTC(2026, 10, 20, 23));
  });

  test('the week starts on Monday, the month on the first', () => {
    expect(startOf(NOW, 'w', true)).toBe(Date.UTC(2026, 10, 16));
    expect(startOf(Date.UTC(2026, 10, 16), 'w', true)).toBe(Date.UTC(2026, 10, 16));
    expect(startOf(NOW, 'M', true)).toBe(Date.UTC(2026, 10, 1));
  });

  test('a local day may have 25 hours', () => {
    const from = parseMoment('2026-10-25', false, 'start')!;
    expect(parseMoment('2026-10-25', false, 'end')! - from).toBe(25 * HOUR);
  });

  test('an empty range is widened, never inverted', () => {
    const midnight = Date.UTC(2026, 10, 21);
    expect(resolve({ from: 'now/d', to: 'now' }, midnight, true)).toEqual({ from_ms: midnight - 60_000, to_ms: midnight });
  });
});

describe('shifting', () => {
  test('moves by its own length and back again', () => {
    const range = fixedRange({ from_ms: NOW - HOUR, to_ms: NOW });
    const earlier = shift(range, -1, NOW, true);
    expect(earlier).toEqual(fixedRange({ from_ms: NOW - 2 * HOUR, to_ms: NOW - HOUR }));
    expect(shift(earlier, 1, NOW, true)).toEqual(range);
  });

  test.each([
    ['now-1q/q4', 'now/q4', 'now-2q/q4', 'now-1q/q4'],
    ['now-1d/d', 'now/d', 'now-2d/d', 'now-1d/d'],
    ['now-5M/M', 'now-2M/M', 'now-8M/M', 'now-5M/M'],
  ])('%s to %s stays whole', (from, to, earlierFrom, earlierTo) => {
    const earlier = shift({ from, to }, -1, NOW, true);
    expect(earlier).toEqual({ from: earlierFrom, to: earlierTo });
    expect(shift(earlier, 1, NOW, true)).toEqual({ from, to });
  });

  test('what would end in the future becomes fixed: there are no words for it', () => {
    const next = shift({ from: 'now-1q/q1', to: 'now/q1' }, 1, NOW, true);
    expect(next.from).toBe(String(Date.UTC(2026, 9)));
    expect(next.to).toMatch(/^\d+$/);
  });

  test('a month that is shorter ends with its last day', () => {
    const end = Date.UTC(2026, 4, 31, 12);
    expect(resolve({ from: 'now-3M', to: 'now' }, end, true).from_ms).toBe(Date.UTC(2026, 1, 28, 12));
  });

  test('a relative range becomes fixed', () => {
    expect(shift({ from: 'now-1d', to: 'now' }, -1, NOW, true)).toEqual(
      fixedRange({ from_ms: NOW - 2 * DAY, to_ms: NOW - DAY }),
    );
  });
});

test('names', () => {
  expect(rangeName({ from: 'now-7d', to: 'now' })).toBe('Last 7 days');
  expect(rangeName({ from: 'now-45m', to: 'now' })).toBe('Last 45 minutes');
  expect(rangeName({ from: 'now-1w', to: 'now' })).toBe('Last 1 week');
  expect(rangeName({ from: 'now-1d/d', to: 'now/d' })).toBe('Yesterday');
  expect(rangeName(fixedRange({ from_ms: 1, to_ms: 2 }))).toBeNull();
});

test('ranges are checked', () => {
  expect(isRange({ from: 'now-1h', to: 'now' })).toBe(true);
  expect(isRange({ from: '5', to: '5' })).toBe(false);
  expect(isRange({ from: 'now-1z', to: 'now' })).toBe(false);
  expect(isRange({ from: 'now/q13', to: 'now' })).toBe(false);
  expect(isRange({ from: 'now/q0', to: 'now' })).toBe(false);
});
