// Events by level: what a reader can put out of sight in a replay. What asks for attention is never out of sight.

import type { Kind, Row } from './replay';

export const LEVELS = ['text', 'request', 'tool', 'permission', 'agent', 'hook', 'system'] as const;
export type Level = (typeof LEVELS)[number];

export const LEVEL_TITLES: Record<Level, string> = {
  text: 'Prompt and response',
  request: 'Requests',
  tool: 'Tools',
  permission: 'Permissions',
  agent: 'Subagents',
  hook: 'Hooks',
  system: 'System',
};

const OF_KIND: Partial<Record<Kind, Level>> = {
  prompt: 'text',
  response: 'text',
  request: 'request',
  failure: 'request',
  tool: 'tool',
  decision: 'permission',
  agent: 'agent',
};

export function levelOf({ kind, event }: Pick<Row, 'kind' | 'event'>): Level {
  const known = OF_KIND[kind];
  if (known) return known;
  if (event.event.startsWith('hook_')) return 'hook';
  return event.event.startsWith('permission_') ? 'permission' : 'system';
}

/** Those that are in sight: of no hidden level, or not to be overlooked; and the selected one, wherever it came from. */
export function inSight(rows: ReadonlyArray<Row>, hidden: ReadonlyArray<Level>, selected: number | null): ReadonlyArray<Row> {
  if (!hidden.length) return rows;
  const out = new Set(hidden);
  return rows.filter((row) => row.attention || row.index === selected || !out.has(levelOf(row)));
}

/** How many events there are of each level, of those that there are at all. */
export function countsOf(rows: ReadonlyArray<Row>): Array<{ level: Level; events: number }> {
  const counts = new Map<Level, number>();
  for (const row of rows) counts.set(levelOf(row), (counts.get(levelOf(row)) ?? 0) + 1);
  return LEVELS.flatMap((level) => (counts.has(level) ? [{ level, events: counts.get(level)! }] : []));
}

export const toggled = (hidden: ReadonlyArray<Level>, level: Level): Level[] =>
  LEVELS.filter((own) => (own === level ? !hidden.includes(own) : hidden.includes(own)));
