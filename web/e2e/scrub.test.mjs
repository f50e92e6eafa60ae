// In a replay kinds of events can be put out of sight, and its whole time is a strip to draw along; the address holds both.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, settled } from './harness.mjs';
import { search, stage } from './stage.mjs';

const own = stage();

/** So few rows that all of them are drawn at once, and so many that most are not. */
const ALL_DRAWN = 34;
const MANY = 60;

/** Prompts that are over, with events of several kinds and tools that failed and did not: the longest that is short, and the shortest that is long. */
async function busy() {
  const sql = `SELECT prompt_id, count(*) AS n FROM events WHERE prompt_id IS NOT NULL GROUP BY prompt_id
    HAVING max(time) < to_timestamp_millis(${own.range.to}) AND bool_or(event = 'api_request') AND bool_or(event = 'tool_decision')
    AND bool_or(event = 'tool_result' AND success) AND bool_or(event = 'tool_result' AND NOT success) ORDER BY n, prompt_id`;
  const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql }) };
  const found = await (await fetch(`${own.server.ui}/api/v1/query`, asked)).json();
  const chosen = { short: found.findLast(({ n }) => n <= ALL_DRAWN), long: found.find(({ n }) => n >= MANY) };
  const prompts = [];
  for (const [name, prompt] of Object.entries(chosen)) {
    assert.ok(prompt, `no ${name} prompt of the demo has a tool that failed`);
    const { events } = await own.api(`prompts/${prompt.prompt_id}`);
    prompts.push({ name, prompt_id: prompt.prompt_id, events });
  }
  return prompts;
}

test('a level goes out of sight and comes back, failures stay, and a link says the same', { timeout: 120_000 }, async (t) => {
  for (const prompt of await busy()) await t.test(prompt.name, () => levelsOf(prompt));
});

async function levelsOf({ prompt_id, events }) {
  const { page, complaints } = await own.open(`prompts/${prompt_id}`, '&view=raw');
  const list = page.getByTestId('replay-events');
  const count = async () => Number(await list.getAttribute('data-count'));
  assert.equal(await count(), events.length);
  await page.getByTestId('levels').locator('summary').click();
  await page.getByTestId('level-tool').uncheck();
  const failed = events.filter(({ event, success }) => event === 'tool_result' && success === false).length;
  const tools = events.filter(({ event }) => event === 'tool_result').length;
  await page.waitForFunction((wanted) => document.querySelector('[data-testid="replay-events"]').dataset.count === String(wanted), events.length - tools + failed);
  assert.equal(search(page).get('hide'), 'tool');
  assert.match(await page.getByTestId('levels').locator('summary').innerText(), new RegExp(`^${events.length - tools + failed} of ${events.length} events`));
  await assertAccessible(page, 'levels');
  await assertLaidOut(page, 'levels', '[data-testid="levels"]');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByTestId('level-tool').isVisible(), false, 'Escape closes it');
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'summary', 'and the focus is where it came from');

  // What a link names is in sight, although its kind is not.
  const at = events.findIndex(({ event, success }) => event === 'tool_result' && success !== false);
  await page.goto(own.address(`prompts/${prompt_id}`, `&view=raw&hide=tool&at=${at}`));
  await settled(page);
  assert.equal(await count(), events.length - tools + failed + 1);
  assert.equal(await page.locator('[data-testid="replay-event"].selected').getAttribute('data-event'), 'tool_result');
  await page.reload();
  await settled(page);
  assert.deepEqual([search(page).get('hide'), await count()], ['tool', events.length - tools + failed + 1]);
  assert.deepEqual(complaints, [], 'the browser complained');
  await page.close();
}

test('the strip is drawn along and walked by key, in every view and width', { timeout: 120_000 }, async (t) => {
  for (const prompt of await busy()) {
    for (const width of [360, 1440]) {
      for (const view of ['thread', 'waterfall', 'raw']) await t.test(`${prompt.name}, ${view}, ${width} px`, () => stripOf(prompt, width, view));
    }
  }
});

async function stripOf({ prompt_id, events }, width, view) {
  const { page, complaints } = await own.open(`prompts/${prompt_id}`, `&view=${view}`);
  await page.setViewportSize({ width, height: 800 });
  const strip = page.getByTestId('scrubber');
  await strip.focus();
  await page.keyboard.press('End');
  assert.equal(search(page).get('at'), String(events.length - 1));
  await page.keyboard.press('ArrowLeft');
  assert.equal(search(page).get('at'), String(events.length - 2));
  assert.match(await strip.getAttribute('aria-valuetext'), /, .+, \$[\d.]+ so far$/);
  assert.equal(await strip.getAttribute('aria-valuenow'), String(events.length - 1));
  await page.keyboard.press('Home');
  assert.equal(search(page).get('at'), '0');
  const box = await strip.boundingBox();
  await page.mouse.move(box.x + 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 1, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const times = events.map(({ time_ms }) => time_ms);
  const [first_ms, last_ms] = [Math.min(...times), Math.max(...times)];
  const left_ms = last_ms - times[Number(search(page).get('at'))];
  assert.ok(left_ms / (last_ms - first_ms) < 3 / box.width, `${left_ms} ms from the end`);
  const row = page.locator('[data-testid="replay-event"].selected');
  await row.waitFor();
  const [seen, bar] = [await row.boundingBox(), await strip.boundingBox()];
  assert.ok(seen.y >= bar.y + bar.height - 1, `the row at ${seen.y} is under the strip, which ends at ${bar.y + bar.height}`);
  await page.getByRole('button', { name: 'Close' }).click();
  // What is scrolled lies under what sticks: layout is measured where nothing is scrolled.
  await page.evaluate(() => scrollTo(0, 0));
  // Rows that come into sight are measured in the frame after.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await assertLaidOut(page, `${view}, ${width} px`, '[data-testid="replay"]');
  assert.deepEqual(complaints, [], 'the browser complained');
  await page.close();
}
