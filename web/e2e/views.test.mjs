// Views that are kept, tables that are sorted, values that are grouped by, ranges as finance and people say them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled } from './harness.mjs';
import { search, stage } from './stage.mjs';

const own = stage();

async function keep(page, name) {
  await page.getByTestId('views').click();
  await page.getByRole('textbox', { name: 'Name of this view' }).fill(name);
  await page.keyboard.press('Enter');
  await page.getByTestId('saved-view').filter({ hasText: name }).waitFor();
}

test('a view is kept, found everywhere, renamed, handed on and forgotten', { timeout: 120_000 }, async () => {
  const context = await own.browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], viewport: { width: 1440, height: 900 } });
  const { page, complaints } = await openPage(context, `${own.server.ui}/cost?from=now-30d&to=now&tz=utc&cmp=prev&where=model%21%3Dx&sort=models%3A-requests`);
  await settled(page);
  const kept = page.url();
  await keep(page, 'Monday <b>review</b>');
  await assertAccessible(page, 'saved views');
  await assertLaidOut(page, 'saved views', '[data-testid="saved-views"]');
  await page.keyboard.press('Escape');

  await page.getByTestId('pages').getByRole('link', { name: 'Live' }).click();
  await page.getByTestId('navigation-views').getByRole('link', { name: 'Monday <b>review</b>' }).click();
  await settled(page);
  assert.equal(page.url(), kept, 'from the navigation');
  await page.getByTestId('pages').getByRole('link', { name: 'Live' }).click();
  await page.keyboard.press('Control+k');
  await page.getByTestId('palette').getByRole('combobox').waitFor();
  await page.keyboard.type('monday');
  await page.keyboard.press('Enter');
  await settled(page);
  assert.equal(page.url(), kept, 'from the palette');

  await page.getByTestId('views').click();
  const view = page.getByTestId('saved-view');
  const clip = () => page.evaluate(() => navigator.clipboard.readText());
  await view.getByRole('button', { name: 'Link' }).click();
  assert.equal(await clip(), kept, 'its times move on');
  await view.getByRole('button', { name: 'Frozen' }).click();
  await view.getByRole('button', { name: 'Copied' }).waitFor();
  const frozen = new URL(await clip()).searchParams;
  assert.match(frozen.get('from'), /^\d{13}$/);
  assert.deepEqual([frozen.get('sort'), frozen.get('where')], ['models:-requests', 'model!=x']);

  await view.getByRole('button', { name: /^Rename/ }).click();
  await page.getByRole('textbox', { name: /^New name/ }).fill('Costs');
  await page.keyboard.press('Enter');
  await page.reload();
  await settled(page);
  assert.equal(await page.getByTestId('navigation-views').getByRole('link').innerText(), 'Costs', 'kept over a reload');
  await page.getByTestId('views').click();
  await view.getByRole('button', { name: /^Forget/ }).click();
  await page.getByTestId('navigation-views').waitFor({ state: 'detached' });
  assert.deepEqual(complaints, [], 'the browser complained');
  await context.close();
});

test('a kept link to elsewhere is no view of ours', { timeout: 60_000 }, async () => {
  const { page } = await own.open('cost');
  await page.evaluate(() => localStorage.setItem('tallybook.views', JSON.stringify([{ name: 'a', href: 'https://example.com/' }, { name: 'b', href: '//example.com' }, { name: 'c', href: '/errors' }, 7])));
  await page.reload();
  await settled(page);
  assert.deepEqual(await page.getByTestId('navigation-views').getByRole('link').allInnerTexts(), ['c']);
});

