// What narrows a page, as chips: its filters, and the conditions of a report.
import type { DimensionAbout } from '../api/reports';
import { readCondition, withCondition } from '../lib/reports';
import { router } from './router.svelte';
import { FILTER_NAMES, type FilterName } from './url';

export interface Chip {
  /** Tells it from the others of its list. */
  key: string;
  text: string;
  /** Stands out behind the text. */
  value?: string;
  /** Why it changes nothing here. A silent one would let a number be read as filtered when it is not. */
  idle?: string;
  drop: () => void;
  /** What is said of dropping it. */
  dropping: string;
  /** Turns it round, and what is said of that. */
  turn?: () => void;
  turning?: string;
}

export type Filter = FilterName | 'errors';

/** The filters in force. */
export function filterChips(supported: ReadonlyArray<Filter>): Chip[] {
  const filters = router.view.filters;
  const chip = (name: Filter, text: string): Chip => ({
    key: name,
    text,
    ...(supported.includes(name) ? {} : { idle: 'Not applied on this page' }),
    drop: () => router.set({ filters: { ...router.view.filters, [name]: undefined } }),
    dropping: `Remove ${text}`,
  });
  const named = FILTER_NAMES.flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [chip(name, `${name}: ${value || 'unattributed'}`)];
  });
  return filters.errors ? [...named, chip('errors', 'with errors')] : named;
}

/** The conditions beside the filters. Each can be turned round or dropped. */
export function conditionChips(dimensions: ReadonlyArray<DimensionAbout>): Chip[] {
  const where = router.view.where;
  return where.map((key) => {
    const condition = readCondition(key);
    const title = dimensions.find(({ name }) => name === condition.dimension)?.title ?? condition.dimension;
    const value = condition.value || 'none';
    const others = where.filter((own) => own !== key);
    return {
      key,
      text: `${title} ${condition.is ? 'is' : 'is not'}`,
      value,
      drop: () => router.set({ where: others }),
      dropping: `Drop ${title} ${value}`,
      turn: () => router.set({ where: withCondition(others, { ...condition, is: !condition.is }) }),
      turning: condition.is ? 'Leave it out instead' : 'Only this instead',
    };
  });
}
