// From a recorded client to the figures a person reads: the numbers on the page
// are the client's own, and every one of them leads to the events behind it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, figure, ledgerOf, openPage, sendScenario, startBrowser, startServer } from './harness.mjs';

const TOOLS = 'cc329_tools_json';
const DENIED = 'cc329_denied_json';
const FAILED = 'cc329_fatal500_json';
const WAIT_MS = 30_000;

let browser;

before(async () => {
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
});

test('totals equal the client ledgers, and lead to list and replay', { timeout: 180_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { page, complaints } = await openPage(browser, server.ui);
  const ledger = await ledgerOf([TOOLS, DENIED]);

  await t.test('an empty server says what to paste, and stops waiting by itself', async () => {
    await page.getByTestId('connect').waitFor();
    const port = new URL(server.http).port;
    await page.getByTestId('connect').getByText(`OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${port}`).waitFor();
    await assertAccessible(page, 'Connect');
    await sendScenario(server, TOOLS);
    await sendScenario(server, DENIED);
    await page.getByTestId('overview').waitFor({ timeout: WAIT_MS });
  });

  await t.test('overview', async () => {
    // 10 requests of one scenario, 3 of the other.
    await untilCount(page, 'total-requests', 13);
    assertUsd(await figure(page, 'total-cost'), ledger.cost_usd);
    assert.equal(await figure(page, 'total-input-tokens'), ledger.input);
    assert.equal(await figure(page, 'total-output-tokens'), ledger.output);
    assert.equal(await figure(page, 'total-cache-read-tokens'), ledger.cacheRead);
    assert.equal(await figure(page, 'total-cache-creation-tokens'), ledger.cacheCreation);
    assert.equal(await figure(page, 'total-prompts'), 2);
    assert.equal(await figure(page, 'total-sessions'), 2);
    assert.ok((await figure(page, 'total-people')) >= 1);
    assert.equal(await figure(page, 'total-errors'), 0, 'no request of these scenarios failed');
    assert.match(await page.getByTestId('tool-outcomes').innerText(), /3 failed, 2 rejected/);
    assert.ok((await page.getByTestId('tools').locator('tbody tr').count()) >= 5);
    await assertAccessible(page, 'Overview');
  });

  await t.test('a number leads to the list', async () => {
    await page.getByTestId('total-cost').click();
    await page.getByTestId('prompt-row').nth(1).waitFor();
    assert.equal(await page.getByTestId('prompt-row').count(), 2);
    await assertAccessible(page, 'Prompts');
  });

  await t.test('the list leads to the replay', async () => {
    const { id, cost_usd } = await costliest(server);
    await page.locator(`[data-testid="prompt-row"][data-id="${id}"] a`).first().click();
    await page.getByTestId('replay-event').first().waitFor();
    assertUsd(await figure(page, 'replay-cost'), cost_usd);
    assertUsd(await figure(page, 'replay-cost'), (await ledgerOf([TOOLS])).cost_usd);
    assert.equal(await figure(page, 'replay-input-tokens'), (await ledgerOf([TOOLS])).input);
    assert.match(await page.getByTestId('withheld').first().innerText(), /OTEL_LOG_USER_PROMPTS is off/);
    await replayViews(page);
  });

  await t.test('sessions', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByTestId('session-row').first().waitFor();
    assert.equal(await page.getByTestId('session-row').count(), 2);
    await assertAccessible(page, 'Sessions');
    await page.getByTestId('session-row').first().getByRole('link').click();
    await page.getByTestId('session-cost').waitFor();
  });

  assert.deepEqual(complaints, [], 'the browser complained');
});

