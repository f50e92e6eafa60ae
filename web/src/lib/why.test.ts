import { describe, expect, test } from 'vitest';
import { conditionsOf, ofPart, touched, withoutTerm, withTerm } from './why';

const HOUR = 3_600_000;
const ID = 'cost.cost_usd@2026-11-01T00:00:00Z..2026-12-01T00:00:00Z,time_zone=Europe/Berlin,team=a%2Cb,model!=m';

describe('the id of a figure', () => {
  test('of a part of its range keeps zone and conditions, and tells the wider range', () => {
    const part = ofPart(ID, { from_ms: Date.UTC(2026, 10, 3), to_ms: Date.UTC(2026, 10, 4) });
    expect(part.why).toBe('cost.cost_usd@2026-11-03T00:00:00.000Z..2026-11-04T00:00:00.000Z,time_zone=Europe/Berlin,team=a%2Cb,model!=m');
    expect(part.within).toBe('2026-11-01T00:00:00Z..2026-12-01T00:00:00Z');
  });

  test('has conditions, and one more or one less', () => {
    expect(conditionsOf(ID)).toEqual(['team=a,b', 'model!=m']);
    expect(withTerm(ID, { dimension: 'person', is: true, value: 'x%,\n' })).toBe(`${ID},person=x%25%2C%0A`);
    expect(conditionsOf(withTerm(ID, { dimension: 'person', is: true, value: 'x%,\n' }))).toContain('person=x%,\n');
    expect(conditionsOf(withTerm(ID, { dimension: 'model', is: true, value: 'm' }))).toEqual(['team=a,b', 'model=m']);
    expect(conditionsOf(withoutTerm(ID, 'team=a,b'))).toEqual(['model!=m']);
  });
});

describe('a stroke over a chart', () => {
  const steps = [0, HOUR, 2 * HOUR, 3 * HOUR];
  const shown = { from_ms: HOUR / 2, to_ms: 4 * HOUR };
  test('takes whole steps', () => {
    expect(touched({ from_ms: 1.2 * HOUR, to_ms: 2.1 * HOUR }, steps, HOUR, shown)).toEqual({ from_ms: HOUR, to_ms: 3 * HOUR });
  });
  test('ends where the chart ends', () => {
    expect(touched({ from_ms: -HOUR, to_ms: 0.1 * HOUR }, steps, HOUR, shown)).toEqual({ from_ms: HOUR / 2, to_ms: HOUR });
  });
  test('over nothing is nothing', () => {
    expect(touched({ from_ms: 9 * HOUR, to_ms: 10 * HOUR }, steps, HOUR, shown)).toBeNull();
  });
});
