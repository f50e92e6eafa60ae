import { describe, expect, test } from 'vitest';
import type { Replay, ReplayEvent } from '../api/types';
import { fieldsOf } from './fields';
import { decidedBy, nextAttention, rowsOf, toolInputText, toolName, withheldFrom } from './replay';
import { factsOf, titleOf } from './words';

function replayOf(...events: Array<Partial<ReplayEvent> & { event: string }>): Replay {
  const totals = {
    cost_usd: 0, requests: 0, input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_creation_tokens: 0, tool_calls: 0, errors: 0,
  };
  return {
    prompt_id: 'p', session_id: 's', person: null, product: null, start_ms: 1000, end_ms: 2000, totals, event_count: events.length, truncated: false,
    events: events.map((event, index) => ({ time_ms: 1000 + index * 10, ...event })),
  };
}

describe('rows', () => {
  test('the cost so far counts requests and nothing else', () => {
    const rows = rowsOf(
      replayOf(
        { event: 'user_prompt' },
        { event: 'api_request', cost_usd: 0.25 },
        { event: 'subagent_completed', cost_usd: 9 },
        { event: 'api_request', cost_usd: null },
        { event: 'api_request', cost_usd: 0.5 },
      ),
    );
    expect(rows.map((row) => row.running_usd)).toEqual([0, 0.25, 0.25, 0.25, 0.75]);
    expect(rows[1]!.offset_ms).toBe(10);
  });

  test('errors, failed tools, rejections and refusals ask for attention', () => {
    const rows = rowsOf(
      replayOf(
        { event: 'api_error', error: 'Overloaded' },
        { event: 'api_refusal' },
        { event: 'tool_result', success: false },
        { event: 'tool_decision', decision: 'reject' },
        { event: 'api_retries_exhausted', error: 'x' },
        { event: 'tool_result', success: true },
        { event: 'tool_decision', decision: 'accept' },
        { event: 'api_request', error: '' },
      ),
    );
    expect(rows.map((row) => row.attention)).toEqual([true, true, true, true, true, false, false, false]);
  });

  test('a result finds its decision by the call, or carries it itself', () => {
    const rows = rowsOf(
      replayOf(
        { event: 'tool_decision', tool_use_id: 'a', decision: 'accept', decision_source: 'hook' },
        { event: 'tool_result', tool_use_id: 'a' },
        { event: 'tool_result', tool_use_id: 'b' },
        { event: 'tool_result', decision: 'accept', decision_source: 'config' },
      ),
    );
    expect(rows.map((row) => row.decided?.decision_source ?? null)).toEqual([null, 'hook', null, 'config']);
  });

  test('an agent is named by any of its events', () => {
    const rows = rowsOf(
      replayOf(
        { event: 'tool_decision', agent_id: 'x' },
        { event: 'api_request', agent_id: 'x', query_source: 'agent:builtin:general-purpose' },
        { event: 'api_request', query_source: 'sdk' },
        { event: 'tool_result', agent_id: 'y' },
        { event: 'subagent_completed', agent_id: 'z', attributes: { agent_type: 'reviewer' } },
      ),
    );
    expect(rows.map((row) => row.agent)).toEqual(['general-purpose', 'general-purpose', null, 'subagent', 'reviewer']);
  });

  test('an event named like a property of Object is just an event', () => {
    const [row] = rowsOf(replayOf({ event: 'constructor' }));
    expect(row!.kind).toBe('other');
    expect(titleOf(row!)).toBe('Constructor');
  });
});

test('n and p go round', () => {
  const rows = rowsOf(replayOf({ event: 'x' }, { event: 'api_error' }, { event: 'x' }, { event: 'api_error' }));
  expect(nextAttention(rows, -1, 1)).toBe(1);
  expect(nextAttention(rows, 1, 1)).toBe(3);
  expect(nextAttention(rows, 3, 1)).toBe(1);
  expect(nextAttention(rows, 1, -1)).toBe(3);
  expect(nextAttention(rows, 0, -1)).toBe(3);
  expect(nextAttention(rowsOf(replayOf({ event: 'x' })), 0, 1)).toBe(-1);
  expect(nextAttention([], -1, 1)).toBe(-1);
});

describe('what the client withheld', () => {
  const cases: Array<[Partial<ReplayEvent> & { event: string }, string | null]> = [
    [{ event: 'user_prompt', prompt: '<REDACTED>' }, 'OTEL_LOG_USER_PROMPTS'],
    [{ event: 'user_prompt', prompt: 'Fix it' }, null],
    [{ event: 'assistant_response' }, 'OTEL_LOG_ASSISTANT_RESPONSES'],
    [{ event: 'assistant_response', response: '<REDACTED>' }, 'OTEL_LOG_ASSISTANT_RESPONSES'],
    [{ event: 'assistant_response', response: 'Done' }, null],
    [{ event: 'tool_result', tool_input: null }, 'OTEL_LOG_TOOL_DETAILS'],
    [{ event: 'user_prompt', prompt: '<WITHHELD>' }, 'kept'],
    [{ event: 'tool_result', tool_parameters: '<WITHHELD>' }, 'kept'],
    [{ event: 'tool_result', tool_parameters: '{}' }, null],
    [{ event: 'api_request' }, null],
  ];
  test.each(cases)('%j', (event, setting) => {
    const withheld = withheldFrom({ time_ms: 0, ...event });
    expect(withheld && (withheld.setting ?? 'kept')).toBe(setting);
  });
});

test('a tool is named and told by what it was asked', () => {
  const event = (fields: Partial<ReplayEvent>): ReplayEvent => ({ time_ms: 0, event: 'tool_result', ...fields });
  expect(toolName(event({ tool_name: 'mcp_tool', mcp_server_name: 'github', mcp_tool_name: 'search' }))).toBe('github · search');
  expect(toolInputText(event({ tool_input: '{"command":"ls","description":"List"}' }))).toBe('ls');
  expect(toolInputText(event({ tool_input: '{"file_path":"/a"}' }))).toBe('/a');
  expect(toolInputText(event({ tool_input: '{"command":"cut of' }))).toBe('{"command":"cut of');
  expect(toolInputText(event({ tool_parameters: '{"a":1}' }))).toBe('{"a":1}');
  expect(toolInputText(event({}))).toBe('');
});

test('decisions are told in words', () => {
  expect(decidedBy('user_temporary')).toBe('by the user, this once');
  expect(decidedBy('oracle')).toBe('by oracle');
  expect(decidedBy(null)).toBe('');
  const [row] = rowsOf(replayOf({ event: 'api_request', model: 'm', duration_ms: 419, input_tokens: 5, cache_read_tokens: 30_200, attempt: 1, speed: 'fast' }));
  expect(factsOf(row!)).toEqual(['m', '419 ms', '5 in', '30.2k cache read', 'fast']);
});

test('the inspector shows every field that came, and lays JSON out', () => {
  const { own, attributes } = fieldsOf({
    time_ms: 1, event: 'tool_result', success: false, tool_input: '{"a":1}', model: null, attributes: { 'organization.id': 'o' },
  });
  expect(own.map((field) => field.name)).toEqual(['event', 'success', 'tool_input']);
  expect(own[2]).toEqual({ name: 'tool_input', text: '{\n  "a": 1\n}', block: true });
  expect(attributes).toEqual([{ name: 'organization.id', text: 'o', block: false }]);
});