test('panels are sorted by mouse and key, and the address holds it', { timeout: 60_000 }, async () => {
  const { page, complaints } = await own.open('cost');
  const panel = page.getByTestId('panel-models');
  const column = () => panel.locator('[data-figure="requests"]').evaluateAll((all) => all.map((one) => Number(one.dataset.value)));
  const head = panel.locator('thead').getByRole('button', { name: 'Requests' });
  await head.click();
  await settled(page);
  assert.deepEqual(search(page).getAll('sort'), ['models:-requests']);
  assert.deepEqual(await column(), (await column()).toSorted((a, b) => b - a));
  assert.equal(await panel.locator('th[aria-sort="descending"]').innerText(), 'Requests ▼');
  await head.focus();
  await page.keyboard.press('Enter');
  await settled(page);
  assert.deepEqual(search(page).getAll('sort'), ['models:requests']);
  assert.deepEqual(await column(), (await column()).toSorted((a, b) => a - b));
  await page.getByTestId('panel-chargeback').locator('thead').getByRole('button', { name: 'Cost centre' }).click();
  await settled(page);
  assert.deepEqual(search(page).getAll('sort'), ['models:requests', 'chargeback:cost_center'], 'each for itself');
  await page.reload();
  await settled(page);
  assert.deepEqual(await column(), (await column()).toSorted((a, b) => a - b), 'the address is the view');
  await head.click();
  await settled(page);
  assert.deepEqual(search(page).getAll('sort'), ['chargeback:cost_center'], 'then as usual');
  await page.goBack();
  await settled(page);
  assert.deepEqual(await column(), (await column()).toSorted((a, b) => a - b), 'and back');
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a value is grouped by, from the mouse, from the keyboard, in a report', { timeout: 60_000 }, async () => {
  const { page, complaints } = await own.open('cost', '&where=product%3Dclaude-code');
  const value = page.getByTestId('panel-models').getByTestId('report-row').first().locator('.value');
  await value.click({ button: 'right' });
  const menu = page.getByTestId('value-menu');
  await assertAccessible(page, 'menu of a value');
  await menu.getByTestId('group-by-this').click();
  await page.getByTestId('report').waitFor();
  assert.deepEqual([new URL(page.url()).pathname, search(page).get('group'), search(page).getAll('where')], ['/reports/cost', 'model', ['product=claude-code']]);
  await page.goto(own.address('reports/cost', '&group=day,model'));
  await settled(page);
  await page.getByTestId('report-row').first().locator('.value').nth(1).focus();
  await page.keyboard.press('Shift+F10');
  await menu.waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await settled(page);
  assert.equal(search(page).get('group'), 'model');
  await page.getByTestId('report-row').first().hover();
  await page.getByTestId('value-more').first().click();
  await menu.getByRole('menuitem', { name: /All but this/ }).click();
  await settled(page);
  assert.match(search(page).get('where'), /^model!=/);
  await page.getByTestId('report-row').first().locator('.value').click({ button: 'right' });
  await page.keyboard.press('Escape');
  await menu.waitFor({ state: 'detached' });
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('fiscal quarters are chosen, said in words, and shifted as wholes; a modifier shifts nothing', { timeout: 60_000 }, async () => {
  const { page, complaints } = await openPage(own.browser, `${own.server.ui}/cost?tz=utc`);
  await settled(page);
  await page.keyboard.press('t');
  await page.getByTestId('fiscal-month').selectOption('4');
  await page.getByRole('button', { name: 'Last quarter' }).click();
  await settled(page);
  assert.deepEqual([search(page).get('from'), search(page).get('to')], ['now-1q/q4', 'now/q4']);
  await page.keyboard.press('ArrowLeft');
  await settled(page);
  assert.deepEqual([search(page).get('from'), search(page).get('to')], ['now-2q/q4', 'now-1q/q4']);
  const shown = page.url();
  for (const key of ['Shift+ArrowLeft', 'Control+ArrowLeft', 'Meta+ArrowLeft']) await page.keyboard.press(key);
  assert.equal(page.url(), shown, 'keys with a modifier are the browser’s');
  await page.keyboard.press('ArrowRight');
  await settled(page);
  assert.equal(search(page).get('from'), 'now-1q/q4');
  await page.keyboard.press('t');
  await page.keyboard.type('q1 2027');
  await page.keyboard.press('Enter');
  await settled(page);
  assert.deepEqual([search(page).get('from'), search(page).get('to')], [String(Date.UTC(2026, 3)), String(Date.UTC(2026, 6))]);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('the overview is compared with the same weekdays, and names people only when asked', { timeout: 60_000 }, async () => {
  const { page, complaints } = await openPage(own.browser, `${own.server.ui}/?from=now-10d%2Fd&to=now%2Fd&tz=utc`);
  await settled(page);
  const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const day = 86_400_000;
  const before = await own.api('reports/cost', { from: midnight - 24 * day, to: midnight - 14 * day, group_by: 'none' });
  const shown = await page.locator('.grand .delta').getAttribute('title');
  assert.equal(shown, `$${before.totals.cost_usd.toFixed(2)} in the period before`, 'ten days go back fourteen');
  await page.getByTestId('teams').waitFor();
  assert.equal(await page.getByTestId('people').count(), 1, 'the choice alone');
  assert.doesNotMatch(await page.locator('main').innerText(), /@example\.com/);
  await page.getByRole('checkbox', { name: 'Tell people apart' }).check();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  assert.equal(search(page).get('people'), 'true');
  assert.match(await page.locator('main').innerText(), /@example\.com/);
  assert.deepEqual(complaints, [], 'the browser complained');
});
