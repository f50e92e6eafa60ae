import { describe, expect, test } from 'vitest';
import { barsPicture } from './bars';
import { escaped, type Framed } from './frame';
import { fileName } from './save';
import { waterfallPicture } from './waterfall';
import { placeOf } from '../waterfall';
import { seriesPicture } from './series';
import { flowPicture } from './flow';
import { gridPicture } from './grid';
import { flowOf, placed } from '../flow';
import { strengthOf, ticksOf } from '../chart';

const HOUR = 3_600_000;
const framed: Framed = {
  title: 'Cost by day',
  about: '20 Nov – 27 Nov 2026, UTC',
  unit: 'US dollars',
  legend: [{ label: 'Cost', colour: 'blue' }, { label: 'The period before', colour: 'black', dash: [4, 4] }],
  palette: { paper: '#fff', ink: '#111', ink2: '#222', ink3: '#333', rule: '#ddd', font: 'sans-serif', serif: 'serif' },
};

describe('a picture says what it shows', () => {
  const svg = seriesPicture({
    ...framed, time_ms: [0, HOUR], step_ms: HOUR, from_ms: 0, to_ms: 2 * HOUR, bars: { values: [1, 4], colour: 'blue' },
    lines: [{ values: [2, null], colour: 'black', dash: [4, 4] }], format: String, timeText: (ms) => `t${ms}`,
  });
  test.each(['Cost by day', '20 Nov – 27 Nov 2026, UTC', 'US dollars', 'The period before', '>t0<', '>4<'])('%s', (said) => expect(svg).toContain(said));
  test('a bar for each step, and a line over them', () => {
    expect(svg.match(/<rect [^>]*fill="blue"/g)).toHaveLength(3);
    expect(svg).toMatch(/<polyline points="[\d.,]+" .*stroke-dasharray="4 4"/);
  });
});

describe('text stays text', () => {
  const hostile = `</text><script>alert(1)</script>&"'\u0000\u001b[31m\ud800`;
  test('in every kind of picture', () => {
    const svg = barsPicture({ ...framed, title: hostile, bars: [{ name: hostile, value: 1 }], colour: 'blue', format: () => hostile });
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&#60;script&#62;');
    // What XML does not allow would make the whole picture unreadable.
    expect(svg).not.toMatch(/[\u0000\u001b\ud800-\udfff]/);
  });
  test('pairs of surrogates are kept', () => expect(escaped('a😀b')).toBe('a😀b'));
});

test('what is less than nothing is drawn to the left of nothing', () => {
  const svg = barsPicture({ ...framed, legend: [], bars: [{ name: 'more', value: 3 }, { name: 'less', value: -1, said: 'one less' }], colour: 'blue', format: String });
  const [more, less] = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="\d+" fill="blue"/g)].map(([, x, width]) => ({ x: Number(x), width: Number(width) }));
  expect(less!.x + less!.width).toBeCloseTo(more!.x);
  expect(less!.width * 3).toBeCloseTo(more!.width, 0);
  expect(svg).toContain('>one less<');
});

test('a waterfall has a bar for what took time and a mark for what did not', () => {
  const row = (name: string, start_ms: number, end_ms: number) => ({ name, bar: { start_ms, end_ms, point: start_ms === end_ms }, place: placeOf({ start_ms, end_ms, point: false }, { start_ms: 0, end_ms: 100 }), colour: 'red', mark: '●', took: '1 s', running: '$1' });
  const svg = waterfallPicture({ ...framed, legend: [], ticks: [{ left: 0.5, offset_ms: 50, label: '50 ms' }], rows: [row('</text><script>', 0, 50), row('moment', 100, 100)] });
  // It is the first that has a length: half of the width.
  expect([...svg.matchAll(/<rect [^>]*width="([\d.]+)"[^>]*fill="red"/g)].map(([, width]) => width)).toEqual(["266"]);
  expect(svg).toContain('>●<');
  expect(svg).toContain('>50 ms<');
  expect(svg).not.toContain('<script');
});

test('the hours of a week have a scale', () => {
  const week = Array.from({ length: 7 }, () => Array<number | null>(24).fill(null));
  week[2]![9] = 40;
  const svg = gridPicture({ ...framed, cells: week, columns: Array.from({ length: 24 }, (_, hour) => `${hour}`), rows: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'], colour: 'blue', empty: '#eee', format: (value) => `${value} tasks` });
  expect(svg).toContain('40 tasks');
  expect(svg.match(/fill-opacity="1"/g)).toHaveLength(2);
  expect([strengthOf(null, 4), strengthOf(0, 4), strengthOf(4, 4)]).toEqual([0, 0, 1]);
  expect(strengthOf(0.001, 4)).toBeGreaterThan(0.1);
});

test.each([
  [0, [0, 1]],
  [4, [0, 1, 2, 3, 4]],
  [97, [0, 25, 50, 75, 100]],
  [0.03, [0, 0.01, 0.02, 0.03]],
])('the axis of %d', (greatest, ticks) => expect(ticksOf(greatest)).toEqual(ticks));

test('a flow is a band for each way, and its names are text', () => {
  const rows = [{ by: ['</text><script>', 'Bash'], value: 3 }, { by: ['b', 'Bash'], value: 1 }];
  const svg = flowPicture({ ...framed, legend: [], flow: placed(flowOf(rows), { width: 800, least_px: 16 }), layers: ['Pattern', 'Tool'], colours: ['blue', 'red'], format: (value) => `$${value}` });
  expect(svg.match(/<path /g)).toHaveLength(2);
  expect(svg).toContain('>$4<');
  expect(svg).not.toContain('<script');
});

test('a title is a name for a file', () => {
  expect(fileName('Cost by day / “x”')).toBe('tallybook-cost-by-day-x');
  expect(fileName('../..')).toBe('tallybook-chart');
});
