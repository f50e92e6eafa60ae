// Events of a client that the tests make up: what recordings do not have.

import assert from 'node:assert/strict';

const valueOf = (value) => {
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
  return typeof value === 'boolean' ? { boolValue: value } : { stringValue: value };
};

/** Sends records, each with its moment (`at_ms`) and its attributes, as one request of Claude Code, with a token where there is one. */
export async function sendRecords(server, records, token = null) {
  const logRecords = records.map(({ at_ms, ...attributes }) => ({
    timeUnixNano: `${at_ms}000000`,
    body: { stringValue: `claude_code.${attributes['event.name']}` },
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) })),
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'claude-code' } }] };
  const response = await fetch(`${server.http}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'com.anthropic.claude_code.events' }, logRecords }] }] }),
  });
  assert.equal(response.status, 200);
}

/** One prompt and everything it caused, so many events; every 500th failed. */
export function longPrompt(events, prompt = 'long-prompt', begin_ms = Date.now() - 3_600_000) {
  const shared = { 'session.id': 'long-session', 'prompt.id': prompt, 'user.email': 'long@example.com' };
  return Array.from({ length: events }, (_, place) => {
    const own = { ...shared, at_ms: begin_ms + place * 500, 'event.sequence': place };
    if (place === 0) return { ...own, 'event.name': 'user_prompt', prompt: 'Do much.', prompt_length: 8 };
    if (place % 2) return { ...own, 'event.name': 'api_request', model: 'claude-opus-5-5', cost_usd: 0.001, input_tokens: 10, output_tokens: 5, duration_ms: 400 };
    return { ...own, 'event.name': 'tool_result', tool_name: 'Bash', tool_use_id: `tool-${place}`, success: place % 500 !== 0, duration_ms: 80, tool_input: JSON.stringify({ command: `step ${place}` }) };
  });
}
