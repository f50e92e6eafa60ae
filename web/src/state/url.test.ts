import { describe, expect, test } from 'vitest';
import { OF_ONE_PAGE, readRoute, readView, writeRoute, writeView, type Route, type ViewState } from './url';

function defaultView(): ViewState {
  return { range: { from: 'now-7d', to: 'now' }, utc: false, compare: false, filters: {}, ...OF_ONE_PAGE };
}

const views: Array<[string, Partial<ViewState>, string]> = [
  ['the default is the bare address', {}, ''],
  ['a relative range', { range: { from: 'now-45m', to: 'now' } }, '?from=now-45m&to=now'],
  ['a fixed range', { range: { from: '1795132800000', to: '1795219200000' } }, '?from=1795132800000&to=1795219200000'],
  ['yesterday', { range: { from: 'now-1d/d', to: 'now/d' } }, '?from=now-1d%2Fd&to=now%2Fd'],
  ['UTC', { utc: true }, '?tz=utc'],
  ['every filter', { filters: { person: 'a+b@example.com', product: 'cowork', model: 'm', tool: 'Bash', errors: true } },
    '?person=a%2Bb%40example.com&product=cowork&model=m&tool=Bash&errors=true'],
  ['the unattributed', { filters: { person: '' } }, '?person='],
  ['telemetry text with separators', { filters: { tool: 'x&errors=true#?=%' } }, '?tool=x%26errors%3Dtrue%23%3F%3D%25'],
  ['a replay', { view: 'waterfall', scale: 'sight', at: 4711 }, '?view=waterfall&scale=sight&at=4711'],
  ['a replay without some events', { hide: ['request', 'hook'] }, '?hide=request%2Chook'],
  ['the first event', { at: 0 }, '?at=0'],
  ['a report', { group: 'day,model', where: ['team=a,b', 'model!=', 'team=c&d=e'], order: '-cost_usd', chart: 'requests' },
    '?group=day%2Cmodel&where=team%3Da%2Cb&where=model%21%3D&where=team%3Dc%26d%3De&order=-cost_usd&chart=requests'],
  ['one row', { group: 'none' }, '?group=none'],
  ['a figure', { explain: 'cost.cost_usd@1..2,person=a%2Cb' }, '?explain=cost.cost_usd%401..2%2Cperson%3Da%252Cb'],
  ['what makes a difference', { why: 'cost.cost_usd@1..2,model=a%2Cb', within: '0..9', rest: true },
    '?why=cost.cost_usd%401..2%2Cmodel%3Da%252Cb&within=0..9&against=rest'],
  ['sorted panels', { sorts: ['models:-requests', 'parts:agent_name'] }, '?sort=models%3A-requests&sort=parts%3Aagent_name'],
  ['compared, with people told apart', { compare: true, people: true, group: 'person' }, '?cmp=prev&people=true&group=person'],
  ['a question', { sql: 'SELECT a\nFROM b WHERE c = \'&\'' }, '?sql=SELECT+a%0AFROM+b+WHERE+c+%3D+%27%26%27'],
  ['a measure', { measure: 'errors' }, '?measure=errors'],
];

describe('a view goes to the URL and comes back the same', () => {
  test.each(views)('%s', (_, change, search) => {
    const view = { ...defaultView(), ...change };
    expect(writeView(view)).toBe(search);
    expect(readView(search)).toEqual(view);
  });
});

describe('what is not understood falls back', () => {
  test.each([
    '?from=yesterday&to=now',
    '?from=now&to=',
    '?from=1795219200000&to=1795132800000',
    '?from=99999999999999999&to=now',
    '?view=tree&measure=love&scale=huge&at=-1&tz=mars',
    '?errors=1',
    '?hide=everything,',
    '?cmp=2025&people=1',
    '?at=12345678901',
    '?group=&order=&chart=&explain=',
    '?why=&within=&against=never&sort=&sort=models&sort=models:-Cost usd',
    '?where=team&where=&where==x&where=A!=b',
  ])('%s', (search) => {
    expect(readView(search)).toEqual(defaultView());
  });
});

const routes: Array<[string, Route]> = [
  ['/', { page: 'overview' }],
  ['/sessions', { page: 'sessions' }],
  ['/sessions/6a95d70b', { page: 'session', id: '6a95d70b' }],
  ['/prompts', { page: 'prompts' }],
  ['/prompts/a%2Fb%20c%25', { page: 'replay', id: 'a/b c%' }],
  ['/live', { page: 'live' }],
  ['/explore', { page: 'explore' }],
  ['/connect', { page: 'connect' }],
  ['/tokens', { page: 'tokens' }],
  ['/reports', { page: 'reports' }],
  ['/cost', { page: 'board', id: 'cost' }],
  ['/health', { page: 'board', id: 'health' }],
  ['/access', { page: 'access' }],
  ['/audit', { page: 'audit' }],
  ['/setup', { page: 'setup' }],
  ['/reports/cost', { page: 'report', id: 'cost' }],
];

describe('routes', () => {
  test.each(routes)('%s', (path, route) => {
    expect(readRoute(path)).toEqual(route);
    expect(writeRoute(route)).toBe(path);
  });

  test('unknown addresses are said to be unknown', () => {
    expect(readRoute('/alerts')).toEqual({ page: 'missing' });
    expect(readRoute('/prompts/a/b')).toEqual({ page: 'missing' });
    expect(readRoute('/live/x')).toEqual({ page: 'missing' });
    expect(readRoute('/cost/x')).toEqual({ page: 'missing' });
  });

  test('a stray percent sign does not fail', () => {
    expect(readRoute('/prompts/50%')).toEqual({ page: 'replay', id: '50%' });
  });
});
