// The words for an event: its title and the figures beside it. Used alike by
// the thread, the waterfall and the inspector, so that they never disagree.

import type { ReplayEvent } from '../api/types';
import { compact, count, duration } from './format';
import { decidedBy, isRejection, toolName, type Row } from './replay';
import type { Bar } from './waterfall';

const TITLES: Record<string, string> = {
  user_prompt: 'Prompt',
  assistant_response: 'Response',
  api_request: 'Request',
  api_error: 'Request failed',
  api_refusal: 'Model refused',
  subagent_completed: 'Subagent finished',
};

export function titleOf({ event, kind }: Pick<Row, 'event' | 'kind'>): string {
  if (kind === 'tool') return toolName(event);
  if (kind === 'decision') return `${toolName(event)} ${isRejection(event) ? 'rejected' : 'accepted'}`;
  if (Object.hasOwn(TITLES, event.event)) return TITLES[event.event]!;
  const words = event.event.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The short facts after the title, already in reading order. */
export function factsOf(row: Row): string[] {
  const { event } = row;
  const facts: Array<string | null | false> = [];
  if (row.kind === 'decision') facts.push(decidedBy(event.decision_source));
  if (row.kind !== 'decision' && row.kind !== 'tool') facts.push(event.model ?? null);
  if (event.duration_ms != null) facts.push(duration(event.duration_ms));
  if (event.ttft_ms != null) facts.push(`first token ${duration(event.ttft_ms)}`);
  facts.push(...tokenFacts(event));
  if (event.status_code != null) facts.push(`status ${event.status_code}`);
  if (event.attempt != null && event.attempt > 1) facts.push(`attempt ${event.attempt}`);
  if (event.effort) facts.push(`effort ${event.effort}`);
  if (event.speed && event.speed !== 'normal') facts.push(event.speed);
  if (event.skill_name) facts.push(`skill ${event.skill_name}`);
  if (event.plugin_name) facts.push(`plugin ${event.plugin_name}`);
  return facts.filter((fact): fact is string => Boolean(fact));
}

function tokenFacts(event: ReplayEvent): string[] {
  const kinds: Array<[string, number | null | undefined]> = [
    ['in', event.input_tokens],
    ['out', event.output_tokens],
    ['cache read', event.cache_read_tokens],
    ['cache write', event.cache_creation_tokens],
  ];
  return kinds.flatMap(([name, tokens]) => (tokens ? [`${compact(tokens)} ${name}`] : []));
}

/** "1 event", "2 events": the plural every list needs. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Of a round offset from the beginning: "15 s", not "15.0 s"; "1 h", not "1 h 00 m". */
export function offsetText(offset_ms: number): string {
  const text = duration(Math.abs(offset_ms))
    .replace(/\.0+(?= s)/, '')
    .replace(/ 00? [smh]$/, '');
  return offset_ms < 0 ? `−${text}` : text;
}

/** What a moment is drawn as on a prompt's time. */
export function markOf({ event, kind, attention }: Row): string {
  if (kind === 'decision') return isRejection(event) ? '✕' : '◇';
  return attention ? '▲' : '●';
}

/** How long it took; of a moment when it was. */
export function tookText(row: Row, bar: Bar): string {
  return bar.point ? `at ${duration(Math.max(0, row.offset_ms))}` : duration(bar.end_ms - bar.start_ms);
}