test('refusals and errors are counted, found and jumped to', { timeout: 120_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  await sendScenario(server, DENIED);
  await sendScenario(server, FAILED);
  const { page, complaints } = await openPage(browser, server.ui);

  await t.test('the errors lead to the prompt that has them, and back', async () => {
    await untilCount(page, 'total-errors', 1);
    await page.getByTestId('total-errors').click();
    await page.getByTestId('prompt-row').first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get('errors'), 'true');
    assert.equal(await page.getByTestId('prompt-row').count(), 1);
    await page.getByTestId('prompt-row').getByRole('link').first().click();
    await page.getByTestId('replay-event').first().waitFor();
    await page.keyboard.press('n');
    assert.match(await page.getByTestId('inspector').innerText(), /Request failed[^]*Internal server error/);
    await page.goBack();
    await page.goBack();
    await page.getByTestId('overview').waitFor();
  });

  await t.test('a refused tool call says who refused it', async () => {
    const { id, cost_usd } = await costliest(server);
    assertUsd(cost_usd, (await ledgerOf([DENIED])).cost_usd);
    await page.goto(`${server.ui}/prompts/${id}`);
    await page.getByTestId('replay-event').first().waitFor();
    assert.equal(await figure(page, 'replay-rejections'), 2);
    await page.keyboard.press('n');
    assert.match(await page.getByTestId('inspector').innerText(), /rejected by configuration/);
  });

  assert.deepEqual(complaints, [], 'the browser complained');

  await t.test('an unknown prompt is said to be unknown', async () => {
    await page.goto(`${server.ui}/prompts/00000000-0000-4000-8000-000000000000`);
    assert.match(await page.getByTestId('notice').innerText(), /GET \/api\/v1\/prompts\/00000000/);
  });
});

test('a new event arrives in Live without a reload', { timeout: 120_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  // Not empty, so that Live stands by itself and not behind what to paste.
  await sendScenario(server, DENIED);
  const { page, complaints } = await openPage(browser, `${server.ui}/live`);
  await page.locator('[data-testid="live-state"][data-connected="true"]').waitFor();
  await page.evaluate(() => (globalThis.notReloaded = true));
  await sendScenario(server, TOOLS);
  await page.locator('[data-testid="live-row"][data-event="api_request"]').first().waitFor({ timeout: WAIT_MS });
  assert.equal(await page.evaluate(() => globalThis.notReloaded), true);
  await assertAccessible(page, 'Live');
  await page.locator('[data-testid="live-row"] a').first().click();
  await page.getByTestId('replay').waitFor();
  assert.deepEqual(complaints, [], 'the browser complained');
});

async function replayViews(page) {
  const count = Number(await page.getByTestId('replay-events').getAttribute('data-count'));
  assert.ok(count >= 20, `the prompt caused ${count} events`);
  for (const view of ['waterfall', 'raw', 'thread']) {
    await page.getByTestId(`view-${view}`).click();
    await page.getByTestId('replay-event').first().waitFor();
    assert.equal(await page.getByTestId(`view-${view}`).getAttribute('aria-pressed'), 'true');
    assert.equal(await page.getByTestId('replay-event').first().getAttribute('data-event'), 'user_prompt');
    assert.equal(new URL(page.url()).searchParams.get('view') ?? 'thread', view);
    await assertAccessible(page, `Replay, ${view}`);
  }
  await page.keyboard.press('n');
  assert.match(await page.getByTestId('inspector').innerText(), /failed|error|rejected/);
  await assertAccessible(page, 'Replay, inspector open');
}

/** Events moved to now may lie a little ahead of it: asks again until all are in the range. */
async function untilCount(page, testid, expected) {
  await page.getByTestId('overview').waitFor({ timeout: WAIT_MS });
  const deadline = Date.now() + WAIT_MS;
  while ((await figure(page, testid)) < expected && Date.now() < deadline) {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.waitForTimeout(500);
  }
  assert.equal(await figure(page, testid), expected, testid);
}

/** The API's own list, to know which row is which. */
async function costliest(server) {
  const range = `from_ms=${Date.now() - 86_400_000}&to_ms=${Date.now() + 60_000}&limit=10`;
  const { prompts } = await (await fetch(`${server.ui}/api/v1/prompts?${range}`)).json();
  const [first] = prompts.toSorted((a, b) => b.cost_usd - a.cost_usd);
  return { id: first.prompt_id, cost_usd: first.cost_usd };
}

function assertUsd(actual, expected) {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} USD is not ${expected} USD`);
}
