// Where several organisations report, the header chooses which one is seen: on every page, and when one comes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, figure, settled, startServer } from './harness.mjs';
import { search, stage } from './stage.mjs';
import { sendRecords } from './telemetry.mjs';

const SPENT = { 'Harbour Ltd': 1.25, 'Quarry <b>& Sons': 2.5 };
const [HARBOUR, QUARRY] = Object.keys(SPENT);

const own = stage({
  start: startServer,
  async fill(server) {
    for (const [place, [organization, cost_usd]] of Object.entries(SPENT).entries()) {
      const response = await fetch(`${server.ui}/api/v1/tokens`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ slot: `client-${place}`, organization }),
      });
      assert.ok(response.ok, await response.clone().text());
      const { text } = await response.json();
      const shared = { at_ms: Date.now() - 3_600_000, 'session.id': `session-${place}`, 'prompt.id': `prompt-${place}`, 'user.email': `person${place}@example.com` };
      await sendRecords(server, [
        { ...shared, 'event.name': 'user_prompt', prompt: 'Do it.', prompt_length: 6 },
        { ...shared, 'event.name': 'api_request', model: 'a-model-of-ours', cost_usd, input_tokens: 100_000, output_tokens: 50_000, duration_ms: 1400 },
      ], text);
    }
  },
});

const address = (path) => `${own.server.ui}/${path}?tz=utc`;
/** Whose work the page shows, once it shows this person's. */
async function shows(page, person) {
  await page.waitForFunction((name) => document.querySelector('main').innerText.includes(name), person);
  await settled(page);
  return page.locator('main').innerText();
}
const spent = (page) => page.getByTestId('panel-spent').getByTestId('figure-cost_usd').getAttribute('data-value').then(Number);

test('a choice narrows every page to one organisation, stays, and is not in the address', { timeout: 120_000 }, async () => {
  const { page, complaints } = await own.open('');
  await page.goto(address(''));
  await settled(page);
  const choice = page.getByTestId('organization');
  await choice.waitFor();
  assert.deepEqual(await choice.locator('option').allInnerTexts(), ['All organisations', HARBOUR, QUARRY]);
  assert.equal(await figure(page, 'total-cost'), 3.75);
  await choice.selectOption(QUARRY);
  await page.waitForFunction(() => document.querySelector('[data-testid="total-cost"]')?.dataset.value === '2.5');
  await settled(page);
  assert.equal(search(page).get('organization'), null);
  await page.goto(address('cost'));
  await settled(page);
  await page.waitForFunction(() => document.querySelector('[data-testid="organization"]')?.value !== '');
  await settled(page);
  assert.equal(await spent(page), SPENT[QUARRY], 'another page is of it, too');
  await page.goto(address('prompts'));
  await page.waitForFunction(() => document.querySelector('[data-testid="organization"]')?.value !== '');
  assert.doesNotMatch(await shows(page, 'person1@example.com'), /person0@/);
  await choice.selectOption({ label: HARBOUR });
  assert.doesNotMatch(await shows(page, 'person0@example.com'), /person1@/);
  await choice.selectOption('');
  assert.match(await shows(page, 'person1@example.com'), /person0@/);
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await assertLaidOut(page, `the choice at ${width} px`);
  }
  await assertAccessible(page, 'the choice of an organisation');
  assert.deepEqual(complaints, [], 'the browser complained');
});
