// Setting a client up in the browser: what to paste, a token, senders that fail as real
// ones do, ticks for what comes, and the page of tokens.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled, startBrowser, startServer } from './harness.mjs';

const WAIT_MS = 20_000;
const EVENTS = ['user_prompt', 'api_request', 'tool_decision', 'tool_result', 'api_error'];

let browser;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
});

const bodyOf = (event) =>
  JSON.stringify({
    resourceLogs: [
      {
        scopeLogs: [
          { logRecords: [{ timeUnixNano: '0', body: { stringValue: `claude_code.${event}` }, attributes: [{ key: 'event.name', value: { stringValue: event } }] }] },
        ],
      },
    ],
  });

const post = (url, headers, body) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

test('a client is set up: failures are named, events are ticked', { timeout: 180_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { page, complaints } = await openPage(browser, `${server.ui}/connect`);
  await settled(page);
  let token;

  await t.test('an open intake is said, and a token is made', async () => {
    await page.getByTestId('open-intake').waitFor();
    await page.getByLabel('Claude Cowork').check();
    await page.getByRole('heading', { name: 'OTLP protocol' }).waitFor();
    await page.getByLabel('Organisation').fill('Example <b>Ltd</b>');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const headers = page.getByText(/^Authorization=Bearer tbi_/);
    await headers.waitFor({ timeout: WAIT_MS });
    token = (await headers.innerText()).trim().split(' ')[1];
    assert.match(token, /^tbi_[a-z2-7]{12}_[\w-]{43}$/);
    await page.getByTestId('open-intake').waitFor({ state: 'detached' });
  });

  await t.test('what is turned away is named with its reason', async () => {
    assert.equal((await post(`${server.http}/v1/logs`, {}, bodyOf('user_prompt'))).status, 401);
    assert.equal((await post(`${server.http}/v1/log`, {}, '{}')).status, 404);
    assert.equal((await post(`${server.grpc}/v1/logs`, {}, '{}')).status, 415);
    const knocks = page.getByTestId('knocks');
    for (const said of ['A token is needed', 'OTLP/HTTP is at /v1/logs', `send OTLP/HTTP to port ${new URL(server.http).port}`]) {
      await knocks.getByText(said).waitFor({ timeout: WAIT_MS });
    }
    await assertAccessible(page, 'Connect with failures');
  });

  await t.test('five kinds of events are ticked as they come', async () => {
    const came = () => page.locator('[data-testid="events"] li[data-came="true"]').count();
    assert.equal(await came(), 0);
    for (const [at, event] of EVENTS.entries()) {
      assert.equal((await post(`${server.http}/v1/logs`, { authorization: `Bearer ${token}` }, bodyOf(event))).status, 200);
      await page.locator('[data-testid="events"] li[data-came="true"]', { hasText: event }).waitFor({ timeout: WAIT_MS });
      assert.equal(await came(), at + 1, event);
    }
  });

  await t.test('tokens are listed, rotated and revoked', async () => {
    await page.getByTestId('pages').getByRole('link', { name: 'Tokens' }).click();
    await page.locator('h1', { hasText: 'Tokens' }).waitFor();
    const rows = page.locator('[data-testid="tokens"] > li');
    await rows.getByText('for Example <b>Ltd</b>').waitFor({ timeout: WAIT_MS });
    assert.equal(await rows.count(), 1);
    await rows.getByText(/5 items today/).waitFor();
    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByTestId('token-made').waitFor({ timeout: WAIT_MS });
    const second = (await page.getByTestId('token-made').locator('pre').innerText()).trim();
    assert.notEqual(second, token);
    assert.equal(await rows.count(), 2);
    for (const text of [token, second]) {
      assert.equal((await post(`${server.http}/v1/logs`, { authorization: `Bearer ${text}` }, '{}')).status, 200);
    }
    const old = rows.filter({ hasText: token.slice(4, 16) });
    await old.getByRole('button', { name: 'Revoke' }).click();
    await old.getByRole('button', { name: 'Yes, end it now' }).click();
    await page.locator('[data-standing="revoked"]').waitFor({ timeout: WAIT_MS });
    await page.getByTestId('make-token').getByLabel('Name').fill('cowork');
    await page.getByTestId('make-token').getByLabel('Organisation').fill('Example');
    await page.getByTestId('make-token').getByRole('button', { name: 'Make a token' }).click();
    await page.getByTestId('token-error').getByText('has a live token').waitFor({ timeout: WAIT_MS });
    assert.ok(!(await page.content()).includes(token), 'no page shows a token again');
    await assertAccessible(page, 'Tokens');
  });

  await t.test('both pages are laid out at every width', async () => {
    for (const path of ['connect', 'tokens']) {
      await page.goto(`${server.ui}/${path}`);
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        await assertLaidOut(page, `${path} at ${width}`);
      }
    }
  });

  // A refused wish is an answer of 400, which the browser tells too.
  assert.deepEqual(complaints.filter((told) => !told.includes('400 (Bad Request)')), []);
});
