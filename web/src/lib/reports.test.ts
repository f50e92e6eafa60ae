import { describe, expect, test } from 'vitest';
import type { MeasureAbout, ReportAbout, ReportAnswer } from '../api/reports';
import { amountOf } from './amount';
import { cellId, courseOf, dimensionOf, hoursOf, nextOrder, overviewId, readCondition, sectionsOf, totalId, withCondition, writeCondition } from './reports';

const COST: MeasureAbout = { name: 'cost_usd', title: 'Cost', about: '', unit: 'usd', parts: 'sum' };
const PEOPLE: MeasureAbout = { name: 'people', title: 'People', about: '', unit: 'count', parts: 'distinct' };

function answer(change: Partial<ReportAnswer>): ReportAnswer {
  return {
    report: 'cost', title: 'Cost', about: '', from_ms: 0, to_ms: 1, time_zone: 'UTC', group_by: [], where: [], columns: [], rows: [], totals: {},
    truncated: false, currency: 'USD', asked: '1..2,team=a', asked_of_rows: '1..2', notes: [], sql: '', elapsed_ms: 1, as_of_ms: 1, is_older: false, ...change,
  };
}

function about(name: string, dimensions: string[] = []): ReportAbout {
  return {
    name, title: name, about: '', definition: '', signals: [], usual_group_by: [], measures: [],
    dimensions: dimensions.map((own) => ({ name: own, title: own, about: '' })),
  };
}

describe('ids of figures', () => {
  test('a total has what was asked, a cell its own values besides', () => {
    expect(totalId(answer({}), 'cost_usd')).toBe('cost.cost_usd@1..2,team=a');
    const grouped = answer({ group_by: ['team', 'hour', 'model'] });
    expect(cellId(grouped, 'cost_usd', { team: 'a', hour: 7, model: null })).toBe('cost.cost_usd@1..2,team=a,hour=7,model=');
  });

  test.each([
    ['a,b=c', 'a%2Cb=c'],
    ['100%', '100%25'],
    ['\u001b[31m\n\u007f', '%1B[31m%0A%7F'],
    ['日本 +&?#', '日本 +&?#'],
  ])('%j is one value', (value, encoded) => {
    expect(cellId(answer({ group_by: ['team'] }), 'cost_usd', { team: value })).toBe(`cost.cost_usd@1..2,team=${encoded}`);
  });

  test('a figure of the overview is one of a report, of the same range and filters', () => {
    const id = overviewId('cost', 1_795_132_800_000, 1_795_219_200_001, { person: 'a,b', model: '', tool: 'Bash' });
    expect(id).toBe('cost.cost_usd@2026-11-20T00:00:00.000Z..2026-11-21T00:00:00.001Z,person=a%2Cb,model=');
    expect(overviewId('prompts', 0, 1, { model: 'm' })).toBeNull();
    expect(overviewId('prompts', 0, 1, { product: 'cowork' })).toContain('prompts.prompts@1970-01-01T00:00:00.000Z..');
  });
});

describe('conditions', () => {
  test.each(['team=a', 'team!=a', 'team=', 'team!=', 'team=a=b!=c', 'team=!x'])('%s goes and comes', (text) => {
    expect(writeCondition(readCondition(text))).toBe(text);
  });

  test('the opposite is taken back, the same is there once, others stay', () => {
    const where = withCondition(['team=a', 'model!=x'], { dimension: 'team', is: false, value: 'a' });
    expect(where).toEqual(['model!=x', 'team!=a']);
    expect(withCondition(where, { dimension: 'team', is: false, value: 'a' })).toEqual(where);
  });

  test('a filter of the page is a condition where the report knows it', () => {
    expect(dimensionOf(about('tools', ['person', 'tool_name']), 'tool')).toBe('tool_name');
    expect(dimensionOf(about('tools', ['person']), 'model')).toBeNull();
  });
});

test('every report has a place in the list, also one that nobody knows', () => {
  const sections = sectionsOf([about('novel'), about('errors'), about('cost'), about('tokens')]);
  expect(sections.map(({ title, reports }) => [title, reports.map(({ name }) => name)])).toEqual([
    ['Money', ['cost', 'tokens']],
    ['Health', ['errors']],
    ['More', ['novel']],
  ]);
});

