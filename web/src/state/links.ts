// Links to views, for elsewhere.

import { fixedRange, resolve } from '../lib/timerange';
import { readView, writeView } from './url';

/** A relative link shows the next reader their days; a frozen one the same days as now. */
export type Times = 'relative' | 'frozen';

export function linkOf(href: string, times: Times, now_ms: number): string {
  const { origin, pathname, search } = new URL(href, location.origin);
  const view = readView(search);
  const range = times === 'frozen' ? fixedRange(resolve(view.range, now_ms, view.utc)) : view.range;
  return origin + pathname + writeView({ ...view, range });
}

export const copyLink = (href: string, times: Times): Promise<void> => navigator.clipboard.writeText(linkOf(href, times, Date.now()));
