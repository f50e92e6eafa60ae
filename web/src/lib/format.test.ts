import { describe, expect, test } from 'vitest';
import { axisText, timeAxis, stepText } from './chart';
import { ago, change, clock, compact, count, dayClock, duration, moment, usd, usdDigits, zone } from './format';

function check<Input, Output>(name: string, format: (input: Input) => Output, cases: Array<[Input, Output]>) {
  describe(name, () => {
    test.each(cases)('%j', (input, output) => expect(format(input)).toEqual(output));
  });
}

check('usd', (value: number) => usd(value), [
  [0, '$0.0000'],
  [0.4228774, '$0.4229'],
  [0.00001, '<$0.0001'],
  [12.345, '$12.35'],
  [1234567.891, '$1,234,567.89'],
  [-3.5, '−$3.5000'],
]);

check('compact', compact, [
  [0, '0'],
  [999, '999'],
  [1000, '1.0k'],
  [311_907, '311.9k'],
  [999_949, '999.9k'],
  [999_950, '1.0M'],
  [4_200_000_000, '4.2G'],
]);

check('duration', duration, [
  [0, '0 ms'],
  [419.4, '419 ms'],
  [1290, '1.29 s'],
  [9_994, '9.99 s'],
  [12_300, '12.3 s'],
  [59_960, '1 m 00 s'],
  [125_000, '2 m 05 s'],
  [3_840_000, '1 h 04 m'],
  [86_400_000, '1 d 0 h'],
  [189_000_000, '2 d 5 h'],
]);

check('ago', (elapsed: number) => ago(0, elapsed), [
  [-5_000, 'just now'],
  [42_000, '42 s ago'],
  [240_000, '4 m ago'],
  [7_200_000, '2 h ago'],
  [259_200_000, '3 d ago'],
]);

check('change', ([current, previous]: [number, number]) => change(current, previous), [
  [[0, 0], null],
  [[5, 5], { direction: 'same', text: '0%' }],
  [[112, 100], { direction: 'up', text: '12%' }],
  [[50, 100], { direction: 'down', text: '50%' }],
  [[3, 0], { direction: 'up', text: 'new' }],
  [[1200, 100], { direction: 'up', text: '×12' }],
  [[100.3, 100], { direction: 'up', text: '<1%' }],
]);

test('a column shares its decimals', () => {
  expect(usdDigits([0.4, 0.02])).toBe(4);
  expect(usdDigits([0.4, 80.51])).toBe(2);
  expect(usdDigits([])).toBe(4);
  expect(count(1234.6)).toBe('1,235');
});

test('times follow the chosen zone', () => {
  const ms = Date.UTC(2026, 10, 20, 23, 5, 9);
  expect(clock(ms, true)).toBe('23:05');
  expect(clock(ms, false)).toBe('00:05');
  expect(dayClock(ms, false)).toBe('21 Nov, 00:05');
  expect(moment(ms, true)).toBe('20 Nov 2026, 23:05:09');
  expect(zone(ms, true)).toBe('UTC');
  expect(zone(ms, false)).toBe('UTC+1');
  expect(zone(Date.UTC(2026, 6, 1), false)).toBe('UTC+2');
});

test('a chart says dates at midnight and times between', () => {
  const midnight = Date.UTC(2026, 10, 20);
  expect(axisText([midnight, midnight + 43_200_000], true)).toEqual(['20 Nov', '12:00']);
  expect(timeAxis([midnight], 3_600_000, true, 8).values(null, [midnight])).toEqual(['20 Nov']);
  expect(stepText(midnight, 3_600_000, true)).toBe('Fri 20 Nov, 00:00 – 01:00');
  expect(stepText(midnight, 86_400_000, true)).toBe('Fri 20 Nov');
});

test('a chart of days names them under their bars, as many as fit', () => {
  const step = 86_400_000;
  const noons = [0, 1, 2, 3, 4].map((place) => Date.UTC(2026, 10, 20) + (place + 0.5) * step);
  const labels = (most: number) => {
    const axis = timeAxis(noons, step, true, most);
    return axis.values(null, axis.splits?.() ?? []);
  };
  expect(labels(8)).toEqual(['20 Nov', '21 Nov', '22 Nov', '23 Nov', '24 Nov']);
  expect(labels(3)).toEqual(['20 Nov', '22 Nov', '24 Nov']);
  expect(labels(0)).toEqual(['20 Nov']);
});
