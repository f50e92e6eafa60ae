import { describe, expect, test } from 'vitest';
import { completionAt } from './complete';
import { tokensOf } from './tokens';

const VIEWS = [
  { name: 'api_requests', about: 'requests', columns: [{ name: 'model', type: 'text' }, { name: 'cost_usd', type: 'double' }] },
  { name: 'events', about: 'all', columns: [{ name: 'event', type: 'text' }, { name: 'model', type: 'text' }] },
];
/** `|` is the caret. */
const offered = (sql: string, asked = false) => completionAt(sql.replace('|', ''), sql.indexOf('|'), VIEWS, asked)?.offers.map(({ text }) => text) ?? null;

describe('pieces', () => {
  test.each([
    ["select 'it''s' -- x\n1.5e3", ['keyword', 'string', 'comment', 'number']],
    ["'open", ['string']],
    ['/* open', ['comment']],
    ['"select" a1', []],
    ['x2 from', ['keyword']],
  ])('%j', (sql, kinds) => {
    const tokens = tokensOf(sql);
    expect(tokens.map(({ text }) => text).join('')).toBe(sql);
    expect(tokens.filter(({ kind }) => kind !== 'plain').map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe('what is offered', () => {
  test.each([
    ['SELECT 1 FROM api|', ['api_requests']],
    ['SELECT 1 FROM |', null],
    ['SELECT cost| FROM api_requests', ['cost_usd']],
    ['SELECT cost| FROM events', null],
    ['SELECT r.| FROM api_requests AS r JOIN events e ON true', ['model', 'cost_usd']],
    ['SELECT e.ev| FROM api_requests AS r JOIN events e ON true', ['event']],
    ['SELECT api_requests.cost_u| FROM api_requests', ['cost_usd']],
    ["SELECT 'api|", null],
    ["SELECT 'api|' FROM events", null],
    ["SELECT '' FROM ev|", ['events']],
    ['-- ev|', null],
    ['SELECT 12|', null],
    ['selec|', ['SELECT']],
    ['select|', null],
  ])('%s', (sql, texts) => expect(offered(sql)).toEqual(texts));
  test('all views when the reader asks', () => expect(offered('SELECT 1 FROM |', true)).toEqual(['api_requests', 'events']));
  test('a name is offered once, as a column first', () => expect(offered('SELECT mod| FROM api_requests JOIN events ON true')).toEqual(['model']));
});
