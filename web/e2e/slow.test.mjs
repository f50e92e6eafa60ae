// A page of panels whose answers come at different times: each is shown when it has come, and nothing that is there moves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, settled, watchShifts } from './harness.mjs';
import { stage } from './stage.mjs';

const own = stage();

/** Opens a page while the answers that `held` says are kept back; `release` lets them come. */
async function opening(path, width, held) {
  const { page, complaints } = await openPage(own.browser, own.address('connect'));
  await page.setViewportSize({ width, height: 900 });
  const shifts = await watchShifts(page);
  let release;
  const gate = new Promise((done) => (release = done));
  let keep;
  const kept = new Promise((done) => (keep = done));
  await page.route('**/api/v1/reports/**', async (route) => {
    const url = new URL(route.request().url());
    // What is asked of the period before is not slow: of two lanes one stays free.
    if (held(url) && Number(url.searchParams.get('from')) === own.range.from) {
      keep();
      await gate;
    }
    await route.continue();
  });
  await page.goto(own.address(path, '&cmp=prev'));
  return { page, complaints, shifts, release, kept };
}

/** Page, which answers are slow, a panel that is there all the same, and one that waits. */
const SLOW = [
  ['errors', (url) => url.searchParams.get('group_by') === 'day', 'kinds', null],
  ['errors', (url) => url.searchParams.get('group_by')?.startsWith('kind'), 'days', 'models'],
  ['tools', (url) => url.searchParams.get('group_by') === 'error_type', 'audit', 'why'],
  ['connectors', (url) => url.searchParams.get('group_by') === 'day', 'servers', null],
  ['adoption', (url) => url.pathname.endsWith('/retention'), 'days', 'hours'],
  ['productivity', (url) => url.searchParams.get('group_by') === 'team', 'commits', 'teams'],
];

test('a slow panel keeps none waiting whose place is known, and moves nothing when it comes', { timeout: 600_000 }, async (t) => {
  for (const width of [360, 768, 1440]) {
    for (const [path, held, there, waits] of SLOW) {
      await t.test(`${path}, ${width} px, ${there} before the rest`, async () => {
        const { page, complaints, shifts, release, kept } = await opening(path, width, held);
        await page.getByTestId(`panel-${there}`).locator('[data-testid="panel-answer"]').waitFor();
        await kept;
        assert.ok((await page.locator('main [aria-busy="true"], main .skeleton').count()) > 0, 'the page does not say that more is coming');
        if (waits) assert.equal(await page.getByTestId(`panel-${waits}`).getByTestId('panel-answer').count(), 0, `${waits} is there, and would move`);
        release();
        await settled(page);
        assert.deepEqual(await shifts(), []);
        assert.deepEqual(complaints, [], 'the browser complained');
        await page.close();
      });
    }
  }
});
