// A page of panels whose answers come at different times: each is shown when it has come, and nothing that is there moves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, settled, watchShifts } from './harness.mjs';
import { stage } from './stage.mjs';

const own = stage();

const REPORTS = '**/api/v1/reports/**';
/** What is asked of the period before is not slow: of two lanes one stays free. */
const isHeld = (held) => (url) => held(url) && Number(url.searchParams.get('from')) === own.range.from;

/** Every question is asked once so; again, for an answer of now, only when the first was answered by an older one. */
const isFirst = (url) => url.searchParams.has('max_age_s');

/** How many questions the page asks that are not held back. */
async function quickOnes(path, held) {
  const { page } = await openPage(own.browser, own.address('connect'));
  let quick = 0;
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname.startsWith('/api/v1/reports/') && isFirst(url) && !held(url)) quick += 1;
  });
  await page.goto(own.address(path, '&cmp=prev'));
  await settled(page);
  await page.close();
  return quick;
}

/** Opens a page while some answers are kept back, until all others have come; `release` lets them come, too. */
async function opening(path, width, held, quick) {
  const { page, complaints } = await openPage(own.browser, own.address('connect'));
  await page.setViewportSize({ width, height: 900 });
  const shifts = await watchShifts(page);
  let release;
  const gate = new Promise((done) => (release = done));
  let kept = 0;
  let others = quick;
  let come;
  const rest = new Promise((done) => (come = done));
  await page.route(REPORTS, async (route) => {
    const url = new URL(route.request().url());
    if (held(url)) {
      kept += 1;
      await gate;
      await route.continue();
      return;
    }
    const response = await route.fetch();
    await route.fulfill({ response });
    if (isFirst(url)) others -= 1;
    if (others === 0) come();
  });
  await page.goto(own.address(path, '&cmp=prev'));
  await rest;
  assert.ok(kept > 0, 'nothing was slow');
  return { page, complaints, shifts, release };
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
  for (const [path, slow, there, waits] of SLOW) {
    const held = isHeld(slow);
    const quick = await quickOnes(path, held);
    for (const width of [360, 768, 1440]) {
      await t.test(`${path}, ${width} px, ${there} before the rest`, async () => {
        const { page, complaints, shifts, release } = await opening(path, width, held, quick);
        await page.getByTestId(`panel-${there}`).locator('[data-testid="panel-answer"]').waitFor();
        assert.ok((await page.locator('main [aria-busy="true"], main .skeleton').count()) > 0, 'the page does not say that more is coming');
        if (waits) assert.equal(await page.getByTestId(`panel-${waits}`).count(), 0, `${waits} is there, and would move`);
        release();
        await settled(page);
        assert.deepEqual(await shifts(), []);
        assert.deepEqual(complaints, [], 'the browser complained');
        await page.close();
      });
    }
  }
});
