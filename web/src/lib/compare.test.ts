import { describe, expect, test } from 'vitest';
import { alignedBefore, daysBack, intervalBefore } from './compare';

const at = (text: string) => Date.parse(text);
const interval = (from: string, to: string) => ({ from_ms: at(from), to_ms: at(to) });

describe('the period before', () => {
  test.each([
    ['seven days', '2026-11-21T10:00:00Z', '2026-11-28T10:00:00Z', 7],
    ['thirty days go back five weeks', '2026-10-29T10:00:00Z', '2026-11-28T10:00:00Z', 35],
    ['a day goes back a week', '2026-11-28T00:00:00Z', '2026-11-29T00:00:00Z', 7],
    ['today so far goes back a week', '2026-11-28T00:00:00Z', '2026-11-28T09:30:00Z', 7],
    ['ten minutes more than a week go back two', '2026-11-21T10:00:00Z', '2026-11-28T10:10:00Z', 14],
    ['an hour is of no day', '2026-11-28T09:00:00Z', '2026-11-28T10:00:00Z', 0],
  ])('%s', (_, from, to, days) => {
    const shown = interval(from, to);
    expect(daysBack(shown, true)).toBe(days);
    const before = intervalBefore(shown, true);
    expect(before.to_ms - before.from_ms).toBe(shown.to_ms - shown.from_ms);
    expect(before.to_ms).toBeLessThanOrEqual(shown.from_ms);
    if (days) expect(new Date(before.from_ms).getUTCDay()).toBe(new Date(shown.from_ms).getUTCDay());
  });

  test('local midnight stays midnight over the change of clocks', () => {
    // Berlin left summer time on 25 October 2026.
    const shown = interval('2026-10-25T23:00:00Z', '2026-11-01T23:00:00Z');
    expect(intervalBefore(shown, false)).toEqual(interval('2026-10-18T22:00:00Z', '2026-10-25T23:00:00Z'));
  });

  test('each step is beside the same weekday', () => {
    const shown = interval('2026-11-21T10:00:00Z', '2026-11-28T10:00:00Z');
    const days = [at('2026-11-21T00:00:00Z'), at('2026-11-22T00:00:00Z')];
    const before = { time_ms: [at('2026-11-15T00:00:00Z'), at('2026-11-14T00:00:00Z')], values: [5, 4] };
    expect(alignedBefore(days, before, shown, true)).toEqual([4, 5]);
    expect(alignedBefore(days, { time_ms: [], values: [] }, shown, true)).toEqual([null, null]);
  });
});
