// From the view to the parameters of a request.

import type { Query } from '../api/client';
import type { ReportAbout } from '../api/reports';
import type { Asking } from '../boards/board';
import { dimensionOf, readCondition, usualOf } from '../lib/reports';
import { resolve, type Interval } from '../lib/timerange';
import { FILTER_NAMES, type FilterName, type ViewState } from './url';

/** Range and filters; a filter the endpoint does not know must not be sent to it. */
export function queryOf(view: ViewState, supported: ReadonlyArray<FilterName | 'errors'>): Query {
  const interval = resolve(view.range, Date.now(), view.utc);
  const query: Query = { from_ms: Math.floor(interval.from_ms), to_ms: Math.ceil(interval.to_ms) };
  for (const name of FILTER_NAMES) {
    if (supported.includes(name)) query[name] = view.filters[name];
  }
  if (supported.includes('errors') && view.filters.errors) query['errors'] = true;
  return query;
}

/** Changes exactly when a new answer is needed, and not when only the display changes. */
export function queryKey(view: ViewState): string {
  return JSON.stringify([view.range, view.utc, view.filters]);
}

/** Rows of a report that a page holds; downloads have more. */
const PAGE_ROWS = 2000;

/** What is asked of a report: the filters that it knows are conditions, too. */
export function reportQuery(view: ViewState, report: ReportAbout, interval: Interval): Query {
  return {
    ...inTime(view, interval),
    group_by: view.group ?? (usualOf(report, view.people).join() || 'none'),
    where: [...filtersOf(view, report), ...view.where],
    order_by: view.order ?? undefined,
    limit: PAGE_ROWS,
  };
}

/** What a panel asks: its own conditions, and those of the page that its report knows. */
export function panelQuery(view: ViewState, report: ReportAbout, asking: Asking, figures: Iterable<string>, interval: Interval): Query {
  return {
    ...inTime(view, interval),
    group_by: asking.by.join() || 'none',
    where: [...filtersOf(view, report), ...view.where.filter((condition) => isHeard(report, asking, condition)), ...asking.where],
    measures: [...figures].join(),
    order_by: asking.order,
    limit: asking.limit,
  };
}

/** What narrows the page and not this panel; silent, a figure could be read as narrowed when it is not. */
export function unheard(view: ViewState, report: ReportAbout, asking: Asking): string[] {
  const filters = FILTER_NAMES.filter((name) => view.filters[name] !== undefined && dimensionOf(report, name) === null);
  return [...filters, ...view.where.filter((condition) => !isHeard(report, asking, condition))];
}

/** Several values of a dimension are alternatives: one beside the panel's own would widen the panel. */
function isHeard(report: ReportAbout, asking: Asking, text: string): boolean {
  const { dimension, is } = readCondition(text);
  const known = report.dimensions.some(({ name }) => name === dimension);
  const own = asking.where.map(readCondition);
  return known && !(is && own.some((one) => one.is && one.dimension === dimension));
}

function filtersOf(view: ViewState, report: ReportAbout): string[] {
  return FILTER_NAMES.flatMap((name) => {
    const dimension = dimensionOf(report, name);
    const value = view.filters[name];
    return dimension && value !== undefined ? [`${dimension}=${value}`] : [];
  });
}

function inTime(view: ViewState, interval: Interval): Query {
  return { from: Math.floor(interval.from_ms), to: Math.ceil(interval.to_ms), time_zone: zoneName(view.utc) };
}

const SECOND_MS = 1000;
const HOUR_S = 3600;

/**
 * How old an answer may be that is shown until a new one is there: a hundredth of the range, so that its ends are not
 * seen to be off, and an hour at most. Of a range that is shorter than two minutes none will do.
 */
export function ageOf(interval: Interval, mayBeOlder: boolean): Query {
  const seconds = Math.min(HOUR_S, Math.floor((interval.to_ms - interval.from_ms) / 100 / SECOND_MS));
  return mayBeOlder && seconds > 0 ? { max_age_s: seconds } : {};
}

/** The range of the view in milliseconds. */
export const intervalOf = (view: ViewState): Interval => resolve(view.range, Date.now(), view.utc);

export function reportKey(view: ViewState): string {
  return JSON.stringify([queryKey(view), view.group, view.where, view.order, view.compare, view.people]);
}

/** The same of a page of panels. */
export function boardKey(view: ViewState): string {
  return JSON.stringify([queryKey(view), view.group, view.where, view.people, view.compare, view.sorts]);
}

/** The zone in which the page shows times, by its name in the IANA database. */
export function zoneName(utc: boolean): string {
  return utc ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}
