// By keyboard alone: every page is walked through with Tab, whatever opens gives the focus back, and what changes is said.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './harness.mjs';
import { PAGES } from './pages.mjs';
import { stage } from './stage.mjs';

const own = stage();
/** Long lists have more; the rest of them is alike. */
const STOPS = 90;

/** What has the focus: where it is, what it is called, and whether it can be seen to have it. */
const focused = (page) =>
  page.evaluate(() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    globalThis.walked ??= [];
    const before = globalThis.walked.at(-1);
    globalThis.walked.push(one);
    const box = one.getBoundingClientRect();
    const labels = [...(one.labels ?? [])].map(({ textContent }) => textContent).join(' ');
    const name = one.getAttribute('aria-label') || labels || one.textContent.trim() || one.title || one.placeholder || one.value || '';
    return {
      what: one.outerHTML.slice(0, 110),
      name: name.trim().slice(0, 40),
      inOrder: !before || Boolean(before.compareDocumentPosition(one) & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY)),
      inSight: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
      // A field with its text behind it is marked as a whole.
      marked: [one, one.closest('.editor')].some((own) => own && getComputedStyle(own).outlineStyle !== 'none' && parseFloat(getComputedStyle(own).outlineWidth) >= 1),
    };
  });

test('every page is walked through with Tab: in order, in sight, with a name and a mark', { timeout: 400_000 }, async (t) => {
  const { prompts } = await own.api('prompts', { limit: '20' });
  const replay = prompts.toSorted((a, b) => b.cost_usd - a.cost_usd)[0].prompt_id;
  for (const path of [...PAGES, `prompts/${replay}`]) {
    await t.test(path || 'overview', async () => {
      const { page, complaints } = await own.open(path);
      const faults = [];
      let stops = 0;
      for (; stops < STOPS; stops += 1) {
        await page.keyboard.press('Tab');
        const at = await focused(page);
        if (!at) break;
        if (!stops) assert.match(at.name, /Skip to content/);
        for (const wanted of ['inOrder', 'inSight', 'marked', 'name']) if (!at[wanted]) faults.push(`${wanted}: ${at.what}`);
      }
      assert.deepEqual(faults, []);
      assert.ok(stops > 20, `${stops} stops`);
      assert.deepEqual(complaints, [], 'the browser complained');
      await page.close();
    });
  }
});

/** What opens, by what it is opened, and what it is. */
const OPENED = [
  ['how a figure is computed', (page) => page.getByTestId('panel-spent').getByTestId('figure-cost_usd'), 'Enter', 'dialog[open]'],
  ['what makes a difference', (page) => page.getByTestId('panel-spent').locator('.why button').first(), 'Enter', 'dialog[open]'],
  ['how a figure of a row is computed', (page) => page.getByTestId('panel-models').locator('[data-figure]').first(), 'Enter', 'dialog[open]'],
  ['the range', (page) => page.locator('.range .choose'), 'Enter', '[role="dialog"][aria-label="Time range"]'],
  ['the help', (page) => page.getByRole('button', { name: 'Help', exact: true }), 'Enter', 'dialog[open]'],
  ['the palette', (page) => page.getByTestId('go'), 'Enter', '[data-testid="palette"]'],
  ['the menu of a value', (page) => page.getByTestId('panel-models').locator('.value').first(), 'Shift+F10', '[role="menu"]'],
];

test('what opens takes the focus, and gives it back to where it was', { timeout: 120_000 }, async (t) => {
  const { page, complaints } = await own.open('cost');
  for (const [name, opener, key, opened] of OPENED) {
    await t.test(name, async () => {
      const from = opener(page);
      await from.focus();
      await page.keyboard.press(key);
      await page.locator(opened).first().waitFor();
      await page.waitForFunction((wanted) => document.activeElement?.closest(wanted), opened);
      await page.keyboard.press('Escape');
      await page.waitForFunction((wanted) => ![...document.querySelectorAll(wanted)].some((one) => one.checkVisibility()), opened);
      assert.ok(await from.evaluate((one) => one === document.activeElement), `the focus is on ${await page.evaluate(() => document.activeElement.outerHTML.slice(0, 120))}`);
    });
  }
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('what changes is said once it is there', { timeout: 60_000 }, async () => {
  const { page } = await own.open('errors');
  const said = page.getByTestId('said');
  assert.equal(await said.innerText(), 'All figures are there');
  let release;
  const held = new Promise((done) => (release = done));
  await page.route('**/api/v1/reports/**', async (route) => {
    await held;
    await route.continue();
  });
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() => document.querySelector('[data-testid="said"]').textContent === 'Figures are on their way');
  release();
  await settled(page);
  assert.equal(await said.innerText(), 'All figures are there');
  await page.unroute('**/api/v1/reports/**');
  await page.route((url) => url.searchParams.get('group_by')?.startsWith('session_id'), (route) => route.fulfill({ status: 504, contentType: 'application/json', body: '{"error":{"message":"it took too long","hint":""}}' }));
  await page.getByRole('button', { name: 'Refresh' }).click();
  await settled(page);
  assert.match(await said.innerText(), /^1 of 6 panels failed$/);
});
