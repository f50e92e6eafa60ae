// The page Privacy: what is kept and why, retention, holds, and somebody who is erased.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, sendScenario, startBrowser, startServer } from './harness.mjs';

let browser;
let server;
let person;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  await sendScenario(server, 'cc329_tools_json_verbose');
  await sendScenario(server, 'cowork_like_pb');
  const answer = await fetch(`${server.ui}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql: 'SELECT person FROM people WHERE person IS NOT NULL ORDER BY person LIMIT 1', format: 'json' }),
  });
  person = (await answer.json())[0].person;
  assert.ok(person);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What the browser says of answers that are meant to be refused is no complaint. */
const real = (complaints) => complaints.filter((one) => !/status of 40[49]/.test(one));

async function wide(page, name) {
  await assertAccessible(page, name);
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await assertLaidOut(page, `${name} at ${width} px`);
  }
}

async function ask(page) {
  await page.getByTestId('erase-plan').getByLabel(/Name, e-mail/).fill(person);
  await page.getByTestId('erase-plan').getByRole('button', { name: 'What would go?' }).click();
  await page.getByTestId('erase-would').waitFor();
}

async function confirm(page, text) {
  await page.getByTestId('erase-confirm').getByLabel(/Type/).fill(text);
  await page.getByTestId('erase-confirm').getByRole('button', { name: 'Erase' }).click();
}

test('says what is kept, holds, refuses, releases and erases', { timeout: 180_000 }, async () => {
  const { page, complaints } = await openPage(browser, `${server.ui}/privacy?tz=utc`);
  // By the keyboard from elsewhere, too.
  await page.getByTestId('kept-words').waitFor();
  assert.match(await page.getByTestId('kept-words').innerText(), /kept[\s\S]*redaction\.content/);
  assert.match(await page.getByTestId('retention-rules').innerText(), /for ever/);
  await page.getByTestId('no-holds').waitFor();
  await page.getByTestId('no-certificates').waitFor();
  await page.getByRole('button', { name: 'What would go now?' }).click();
  assert.match(await page.getByTestId('retention-plan-total').innerText(), /Nothing would go now/);
  await wide(page, 'Privacy, empty');

  await page.getByText('Set a hold').click();
  await page.getByTestId('set-hold').getByLabel('Why').fill('case 4711');
  await page.getByTestId('set-hold').getByLabel(/Of whom/).fill(person);
  await page.getByTestId('set-hold').getByRole('button', { name: 'Hold' }).click();
  await page.getByTestId('holds').getByText('case 4711').waitFor();

  await ask(page);
  assert.match(await page.getByTestId('erase-would').innerText(), /[1-9]\d* items would go/);
  await wide(page, 'Privacy, about to erase');
  await confirm(page, `${person}!`);
  await page.getByTestId('erase-confirm').getByText('What was typed is not the person').waitFor();
  await confirm(page, person);
  await page.getByTestId('erase-confirm').getByText(/are held.*case 4711/).waitFor();

  await page.getByRole('button', { name: 'Release the hold: case 4711' }).click();
  await page.getByTestId('no-holds').waitFor();
  await page.getByTestId('nobody-refused').waitFor();
  await page.getByLabel(/Refuse from now on/).check();
  await ask(page);
  await confirm(page, person);
  await page.getByTestId('erase-standing').getByText(/Erased/).waitFor({ timeout: 60_000 });
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('erase-standing').getByRole('link', { name: /Certificate/ }).click(),
  ]);
  assert.match(file.suggestedFilename(), /^erasure-[0-9a-f]{16}\.json$/);
  await page.getByTestId('certificates').waitFor();
  await page.getByTestId('refused-people').waitFor();
  await wide(page, 'Privacy, erased');
  await page.getByRole('button', { name: /^Take again/ }).click();
  await page.getByTestId('nobody-refused').waitFor();
  assert.deepEqual(real(complaints), [], 'the browser complained');
  await page.close();
});

test('a failure is said beside what stands', { timeout: 60_000 }, async () => {
  const { page } = await openPage(browser, `${server.ui}/privacy?tz=utc`);
  await page.getByTestId('retention-rules').waitFor();
  await page.route('**/api/v1/holds', (route) => route.abort());
  await page.reload();
  await page.getByRole('region', { name: 'Legal holds' }).getByTestId('notice').waitFor();
  await page.getByTestId('retention-rules').waitFor();
  await page.unroute('**/api/v1/holds');
  await page.getByRole('region', { name: 'Legal holds' }).getByRole('button', { name: 'Retry' }).click();
  await page.getByTestId('no-holds').waitFor();
  await page.close();
});
