// The live stream carries everything; the view's filters are applied to it here.

import type { LiveItem } from '../api/types';
import type { Filters } from '../state/url';
import { needsAttention } from './replay';

export function matches(item: LiveItem, filters: Filters): boolean {
  return (
    same(item.person, filters.person) &&
    same(item.product, filters.product) &&
    same(item.model, filters.model) &&
    same(item.tool_name, filters.tool) &&
    (!filters.errors || needsAttention(item))
  );
}

/** An empty filter asks for the absent value, as it does of the server. */
function same(value: string | null | undefined, wanted: string | undefined): boolean {
  return wanted === undefined || (value ?? '') === wanted;
}
