import { afterEach, expect, test, vi } from 'vitest';
import { addressed, ApiError, askAbout, fetchReplay, get, queryString } from './client';

afterEach(() => vi.unstubAllGlobals());

function answering(answer: () => Promise<Response>) {
  const fetched = vi.fn(answer);
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

async function failureOf(promise: Promise<unknown>): Promise<ApiError> {
  const failure = await promise.then(() => null, (cause: unknown) => cause);
  expect(failure).toBeInstanceOf(ApiError);
  return failure as ApiError;
}

test('an absent parameter is left out, an empty one is sent', () => {
  expect(queryString({ from_ms: 1, person: '', model: undefined, errors: true })).toBe('?from_ms=1&person=&errors=true');
  expect(queryString({})).toBe('');
  expect(queryString({ where: ['team=a', 'model!=b&c'], none: [] })).toBe('?where=team%3Da&where=model%21%3Db%26c');
});

test('what is stored is asked of the chosen organisation, and nothing else is', () => {
  askAbout('a & b');
  expect(addressed('/api/v1/reports/cost', { format: 'csv' })).toBe('/api/v1/reports/cost?format=csv&organization=a+%26+b');
  expect(addressed('/api/v1/query', {})).toBe('/api/v1/query?organization=a+%26+b');
  for (const path of ['/api/v1/reports', '/api/v1/tokens', '/api/v1/access/sessions', '/api/v1/session']) {
    expect(addressed(path, {})).toBe(path);
  }
  askAbout(null);
  expect(addressed('/api/v1/query', {})).toBe('/api/v1/query');
});

test('an id from telemetry cannot leave its place in the path', async () => {
  const fetched = answering(async () => Response.json({}));
  await fetchReplay('../status?x#y');
  expect(fetched.mock.calls[0]).toEqual(['/api/v1/prompts/..%2Fstatus%3Fx%23y', expect.anything()]);
});

test('the server’s message and hint are kept', async () => {
  answering(async () => Response.json({ error: { message: 'Too long.', hint: 'Shorten it.' } }, { status: 400 }));
  const failure = await failureOf(get('/api/v1/overview', { from_ms: 1 }));
  expect(failure).toMatchObject({ message: 'Too long.', mend: 'Shorten it.', status: 400, where: 'GET /api/v1/overview?from_ms=1' });
});

test('a refusal that is no JSON is still told', async () => {
  answering(async () => new Response('<html>', { status: 502 }));
  expect((await failureOf(get('/x', {}))).message).toBe('The server answered 502.');
});

test('an answer that is no JSON is told', async () => {
  answering(async () => new Response('<html>'));
  expect((await failureOf(get('/x', {}))).message).toBe('The answer was not JSON.');
});

test('no answer at all says what to check', async () => {
  answering(async () => {
    throw new TypeError('fetch failed');
  });
  const failure = await failureOf(get('/x', {}));
  expect(failure.status).toBe(0);
  expect(failure.mend).toContain('tallybook serve');
});

test('an aborted request stays an abort', async () => {
  answering(async () => {
    throw new DOMException('aborted', 'AbortError');
  });
  await expect(get('/x', {})).rejects.toMatchObject({ name: 'AbortError' });
});
