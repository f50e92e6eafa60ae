// The live tail: its rate is capped, and what it left out is said; it stands still while somebody reads; the server
// filters it by what the address says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, startServer } from './harness.mjs';
import { stage } from './stage.mjs';
import { longPrompt, sendRecords } from './telemetry.mjs';

const own = stage({ start: startServer, fill: (server) => sendRecords(server, longPrompt(3, 'first')) });

async function open(more = '') {
  const opened = await openPage(own.browser, `${own.server.ui}/live${more}`);
  await opened.page.locator('[data-testid="live-state"][data-connected="true"]').waitFor();
  return opened;
}

const count = (text) => Number(/[\d,]+/.exec(text)[0].replaceAll(',', ''));

test('a burst is capped, and what is left out is counted and said', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open();
  await sendRecords(own.server, longPrompt(1000, 'burst'));
  const skipped = page.getByTestId('live-skipped');
  await skipped.waitFor({ timeout: 20_000 });
  const rows = page.getByTestId('live-row');
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="live-row"]').length >= 100);
  const [shown, left] = [await rows.count(), count(await skipped.innerText())];
  assert.equal(shown + left, 1000, `${shown} shown and ${left} left out`);
  assert.ok(shown <= 200, `${shown} of a burst are shown`);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('the server filters by what the address says, and a change of it begins anew', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open('?tool=Bash&errors=true');
  await sendRecords(own.server, longPrompt(1001, 'filtered'));
  await page.getByTestId('live-row').nth(1).waitFor();
  assert.deepEqual(await page.getByTestId('live-row').evaluateAll((all) => all.map((row) => row.dataset.event)), ['tool_result', 'tool_result'], 'two of a thousand failed, and neither was crowded out');
  assert.equal(await page.getByTestId('live-skipped').count(), 0);
  await page.getByRole('textbox', { name: 'tool' }).or(page.getByRole('combobox', { name: 'tool' })).fill('Read');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="live-state"][data-connected="true"]').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('tool'), 'Read');
  assert.equal(await page.getByTestId('live-row').count(), 0, 'rows of other filters are gone');
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('it stands still while scrolled down, and says what waits', { timeout: 60_000 }, async () => {
  const { page } = await open();
  await sendRecords(own.server, longPrompt(90, 'before'));
  await page.getByTestId('live-row').nth(80).waitFor();
  await page.mouse.move(5, 5);
  await page.evaluate(() => scrollTo(0, 900));
  await page.getByText('Paused while scrolled down').waitFor();
  const first = await page.getByTestId('live-row').first().innerText();
  // The cap is of a second: what comes in the next is not left out.
  await page.waitForTimeout(1100);
  await sendRecords(own.server, longPrompt(20, 'after'));
  await page.getByRole('button', { name: 'Show 20 new events' }).waitFor();
  assert.equal(await page.getByTestId('live-row').first().innerText(), first, 'nothing moved under the reader');
  await page.getByRole('button', { name: 'Show 20 new events' }).click();
  await page.locator('[data-testid="live-row"][data-id="after"]').first().waitFor();
});
