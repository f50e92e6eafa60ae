// From the view to the parameters of a request.

import type { Query } from '../api/client';
import type { ReportAbout } from '../api/reports';
import { dimensionOf } from '../lib/reports';
import { resolve } from '../lib/timerange';
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
export function reportQuery(view: ViewState, report: ReportAbout): Query {
  const interval = resolve(view.range, Date.now(), view.utc);
  const filters = FILTER_NAMES.flatMap((name) => {
    const dimension = dimensionOf(report, name);
    const value = view.filters[name];
    return dimension && value !== undefined ? [`${dimension}=${value}`] : [];
  });
  return {
    from: Math.floor(interval.from_ms),
    to: Math.ceil(interval.to_ms),
    time_zone: zoneName(view.utc),
    group_by: view.group ?? undefined,
    where: [...filters, ...view.where],
    order_by: view.order ?? undefined,
    limit: PAGE_ROWS,
  };
}

export function reportKey(view: ViewState): string {
  return JSON.stringify([queryKey(view), view.group, view.where, view.order]);
}

/** The zone in which the page shows times, by its name in the IANA database. */
export function zoneName(utc: boolean): string {
  return utc ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}
