// Two clicks from any number to raw events, three to the replay: from every page with figures.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './harness.mjs';
import { BOARDS } from './pages.mjs';
import { stage } from './stage.mjs';

const own = stage();
const DEEP = [...BOARDS, 'reports/cost'];

/** Every number that can be clicked, one of each panel and figure. */
const NUMBERS = '[data-testid^="figure-"], [data-testid^="total-"], [data-figure]';

async function placesOf(page) {
  return page.locator('main').evaluate((main, numbers) => {
    const seen = new Set();
    return [...main.querySelectorAll(numbers)].flatMap((one, place) => {
      const panel = one.closest('[data-testid^="panel-"], [data-testid="report"]')?.dataset.testid ?? '';
      const kind = `${panel} ${one.dataset.testid ?? one.dataset.figure}`;
      // A total and one row of each panel: the others are asked alike.
      const first = `${panel} ${one.dataset.figure ? 'row' : 'total'}`;
      if (seen.has(first) || !Number(one.dataset.value)) return [];
      seen.add(first);
      return [{ place, kind }];
    });
  }, NUMBERS);
}

test('any number leads to its raw rows by two clicks, and to a replay by three', { timeout: 400_000 }, async (t) => {
  for (const path of DEEP) {
    await t.test(path, async () => {
      const { page, complaints } = await own.open(path);
      const places = await placesOf(page);
      assert.ok(places.length >= 2, `${places.length} numbers on ${path}`);
      for (const { place, kind } of places) {
        await page.locator('main').locator(NUMBERS).nth(place).click();
        await page.locator('[data-testid="explain"] [aria-busy="false"]').waitFor();
        // The second click is one of these: the rows themselves, or the prompts behind them.
        assert.equal(await page.getByTestId('raw-rows').count(), 1, `${kind}: to the rows`);
        assert.equal(await page.getByTestId('prompts-behind').count(), 1, `${kind}: to the prompts`);
        await page.keyboard.press('Escape');
        await page.getByTestId('explain').waitFor({ state: 'detached' });
      }
      await page.locator('main').locator(NUMBERS).nth(places[0].place).click();
      await page.getByTestId('raw-rows').click();
      await page.getByTestId('rows').waitFor();
      assert.ok(Number(await page.getByTestId('rows').getAttribute('data-count')) > 0, 'raw rows after two clicks');
      await page.goBack();
      await settled(page);
      await page.getByTestId('prompts-behind').click();
      await page.getByTestId('prompt-row').first().getByRole('link').first().click();
      await page.getByTestId('replay').waitFor();
      assert.deepEqual(complaints, [], 'the browser complained');
      await page.close();
    });
  }
});

test('a row of a request leads to its replay by two clicks', { timeout: 60_000 }, async () => {
  const { page } = await own.open('cost');
  await page.getByTestId('figure-cost_usd').click();
  await page.getByTestId('explain-sample').getByTestId('to-replay').first().click();
  await page.getByTestId('replay').waitFor();
});

test('what became of every item leads to the newest of them', { timeout: 60_000 }, async () => {
  const { page } = await own.open('health');
  await page.getByTestId('fates').getByRole('link', { name: 'Log records' }).click();
  await page.getByTestId('rows').waitFor();
  assert.ok(Number(await page.getByTestId('rows').getAttribute('data-count')) > 0);
});
