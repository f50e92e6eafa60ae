// From the view to the parameters of a request.

import type { Query } from '../api/client';
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
