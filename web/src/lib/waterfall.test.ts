import { expect, test } from 'vitest';
import { barsOf, placeOf, ticksOf, windowOf } from './waterfall';

test('a bar reaches back from its time by its duration', () => {
  expect(barsOf([{ time_ms: 1000, duration_ms: 400 }])).toEqual([{ start_ms: 600, end_ms: 1000, point: false }]);
});

test('an event without a duration is a point', () => {
  const points = barsOf([{ time_ms: 5 }, { time_ms: 5, duration_ms: null }, { time_ms: 5, duration_ms: 0 }]);
  expect(points).toEqual(Array(3).fill({ start_ms: 5, end_ms: 5, point: true }));
});

test('a negative duration is a client’s fault and no bar', () => {
  expect(barsOf([{ time_ms: 5, duration_ms: -100 }])).toEqual([{ start_ms: 5, end_ms: 5, point: true }]);
});

test('the window starts where the earliest bar does, before the prompt if need be', () => {
  const bars = barsOf([{ time_ms: 1000 }, { time_ms: 1100, duration_ms: 300 }, { time_ms: 1400, duration_ms: 200 }]);
  const window = windowOf(bars);
  expect(window).toEqual({ start_ms: 800, end_ms: 1400 });
  expect(placeOf(bars[0]!, window)).toEqual({ left: 200 / 600, width: 0 });
  expect(placeOf(bars[1]!, window)).toEqual({ left: 0, width: 0.5 });
  const last = placeOf(bars[2]!, window);
  expect(last.left + last.width).toBe(1);
});

test('a window over some rows cuts the bars that reach beyond it', () => {
  const bars = barsOf([{ time_ms: 100, duration_ms: 100 }, { time_ms: 300, duration_ms: 100 }, { time_ms: 400, duration_ms: 400 }]);
  const window = windowOf(bars, 1, 1);
  expect(window).toEqual({ start_ms: 200, end_ms: 300 });
  expect(placeOf(bars[2]!, window)).toEqual({ left: 0, width: 1 });
  expect(placeOf(bars[0]!, window)).toEqual({ left: 0, width: 0 });
});

test('nothing and a single instant still have a width', () => {
  expect(windowOf([])).toEqual({ start_ms: 0, end_ms: 1 });
  expect(windowOf(barsOf([{ time_ms: 7 }]))).toEqual({ start_ms: 7, end_ms: 8 });
});

test('ticks are round offsets from the prompt’s start, few enough to read', () => {
  const ticks = ticksOf({ start_ms: 10_000, end_ms: 84_000 }, 10_000);
  expect(ticks.map((tick) => tick.offset_ms)).toEqual([0, 15_000, 30_000, 45_000, 60_000]);
  expect(ticks[1]!.left).toBeCloseTo(15 / 74, 10);
});

test('ticks of a later window keep counting from the prompt’s start', () => {
  const ticks = ticksOf({ start_ms: 1_030, end_ms: 1_090 }, 1_000);
  expect(ticks.map((tick) => tick.offset_ms)).toEqual([30, 40, 50, 60, 70, 80, 90]);
  expect(ticks[0]!.left).toBe(0);
});

test('ticks before the prompt’s start are negative, and zero is plain zero', () => {
  expect(ticksOf({ start_ms: 990, end_ms: 1_010 }, 1_000).map((tick) => tick.offset_ms)).toEqual([-10, -5, 0, 5, 10]);
});

test('there are never more than seven ticks', () => {
  for (let width_ms = 1; width_ms < 1e12; width_ms *= 1.7) {
    expect(ticksOf({ start_ms: 0, end_ms: width_ms }, 0).length).toBeLessThanOrEqual(7);
  }
});

test('5,000 events are laid out at once', () => {
  const events = Array.from({ length: 5000 }, (_, index) => ({ time_ms: index * 100, duration_ms: 90 }));
  const bars = barsOf(events);
  expect(windowOf(bars)).toEqual({ start_ms: -90, end_ms: 499_900 });
});
