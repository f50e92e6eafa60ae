import { expect, test } from 'vitest';
import { flowOf, placed } from './flow';

const rows = [
  { by: ['fails', 'Bash', 'a'], value: 5 },
  { by: ['again', 'Read', 'a'], value: 3 },
  { by: ['again', 'Read', 'b'], value: 2 },
  { by: ['again', 'Edit', 'b'], value: 0 },
];

test('what comes into a node goes out of it, and nothing has no place', () => {
  const { layers, bands } = flowOf(rows);
  expect(layers.map((nodes) => nodes.map(({ value, amount }) => [value, amount]))).toEqual([
    [['fails', 5], ['again', 5]],
    [['Bash', 5], ['Read', 5]],
    [['a', 8], ['b', 2]],
  ]);
  for (const node of layers[1]!) {
    const sum = (end: 'from' | 'to') => bands.filter((band) => band[end] === node).reduce((total, { amount }) => total + amount, 0);
    expect([sum('to'), sum('from')]).toEqual([node.amount, node.amount]);
  }
});

test('what is little stands together at the end, and nothing is lost', () => {
  const { layers } = flowOf(Array.from({ length: 9 }, (_, place) => ({ by: ['x', `t${place}`], value: 10 - place })), 3);
  expect(layers[1]!.map(({ value, of, amount }) => [value, of, amount])).toEqual([['t0', 1, 10], ['t1', 1, 9], ['t2', 1, 8], [null, 6, 27]]);
  const alone = flowOf(Array.from({ length: 4 }, (_, place) => ({ by: ['x', `t${place}`], value: 1 })), 3);
  expect(alone.layers[1]!.every(({ value }) => value !== null)).toBe(true);
});

test('nodes of a layer do not overlap, each has room for its name, and all is within the drawing', () => {
  const flow = placed(flowOf(rows), { width: 600, least_px: 30 });
  for (const one of flow.nodes) {
    expect(one.x).toBeGreaterThanOrEqual(0);
    expect(one.x).toBeLessThanOrEqual(600 - 12);
    expect(one.y + one.height).toBeLessThanOrEqual(flow.height + 0.01);
    for (const other of flow.nodes) if (other !== one && other.layer === one.layer && other.y > one.y) expect(other.y - one.y).toBeGreaterThanOrEqual(Math.max(30, one.height));
  }
  expect(flow.bands).toHaveLength(5);
});

test('of nothing there is nothing', () => expect(placed(flowOf([]), { width: 600, least_px: 30 })).toEqual({ nodes: [], bands: [], width: 600, height: 0 }));