describe('over time', () => {
  const rows = [
    { day: '2026-11-21', model: 'a', cost_usd: 2, people: 1 },
    { day: '2026-11-20', model: 'a', cost_usd: 1, people: 1 },
    { day: '2026-11-20', model: 'b', cost_usd: 4, people: 1 },
    { day: null, model: 'b', cost_usd: 9, people: 1 },
  ];

  test('parts of a step are added up, steps are in order', () => {
    const course = courseOf(answer({ group_by: ['day', 'model'], rows }), COST, true);
    expect(course).toEqual({ time_ms: [Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 21)], values: [5, 2], step_ms: 86_400_000 });
  });

  test('what cannot be added up is not drawn', () => {
    expect(courseOf(answer({ group_by: ['day', 'model'], rows }), PEOPLE, true)).toBeNull();
    expect(courseOf(answer({ group_by: ['day'], rows: rows.slice(0, 2) }), PEOPLE, true)?.values).toEqual([1, 1]);
    expect(courseOf(answer({ group_by: ['model'], rows }), COST, true)).toBeNull();
    expect(courseOf(answer({ group_by: ['day'], rows, truncated: true }), COST, true)).toBeNull();
  });

  test('a local day begins at local midnight', () => {
    const course = courseOf(answer({ group_by: ['month'], rows: [{ month: '2026-07', cost_usd: 1 }] }), COST, false);
    expect(course?.time_ms).toEqual([Date.UTC(2026, 5, 30, 22)]);
  });
});

test('hours of the week, whichever dimension comes first', () => {
  const rows = [{ weekday: '1', hour: '00', cost_usd: 1 }, { weekday: '7', hour: '23', cost_usd: 2 }, { weekday: null, hour: '01', cost_usd: 3 }];
  for (const group_by of [['hour', 'weekday'], ['weekday', 'hour']]) {
    const week = hoursOf(answer({ group_by, rows }), COST)!;
    expect([week[0]![0], week[6]![23], week[0]![1]]).toEqual([1, 2, null]);
  }
  expect(hoursOf(answer({ group_by: ['hour'], rows }), COST)).toBeNull();
});

test('a column is sorted down, up, and as usual again', () => {
  const measure = { ...COST, kind: 'measure' } as const;
  const dimension = { ...COST, name: 'day', unit: 'text', kind: 'dimension' } as const;
  expect([null, '-cost_usd', 'cost_usd'].map((order) => nextOrder(order, measure))).toEqual(['-cost_usd', 'cost_usd', null]);
  expect([null, 'day', '-day'].map((order) => nextOrder(order, dimension))).toEqual(['day', '-day', null]);
});

test('money in one column shares its decimals, and nothing is cents', () => {
  const written = (figures: number[]) => figures.map(amountOf({ unit: 'usd', currency: 'USD', utc: true, figures }));
  expect(written([0.25, 12])).toEqual(['$0.25', '$12.00']);
  expect(written([0.25, 0])).toEqual(['$0.2500', '$0.0000']);
  expect(written([0, 0])).toEqual(['$0.00', '$0.00']);
});

test.each([
  ['usd', 1234.5, 'USD', '$1,234.50'],
  ['currency', 1234.5, 'EUR', '1,234.50 EUR'],
  ['currency', 1234.5, 'USD', '$1,234.50'],
  ['share', 0.1234, 'USD', '12.3%'],
  ['seconds', 90, 'USD', '1 m 30 s'],
  ['bytes', 1_572_864, 'USD', '1.5 MiB'],
  ['count', 2.5, 'USD', '2.5'],
  ['tokens', 1234567, 'USD', '1,234,567'],
  ['time', '2026-11-20T14:03:22.000Z', 'USD', '20 Nov 2026, 14:03:22'],
  ['text', 'x', 'USD', 'x'],
  ['usd', null, 'USD', '–'],
] as const)('%s %s', (unit, value, currency, text) => {
  expect(amountOf({ unit, currency, utc: true })(value)).toBe(text);
});
