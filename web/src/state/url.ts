// The whole view as a URL and back. Reading never fails: what is not understood
// falls back to its default, so an old or hand-written link still opens.

import { BOARD_NAMES, type BoardName } from '../boards/places';
import { LEVELS, type Level } from '../lib/levels';
import { DEFAULT_RANGE, isRange, type Range } from '../lib/timerange';

export type Route =
  | { page: 'overview' }
  | { page: 'sessions' }
  | { page: 'session'; id: string }
  | { page: 'prompts' }
  | { page: 'replay'; id: string }
  | { page: 'live' }
  | { page: 'reports' }
  | { page: 'explore' }
  | { page: 'connect' }
  | { page: 'tokens' }
  | { page: 'report'; id: string }
  | { page: 'board'; id: BoardName }
  | { page: 'access' }
  | { page: 'audit' }
  | { page: 'privacy' }
  | { page: 'setup' }
  | { page: 'missing' };

/** An absent filter filters nothing; an empty one asks for the unattributed. */
export interface Filters {
  person?: string | undefined;
  product?: string | undefined;
  model?: string | undefined;
  tool?: string | undefined;
  errors?: boolean | undefined;
}

export type ReplayView = 'thread' | 'waterfall' | 'raw';
export type Scale = 'whole' | 'sight';
export type Measure = 'cost' | 'requests' | 'errors';

export interface ViewState {
  range: Range;
  utc: boolean;
  /** Whether the period before is shown, too. */
  compare: boolean;
  filters: Filters;
  /** Whether people are told apart where they are not by default. */
  people: boolean;
  view: ReplayView;
  measure: Measure;
  /** What the width of a waterfall stands for; null leaves it to the number of events. */
  scale: Scale | null;
  /** The selected event of a replay. */
  at: number | null;
  /** The levels of events that a replay does not show. */
  hide: ReadonlyArray<Level>;
  /** By what a report is broken down, with commas; null is as usual, `none` one row. */
  group: string | null;
  /** Conditions of a report beside the filters, each `dimension=value` or `dimension!=value`. */
  where: ReadonlyArray<string>;
  /** The column by which a report is sorted, with a `-` before it for the greatest first. */
  order: string | null;
  /** The figure that a report draws. */
  chart: string | null;
  /** The question of Explore. */
  sql: string | null;
  /** The id of the figure whose computation is shown. */
  explain: string | null;
  /** The id of the figure of whose difference is said what makes it. */
  why: string | null;
  /** The wider range that the figure asked about is of, `FROM..TO`. */
  within: string | null;
  /** Whether it is compared with the rest of that range, and not with the period before. */
  rest: boolean;
  /** How the tables of a page of panels are sorted, each `panel:column` with a `-` before the column for the greatest first. */
  sorts: ReadonlyArray<string>;
}

/** What belongs to one page, and stays behind when another is opened. */
export const OF_ONE_PAGE = {
  people: false,
  view: 'thread',
  measure: 'cost',
  scale: null,
  at: null,
  hide: [],
  group: null,
  where: [],
  order: null,
  chart: null,
  sql: null,
  explain: null,
  why: null,
  within: null,
  rest: false,
  sorts: [],
} as const satisfies Partial<ViewState>;

export const FILTER_NAMES = ['person', 'product', 'model', 'tool'] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

export function readView(search: string): ViewState {
  const params = new URLSearchParams(search);
  const at = params.get('at') ?? '';
  return {
    range: readRange(params),
    utc: params.get('tz') === 'utc',
    compare: params.get('cmp') === 'prev',
    filters: readFilters(params),
    people: params.get('people') === 'true',
    view: oneOf(params.get('view'), ['thread', 'waterfall', 'raw'], 'thread'),
    measure: oneOf(params.get('measure'), ['cost', 'requests', 'errors'], 'cost'),
    scale: oneOf<Scale, null>(params.get('scale'), ['whole', 'sight'], null),
    at: /^\d{1,9}$/.test(at) ? Number(at) : null,
    hide: LEVELS.filter((level) => params.get('hide')?.split(',').includes(level)),
    group: params.get('group') || null,
    where: params.getAll('where').filter((condition) => /^[a-z_]+!?=/.test(condition)),
    order: params.get('order') || null,
    chart: params.get('chart') || null,
    sql: params.get('sql') || null,
    explain: params.get('explain') || null,
    why: params.get('why') || null,
    within: params.get('within') || null,
    rest: params.get('against') === 'rest',
    sorts: params.getAll('sort').filter((sort) => /^[a-z_-]+:-?[a-z0-9_]+$/.test(sort)),
  };
}

