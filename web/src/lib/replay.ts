// What a prompt's events mean to a reader: which kind each is, which ask for
// attention, what the prompt had cost by then, and what the client withheld.

import type { Replay, ReplayEvent } from '../api/types';

export type Kind = 'prompt' | 'response' | 'request' | 'decision' | 'tool' | 'failure' | 'agent' | 'other';

export interface Row {
  index: number;
  event: ReplayEvent;
  kind: Kind;
  /** An error, a failed tool or a refusal: what `n` and `p` jump between. */
  attention: boolean;
  /** Cost of the prompt up to and including this event. */
  running_usd: number;
  /** Since the prompt began; negative for what a client's clock put before it. */
  offset_ms: number;
  /** Whose work it is when it is not the main agent's. */
  agent: string | null;
  /** The event that tells what was decided about this tool call: its own, or the result itself. */
  decided: ReplayEvent | null;
  withheld: Withheld | null;
}

export interface Withheld {
  what: string;
  /** The setting of the client that is off; none where the server keeps it from who asks. */
  setting?: string;
}

export function rowsOf(replay: Replay): Row[] {
  const decisions = decisionsByCall(replay.events);
  const names = agentNames(replay.events);
  let running_usd = 0;
  return replay.events.map((event, index) => {
    const kind = kindOf(event);
    // Only requests carry cost that counts; anything else would count it twice.
    if (kind === 'request') running_usd += event.cost_usd ?? 0;
    return {
      index,
      event,
      kind,
      attention: needsAttention(event),
      running_usd,
      offset_ms: event.time_ms - replay.start_ms,
      agent: agentOf(event, names),
      decided: kind === 'tool' ? decisionOf(event, decisions) : null,
      withheld: withheldFrom(event),
    };
  });
}

const KINDS: Record<string, Kind> = {
  user_prompt: 'prompt',
  assistant_response: 'response',
  api_request: 'request',
  tool_decision: 'decision',
  tool_result: 'tool',
  api_error: 'failure',
  api_refusal: 'failure',
  internal_error: 'failure',
  subagent_completed: 'agent',
};

export function kindOf(event: { event: string }): Kind {
  return Object.hasOwn(KINDS, event.event) ? KINDS[event.event]! : 'other';
}

export function isRejection(event: { decision?: string | null | undefined }): boolean {
  return /^(reject|deny|denied|abort)/i.test(event.decision ?? '');
}

export function needsAttention(
  event: Pick<ReplayEvent, 'event' | 'success' | 'decision' | 'error' | 'error_type'>,
): boolean {
  return (
    kindOf(event) === 'failure' || event.success === false || isRejection(event) || Boolean(event.error || event.error_type)
  );
}

/** The next row asking for attention from `current`, going round at the ends; -1 when none does. */
export function nextAttention(rows: ReadonlyArray<Row>, current: number, direction: -1 | 1): number {
  for (let step = 1; step <= rows.length; step += 1) {
    const index = (((current + step * direction) % rows.length) + rows.length) % rows.length;
    if (rows[index]?.attention) return index;
  }
  return -1;
}

const REDACTED = '<REDACTED>';
/** In place of what the server keeps from who asks. */
export const KEPT = '<WITHHELD>';

/** What the client was not set to send, and the setting that would send it; or what is kept from who asks. */
export function withheldFrom(event: ReplayEvent): Withheld | null {
  const kept: Array<[string, unknown]> = [
    ['prompt', event.prompt],
    ['response', event.response],
    ['tool input', event.tool_input ?? event.tool_parameters],
  ];
  const found = kept.find(([, value]) => value === KEPT);
  if (found) return { what: found[0] };
  if (event.event === 'user_prompt' && (!event.prompt || event.prompt === REDACTED)) {
    return { what: 'prompt', setting: 'OTEL_LOG_USER_PROMPTS' };
  }
  if (event.event === 'assistant_response' && (!event.response || event.response === REDACTED)) {
    return { what: 'response', setting: 'OTEL_LOG_ASSISTANT_RESPONSES' };
  }
  if (event.event === 'tool_result' && event.tool_input == null && event.tool_parameters == null) {
    return { what: 'tool input', setting: 'OTEL_LOG_TOOL_DETAILS' };
  }
  return null;
}

const SOURCES: Record<string, string> = {
  config: 'by configuration',
  hook: 'by a hook',
  user_permanent: 'by the user, for good',
  user_temporary: 'by the user, this once',
  user_abort: 'aborted by the user',
  user_reject: 'by the user',
};

export function decidedBy(source: string | null | undefined): string {
  if (!source) return '';
  return Object.hasOwn(SOURCES, source) ? SOURCES[source]! : `by ${source}`;
}

/** The tool's own name, or server and tool for MCP, whose generic name says nothing. */
export function toolName(event: ReplayEvent): string {
  if (event.mcp_tool_name) return [event.mcp_server_name, event.mcp_tool_name].filter(Boolean).join(' · ');
  return event.tool_name ?? 'tool';
}

/** The one line that says what a tool was asked: its command, path, pattern or URL. */
export function toolInputText(event: ReplayEvent): string {
  const input = asObject(event.tool_input) ?? asObject(event.tool_parameters);
  if (!input) return plain(event.tool_input ?? event.tool_parameters);
  for (const name of ['command', 'full_command', 'bash_command', 'file_path', 'url', 'pattern', 'query', 'skill_name']) {
    if (typeof input[name] === 'string' && input[name]) return input[name];
  }
  return JSON.stringify(input);
}

export function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function asObject(value: unknown): Record<string, unknown> | null {
  if (typeof value === 'string') {
    if (!value.startsWith('{')) return null;
    try {
      return asObject(JSON.parse(value));
    } catch {
      // The client cuts long inputs, and half a JSON text is shown as it came.
      return null;
    }
  }
  return value && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function decisionsByCall(events: ReadonlyArray<ReplayEvent>): Map<string, ReplayEvent> {
  const found = new Map<string, ReplayEvent>();
  for (const event of events) {
    if (event.event === 'tool_decision' && event.tool_use_id) found.set(event.tool_use_id, event);
  }
  return found;
}

/** Older clients tell the decision with the result, and send no event of its own. */
function decisionOf(result: ReplayEvent, decisions: ReadonlyMap<string, ReplayEvent>): ReplayEvent | null {
  return decisions.get(result.tool_use_id ?? '') ?? (result.decision || result.decision_source ? result : null);
}

/** Only some events of a subagent name it; the others have just its id. */
function agentNames(events: ReadonlyArray<ReplayEvent>): Map<string, string> {
  const names = new Map<string, string>();
  for (const event of events) {
    const name = agentName(event);
    if (event.agent_id && name && !names.has(event.agent_id)) names.set(event.agent_id, name);
  }
  return names;
}

function agentName(event: ReplayEvent): string | null {
  if (event.agent_name) return event.agent_name;
  const type = event.attributes?.['agent_type'];
  if (typeof type === 'string' && type) return type;
  const source = event.query_source ?? '';
  return source.startsWith('agent:') ? (source.split(':').at(-1) ?? null) : null;
}

function agentOf(event: ReplayEvent, names: ReadonlyMap<string, string>): string | null {
  if (!event.agent_id && !event.agent_name) return null;
  return (event.agent_id && names.get(event.agent_id)) || event.agent_name || 'subagent';
}
