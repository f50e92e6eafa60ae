// Any question: completed, asked, given up, drawn, kept, and taken elsewhere.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled } from './harness.mjs';
import { stage } from './stage.mjs';

// The organisation goes on working: what is asked twice is asked of what is over.
const OVER = new Date(Date.now() - 15 * 60_000).toISOString();
const MODELS = `SELECT model, count(*) AS requests FROM api_requests WHERE time < TIMESTAMP '${OVER}' GROUP BY model ORDER BY requests DESC, model`;

const own = stage();

async function open(sql) {
  const opened = await openPage(own.browser, `${own.server.ui}/explore${sql ? `?sql=${encodeURIComponent(sql)}` : ''}`);
  await opened.page.getByTestId('sql').waitFor();
  await settled(opened.page);
  return opened;
}

async function ask(sql) {
  const response = await fetch(`${own.server.ui}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql }) });
  return response.json();
}

async function type(page, sql) {
  await page.getByTestId('sql').click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(sql);
}

test('views and columns are completed, and the answer is the API’s', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open();
  await type(page, 'SELECT DISTINCT model FROM api_req');
  await page.getByTestId('offers').getByText('api_requests').first().click();
  await page.keyboard.type(' WHERE api_requests.cost_u');
  await page.getByTestId('offers').getByText('cost_usd', { exact: true }).click();
  await page.keyboard.type(' > 0 ORDER BY model');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  const rows = page.getByTestId('rows');
  await rows.waitFor();
  const sql = new URL(page.url()).searchParams.get('sql');
  assert.match(sql, /FROM api_requests WHERE api_requests.cost_usd > 0/);
  const shown = await rows.locator('[role="rowgroup"] [role="row"]').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(shown, (await ask(sql)).map((row) => [row.model]));
  await assertAccessible(page, 'Explore');
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('an error says where, and the text is marked there', { timeout: 60_000 }, async () => {
  const { page } = await open('SELECT\n  nope FROM events');
  assert.match(await page.getByTestId('fault').innerText(), /nope[^]*line 2, column 3/);
  assert.equal(await page.locator('.fault-mark').innerText(), 'nope');
});

test('a question is given up, and the server is told', { timeout: 60_000 }, async () => {
  const { page } = await open(MODELS);
  await page.getByTestId('rows').waitFor();
  const failed = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/query'));
  await page.route('**/api/v1/query', () => {});
  await page.getByTestId('run').click();
  await page.getByTestId('cancel').click();
  assert.match((await failed).failure().errorText, /ABORTED/);
  await page.getByTestId('run').waitFor();
  assert.ok(Number(await page.getByTestId('rows').getAttribute('data-count')) > 2, 'the old rows stay');
});

test('thousands of rows scroll, and few of them exist', { timeout: 60_000 }, async () => {
  const { page } = await open('SELECT time, session_id, event, model FROM events ORDER BY time LIMIT 9000');
  const rows = page.getByTestId('rows');
  await rows.waitFor();
  assert.equal(Number(await rows.getAttribute('data-count')), 9000);
  assert.ok((await rows.locator('[role="row"]').count()) < 80);
  await rows.evaluate((box) => (box.scrollTop = box.scrollHeight));
  await rows.locator('[aria-rowindex="9001"]').waitFor();
  const [last] = (await ask('SELECT time, session_id FROM events ORDER BY time LIMIT 9000')).slice(-1);
  assert.match(await rows.locator('[aria-rowindex="9001"]').innerText(), new RegExp(last.time.slice(0, 19)));
});

test('an answer is drawn, the address holds it, and back is back', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open(MODELS);
  await page.locator('[data-choice="chart"]').click();
  await page.getByTestId('chart').waitFor();
  const shown = await page.getByTestId('chart').locator('dt').allInnerTexts();
  assert.deepEqual(shown, (await ask(MODELS)).map(({ model }) => model ?? 'none'));
  assert.equal(new URL(page.url()).searchParams.get('chart'), 'requests');
  await page.reload();
  await page.getByTestId('chart').waitFor();
  await page.goBack();
  await page.getByTestId('rows').waitFor();
  await type(page, "SELECT date_trunc('day', time) AS day, count(*) AS n FROM events GROUP BY day");
  await page.keyboard.press('Escape');
  await page.getByTestId('run').click();
  await page.getByRole('columnheader', { name: 'day' }).waitFor();
  await page.locator('[data-choice="chart"]').click();
  await page.locator('[data-testid="chart"] canvas').waitFor();
  await page.goBack();
  await page.goBack();
  await page.getByRole('columnheader', { name: 'model' }).waitFor();
  assert.match(await page.getByTestId('sql').inputValue(), /GROUP BY model/);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a question is kept in the browser, and forgotten', { timeout: 60_000 }, async () => {
  const { page } = await open(MODELS);
  await page.getByLabel('Name of the question').fill('By model <b>');
  await page.getByTestId('saved').getByRole('button', { name: 'Save' }).click();
  await page.goto(`${own.server.ui}/explore`);
  await page.getByTestId('saved').getByRole('button', { name: 'By model <b>', exact: true }).click();
  await page.getByTestId('rows').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('sql'), MODELS);
  await page.getByRole('button', { name: 'Forget By model <b>' }).click();
  await page.reload();
  await page.getByTestId('sql').waitFor();
  assert.equal(await page.getByTestId('saved').locator('li').count(), 0);
});

test('an answer is taken elsewhere: three files and a command', { timeout: 60_000 }, async () => {
  const context = await own.browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  await page.goto(`${own.server.ui}/explore?sql=${encodeURIComponent(MODELS)}`);
  await page.getByTestId('rows').waitFor();
  const files = {};
  for (const format of ['csv', 'json', 'parquet']) {
    const saved = page.waitForEvent('download');
    await page.getByTestId(`download-${format}`).click();
    files[format] = await readFile(await (await saved).path());
  }
  assert.match(files.csv.toString(), /^model,requests\n/);
  assert.deepEqual(JSON.parse(files.json), await ask(MODELS));
  assert.equal(files.parquet.subarray(0, 4).toString(), 'PAR1');
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(execFileSync('sh', ['-c', `${command} --silent --fail`]).toString(), files.csv.toString());
  await context.close();
});

test('it fits every width', { timeout: 180_000 }, async () => {
  for (const width of [360, 768, 1440]) {
    const { page } = await open('SELECT * FROM api_requests LIMIT 50');
    await page.setViewportSize({ width, height: 900 });
    await page.getByTestId('rows').waitFor();
    await assertLaidOut(page, `Explore at ${width} px`);
    await assertAccessible(page, `Explore at ${width} px`);
    await page.close();
  }
});
