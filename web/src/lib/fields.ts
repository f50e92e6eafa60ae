// Everything an event carries, in one reading order for the inspector.

import type { ReplayEvent } from '../api/types';

export interface Field {
  name: string;
  text: string;
  /** Long or structured: set in its own block. */
  block: boolean;
}

const FIRST = ['event', 'sequence', 'agent_id', 'agent_name', 'model', 'tool_name', 'tool_use_id', 'success', 'decision'];
const LONG = 70;

export function fieldsOf(event: ReplayEvent): { own: Field[]; attributes: Field[] } {
  const { time_ms: _time, attributes, ...rest } = event;
  const own = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined && value !== '');
  own.sort(([a], [b]) => rank(a) - rank(b));
  return { own: own.map(field), attributes: Object.entries(attributes ?? {}).map(field) };
}

function rank(name: string): number {
  const place = FIRST.indexOf(name);
  return place < 0 ? FIRST.length : place;
}

function field([name, value]: [string, unknown]): Field {
  const text = textOf(value);
  return { name, text, block: text.length > LONG || text.includes('\n') };
}

/** JSON in a string is laid out; anything else is shown exactly as it came. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return laidOut(value) ?? value;
  if (value !== null && typeof value === 'object') return JSON.stringify(value, null, 2);
  return String(value);
}

function laidOut(text: string): string | null {
  if (!/^[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}
