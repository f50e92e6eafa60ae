// A prompt of 5,000 events: read by wheel and by key without the page standing still, and with few rows at a time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, startServer } from './harness.mjs';
import { stage } from './stage.mjs';
import { longPrompt, sendRecords } from './telemetry.mjs';

const EVENTS = 5000;
/** Rows in sight and a few beyond; never all. */
const MOST_NODES = 6_000;
/** A page that stands still. Alone no task takes a fifth of it; the machine that tests may be busy with other things. */
const LONGEST_TASK_MS = 1_000;

const own = stage({
  start: startServer,
  async fill(server) {
    // Two more than are shown, and what is shown.
    const records = [...longPrompt(EVENTS), ...longPrompt(EVENTS + 2, 'longer-prompt')];
    // A client sends at most so many at once.
    for (let from = 0; from < records.length; from += 1000) await sendRecords(server, records.slice(from, from + 1000));
  },
});

/** What the browser says of its own work while something is done: frames, the longest task, the most elements. */
async function measured(page, action) {
  await page.evaluate(() => {
    const seen = (globalThis.seen = { frames: 0, longest_ms: 0, nodes: 0, running: true });
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (seen.longest_ms = Math.max(seen.longest_ms, duration)))).observe({ type: 'longtask' });
    const frame = () => {
      seen.frames += 1;
      seen.nodes = Math.max(seen.nodes, document.querySelectorAll('*').length);
      if (seen.running) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const began = Date.now();
  await action();
  const elapsed_ms = Date.now() - began;
  return { ...(await page.evaluate(() => ((globalThis.seen.running = false), globalThis.seen))), elapsed_ms };
}

test('what is left out of a longer prompt is said, and where it is', { timeout: 60_000 }, async () => {
  const { page } = await openPage(own.browser, `${own.server.ui}/prompts/longer-prompt`);
  assert.match(await page.getByTestId('truncated').innerText(), /first 5,000 of 5,002 events/);
  await page.getByTestId('truncated').getByRole('link').click();
  await page.getByTestId('rows').waitFor();
  assert.equal(await page.getByTestId('rows').getAttribute('data-count'), '5002');
});

test('5,000 events stay smooth in every view', { timeout: 240_000 }, async (t) => {
  const { page, complaints } = await openPage(own.browser, `${own.server.ui}/prompts/long-prompt`);
  await page.getByTestId('replay-event').first().waitFor({ timeout: 60_000 });
  assert.equal(await page.getByTestId('replay-events').getAttribute('data-count'), String(EVENTS));
  for (const view of ['thread', 'waterfall', 'raw']) {
    await t.test(view, async (t) => {
      await page.getByTestId(`view-${view}`).click();
      await page.getByTestId('replay-event').first().waitFor();
      const wheel = await measured(page, async () => {
        for (let turn = 0; turn < 40; turn += 1) {
          await page.mouse.wheel(0, 1500);
          await page.waitForTimeout(16);
        }
      });
      const keys = await measured(page, async () => {
        for (let press = 0; press < 60; press += 1) await page.keyboard.press('j');
      });
      for (const [way, { frames, longest_ms, nodes, elapsed_ms }] of [['wheel', wheel], ['j', keys]]) {
        t.diagnostic(`${view}, ${way}: ${frames} frames in ${elapsed_ms} ms, longest task ${Math.round(longest_ms)} ms, ${nodes} elements`);
        assert.ok(nodes < MOST_NODES, `${nodes} elements`);
        assert.ok(longest_ms < LONGEST_TASK_MS, `a task of ${longest_ms} ms`);
      }
    });
  }
  // The last event is reached, and what ran up to it is the whole cost.
  await page.getByTestId('view-thread').click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('k');
  const last = page.locator('[aria-posinset="5000"]');
  await last.waitFor();
  assert.match(await last.locator('.running').innerText(), /\$2\.5000/, '2,500 requests at a tenth of a cent');
  // From the top the failures are gone through, each 500 events apart.
  await page.keyboard.press('n');
  assert.equal(new URL(page.url()).searchParams.get('at'), '500', 'round to the first failure');
  await page.keyboard.press('n');
  assert.equal(new URL(page.url()).searchParams.get('at'), '1000');
  await page.keyboard.press('p');
  assert.equal(new URL(page.url()).searchParams.get('at'), '500');
  assert.deepEqual(complaints, [], 'the browser complained');
});
