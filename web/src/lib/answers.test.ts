import { expect, test } from 'vitest';
import { columnsOf, curlOf, offsetOf, planOf, textOf } from './answers';

test('columns come in the order of the answer, with what they hold', () => {
  const columns = columnsOf([{ day: '2026-11-20', cost: null, n: 1 }, { day: '2026-11-21', cost: 0.5, n: 2 }]);
  expect(columns).toEqual([{ name: 'day', number: false, width: 10 }, { name: 'cost', number: true, width: 4 }, { name: 'n', number: true, width: 4 }]);
  expect(columnsOf([])).toEqual([]);
  expect(columnsOf([{ a: null }])[0]?.number).toBe(false);
  expect(columnsOf([{ a: 'x'.repeat(500) }])[0]?.width).toBe(60);
});

test('nothing is empty, what is nested is JSON', () => {
  expect([null, 0, false, [1, 'a'], { b: null }].map(textOf)).toEqual(['', '0', 'false', '[1,"a"]', '{"b":null}']);
});

test('moments are a course in order, others are bars by name', () => {
  const days = [{ day: '2026-11-21', n: 2 }, { day: '2026-11-20', n: 1 }];
  expect(planOf(days, columnsOf(days), null)).toMatchObject({ figure: 'n', values: [1, 2], time_ms: [Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 21)], step_ms: 86_400_000 });
  const models = [{ model: 'a', n: 2, m: 3 }, { model: null, n: 1, m: 4 }];
  expect(planOf(models, columnsOf(models), 'm')).toMatchObject({ figure: 'm', values: [3, 4], time_ms: null, names: ['a', ''] });
  const twice = [{ day: '2026-11-21', n: 2 }, { day: '2026-11-21', n: 1 }];
  expect(planOf(twice, columnsOf(twice), null)?.time_ms).toBeNull();
  expect(planOf([{ n: 1 }], columnsOf([{ n: 1 }]), null)).toBeNull();
});

test('a quote does not end the command', () => {
  expect(curlOf('http://h/q', "SELECT 'a'")).toBe(`curl -H 'content-type: application/json' -d '{"sql":"SELECT '\\''a'\\''","format":"csv"}' 'http://h/q'`);
});

test('an error stands where it says', () => {
  expect(offsetOf('SELECT\n  nope', { line: 2, column: 3 })).toBe(9);
  expect(offsetOf('a', { line: 9, column: 9 })).toBe(1);
});