/** Only what differs from the default: short links, and one spelling of each view. */
export function writeView(state: ViewState): string {
  const params = new URLSearchParams();
  const { range, filters } = state;
  if (range.from !== DEFAULT_RANGE.from || range.to !== DEFAULT_RANGE.to) {
    params.set('from', range.from);
    params.set('to', range.to);
  }
  if (state.utc) params.set('tz', 'utc');
  if (state.compare) params.set('cmp', 'prev');
  for (const name of FILTER_NAMES) {
    const value = filters[name];
    if (value !== undefined) params.set(name, value);
  }
  if (filters.errors) params.set('errors', 'true');
  if (state.people) params.set('people', 'true');
  if (state.view !== 'thread') params.set('view', state.view);
  if (state.measure !== 'cost') params.set('measure', state.measure);
  if (state.scale) params.set('scale', state.scale);
  if (state.at !== null) params.set('at', String(state.at));
  if (state.hide.length) params.set('hide', state.hide.join());
  if (state.group) params.set('group', state.group);
  for (const condition of state.where) params.append('where', condition);
  if (state.order) params.set('order', state.order);
  if (state.chart) params.set('chart', state.chart);
  if (state.sql) params.set('sql', state.sql);
  if (state.explain) params.set('explain', state.explain);
  if (state.why) params.set('why', state.why);
  if (state.within) params.set('within', state.within);
  if (state.rest) params.set('against', 'rest');
  for (const sort of state.sorts) params.append('sort', sort);
  const text = params.toString();
  return text ? `?${text}` : '';
}

export function readRoute(pathname: string): Route {
  const [first = '', id, more] = pathname.split('/').filter(Boolean).map(decoded);
  if (more !== undefined) return { page: 'missing' };
  if (first === '' || (first === 'overview' && id === undefined)) return { page: 'overview' };
  if (first === 'sessions') return id === undefined ? { page: 'sessions' } : { page: 'session', id };
  if (first === 'prompts') return id === undefined ? { page: 'prompts' } : { page: 'replay', id };
  if (first === 'reports') return id === undefined ? { page: 'reports' } : { page: 'report', id };
  if (first === 'live' && id === undefined) return { page: 'live' };
  if (first === 'explore' && id === undefined) return { page: 'explore' };
  if ((first === 'access' || first === 'audit' || first === 'privacy' || first === 'setup') && id === undefined) return { page: first };
  if (first === 'connect' && id === undefined) return { page: 'connect' };
  if (first === 'tokens' && id === undefined) return { page: 'tokens' };
  const board = BOARD_NAMES.find((name) => name === first);
  if (board && id === undefined) return { page: 'board', id: board };
  return { page: 'missing' };
}

export function writeRoute(route: Route): string {
  switch (route.page) {
    case 'overview':
    case 'missing':
      return '/';
    case 'session':
      return `/sessions/${encodeURIComponent(route.id)}`;
    case 'report':
      return `/reports/${encodeURIComponent(route.id)}`;
    case 'board':
      return `/${route.id}`;
    case 'replay':
      return `/prompts/${encodeURIComponent(route.id)}`;
    default:
      return `/${route.page}`;
  }
}

function readRange(params: URLSearchParams): Range {
  const range = { from: params.get('from') ?? DEFAULT_RANGE.from, to: params.get('to') ?? DEFAULT_RANGE.to };
  return isRange(range) ? range : { ...DEFAULT_RANGE };
}

function readFilters(params: URLSearchParams): Filters {
  const filters: Filters = {};
  for (const name of FILTER_NAMES) {
    const value = params.get(name);
    if (value !== null) filters[name] = value;
  }
  if (params.get('errors') === 'true') filters.errors = true;
  return filters;
}

function oneOf<T extends string, F extends T | null>(value: string | null, allowed: ReadonlyArray<T>, fallback: F): T | F {
  return allowed.find((item) => item === value) ?? fallback;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray percent sign is part of the id, not a reason to fail.
    return part;
  }
}
