// A report in the browser is the report of the command line, and every figure
// of it can be asked how it is computed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, figure, openPage, printed, sendHostile, sendScenario, startServer } from './harness.mjs';
import { stage } from './stage.mjs';

const WAIT_MS = 30_000;
// In small letters: an e-mail is one person in whatever case.
const HOSTILE = `<img src=x onerror="window.pwned=1">' or '1'='1,{{7*7}}`;

let range;

const own = stage({
  start: startServer,
  async fill(server) {
    await sendScenario(server, 'cc329_tools_json');
    await sendScenario(server, 'cc329_denied_json');
    await sendHostile(server, HOSTILE);
    // Fixed, so that page and command line mean the same: events moved to now may lie a little ahead of it.
    range = { from: Date.now() - 7 * 86_400_000, to: Date.now() + 600_000 };
  },
});

const address = (report, more = '') => `${own.server.ui}/reports/${report}?from=${range.from}&to=${range.to}&tz=utc${more}`;

async function open(report, more) {
  const opened = await openPage(own.browser, address(report, more));
  await opened.page.getByTestId('report').waitFor({ timeout: WAIT_MS });
  return opened;
}

/** The URL and the table are again what one another say. */
async function settled(page) {
  await page.locator('[data-testid="report"][aria-busy="false"]').waitFor({ timeout: WAIT_MS });
}

/** What the command line says of the same range. */
function rowsOf(...asked) {
  const source = ['--from', String(range.from), '--to', String(range.to), '--url', own.server.ui, '--format', 'json'];
  return JSON.parse(printed('report', ...asked, ...source));
}

test('every report is listed and opens', { timeout: 240_000 }, async () => {
  const { page, complaints } = await openPage(own.browser, `${own.server.ui}/reports`);
  await page.getByTestId('reports').waitFor();
  await assertAccessible(page, 'Reports');
  const { reports } = await (await fetch(`${own.server.ui}/api/v1/reports`)).json();
  assert.equal(await page.getByTestId('reports').locator('li').count(), reports.length);
  for (const { name, measures } of reports) {
    await page.goto(address(name));
    await page.locator(`[data-report="${name}"]`).waitFor({ timeout: WAIT_MS });
    assert.equal(await page.getByTestId('notice').count(), 0, name);
    const totals = rowsOf(name, '--totals')[0];
    if ((await page.getByTestId('nothing').count()) > 0 || (await page.getByTestId('report-totals').count()) === 0) continue;
    for (const measure of measures) {
      const shown = await page.getByTestId(`total-${measure.name}`).getAttribute('data-value');
      // A span of time that ends now has moved on since.
      if (typeof totals[measure.name] === 'number' && measure.unit !== 'seconds') assert.equal(Number(shown), totals[measure.name], `${name}.${measure.name}`);
    }
    await assertAccessible(page, `Report ${name}`);
  }
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a figure is the command line’s, and says how it is computed', { timeout: 120_000 }, async (t) => {
  const { page, complaints } = await open('cost', '&group=model');
  const [totals] = rowsOf('cost', '--totals');
  assert.equal(await figure(page, 'total-cost_usd'), totals.cost_usd);
  assert.equal(await page.getByTestId('report-row').count(), rowsOf('cost', '--group-by', 'model').length);

  await t.test('by mouse', async () => {
    await page.getByTestId('total-cost_usd').click();
    await page.getByTestId('explain-sql').waitFor();
    assert.match(await page.getByTestId('explain-sql').innerText(), /SELECT round\(coalesce\(sum\(cost_usd\), 0\), 9\) \+ 0\.0 AS cost_usd FROM usage/);
    assert.equal(await figure(page, 'explain-value'), totals.cost_usd);
    assert.ok((await page.getByTestId('explain-sample').locator('tbody tr').count()) > 10);
    assert.match(new URL(page.url()).searchParams.get('explain'), /^cost\.cost_usd@/);
    await assertAccessible(page, 'Explanation');
    await page.keyboard.press('Escape');
    await page.getByTestId('explain').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).searchParams.get('explain'), null);
  });

  await t.test('by keyboard', async () => {
    const [first, second] = rowsOf('cost', '--group-by', 'model');
    await page.locator('[data-place="0/0"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByTestId('explain-sql').waitFor();
    assert.notEqual(first.cost_usd, second.cost_usd);
    assert.equal(await figure(page, 'explain-value'), second.cost_usd, 'of that row alone');
    await page.getByTestId('explain').getByRole('button', { name: 'Close' }).click();
    await page.getByTestId('explain').waitFor({ state: 'detached' });
  });

  await t.test('from a link', async () => {
    const id = `cost.requests@${new Date(range.from).toISOString()}..${new Date(range.to).toISOString()}`;
    await page.goto(`${own.server.ui}/?explain=${encodeURIComponent(id)}`);
    await page.getByTestId('explain-sql').waitFor();
    assert.equal(await figure(page, 'explain-value'), totals.requests);
  });
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('the overview’s figures are those of the reports that explain them', { timeout: 120_000 }, async () => {
  const { page, complaints } = await openPage(own.browser, `${own.server.ui}/?from=${range.from}&to=${range.to}&tz=utc`);
  await page.getByTestId('ask').first().waitFor({ timeout: WAIT_MS });
  const figures = page.locator('.figure:has([data-testid="ask"])');
  for (let place = 0; place < (await figures.count()); place += 1) {
    const value = figures.nth(place).locator('.value');
    const [name, shown] = [await value.getAttribute('data-testid'), Number(await value.getAttribute('data-value'))];
    await figures.nth(place).getByTestId('ask').click();
    await page.getByTestId('explain-sql').waitFor();
    const explained = await figure(page, 'explain-value');
    assert.ok(Math.abs(explained - shown) < 1e-9, `${name} is ${shown}, and explained as ${explained}`);
    await page.keyboard.press('Escape');
    await page.getByTestId('explain').waitFor({ state: 'detached' });
  }
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a report is narrowed, regrouped, sorted and drawn, and the address holds all of it', { timeout: 120_000 }, async () => {
  const { page, complaints } = await open('cost', '&group=model');
  const rows = await page.getByTestId('report-row').count();
  await page.getByTestId('report-row').first().locator('.value').click({ modifiers: ['Alt'] });
  await page.getByTestId('conditions').waitFor();
  await settled(page);
  assert.equal(await page.getByTestId('report-row').count(), rows - 1, 'Alt leaves it out');
  await page.getByTestId('conditions').locator('.turn').click();
  await settled(page);
  assert.equal(await page.getByTestId('report-row').count(), 1, 'turned round it is alone');
  const narrowed = await figure(page, 'total-cost_usd');
  await page.goBack();
  await settled(page);
  assert.equal(await page.getByTestId('report-row').count(), rows - 1, 'back is back');
  await page.goForward();
  await settled(page);

  await page.getByTestId('group-by').locator('select').selectOption('day');
  await page.getByRole('heading', { name: 'Cost over time' }).waitFor();
  await page.getByRole('button', { name: 'Day before Model' }).click();
  await settled(page);
  await page.getByRole('columnheader', { name: 'Requests' }).getByRole('button').click();
  await settled(page);
  const search = new URL(page.url()).searchParams;
  assert.deepEqual([search.get('group'), search.get('order'), search.getAll('where').length], ['day,model', '-requests', 1]);
  assert.equal(await figure(page, 'total-cost_usd'), narrowed);
  await assertAccessible(page, 'Report over time');

  await page.reload();
  await page.getByTestId('report').waitFor();
  assert.equal(await figure(page, 'total-cost_usd'), narrowed, 'the address is the whole state');
  const csv = await (await fetch(new URL(await page.getByTestId('download-csv').getAttribute('href'), own.server.ui))).text();
  assert.match(csv, /^day,model,cost_usd,/);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('what narrows a page is shown, struck out where it does nothing, and dropped', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open('cost', '&group=model&product=claude-code&tool=Bash');
  const filters = page.getByRole('list', { name: 'Filters in force' }).getByRole('listitem');
  assert.deepEqual(await filters.locator('.text').allInnerTexts(), ['product: claude-code', 'tool: Bash']);
  assert.deepEqual(await filters.evaluateAll((all) => all.map((one) => one.title)), ['', 'Not applied on this page']);
  const struck = await filters.last().evaluate((one) => getComputedStyle(one).textDecorationLine);
  assert.equal(struck, 'line-through');
  await page.getByRole('button', { name: 'Remove product: claude-code' }).click();
  await settled(page);
  const search = () => new URL(page.url()).searchParams;
  assert.deepEqual([await filters.count(), search().get('product'), search().get('tool')], [1, null, 'Bash']);
  await page.getByTestId('report-row').first().locator('.value').click();
  await page.getByTestId('conditions').locator('.drop').click();
  await page.getByTestId('conditions').waitFor({ state: 'detached' });
  assert.deepEqual([await filters.count(), search().getAll('where')], [1, []]);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('hostile text stays text', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open('cost', '&group=person,model');
  const hostile = page.getByTestId('report-row').filter({ hasText: '{{7*7}}' });
  await hostile.locator('.value').first().waitFor();
  assert.equal(await hostile.locator('.value').first().innerText(), HOSTILE);
  await hostile.locator('.ask').first().click();
  await page.getByTestId('explain-sql').waitFor();
  assert.equal(await figure(page, 'explain-value'), 1.25, 'the id leads to that row');
  assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
  assert.equal(await page.locator('img').count(), 0);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a wrong address is said, with a way out', { timeout: 60_000 }, async () => {
  const { page } = await openPage(own.browser, address('costs'));
  assert.match(await page.getByTestId('notice').innerText(), /no report “costs”/);
  await page.goto(address('cost', '&group=colour'));
  assert.match(await page.getByTestId('notice').innerText(), /does not know "colour"[^]*broken down by/);
  await page.goto(address('cost', '&where=model%3Dnothing-of-that-name'));
  await page.getByTestId('nothing').getByRole('button', { name: 'Drop the conditions' }).click();
  await page.getByTestId('report-totals').waitFor();
});

test('it fits every width', { timeout: 120_000 }, async () => {
  for (const width of [360, 768, 1280]) {
    const { page } = await open('cost', '&group=day,model');
    await page.setViewportSize({ width, height: 800 });
    for (const view of ['report', 'explanation']) {
      if (view === 'explanation') {
        await page.getByTestId('total-cost_usd').click();
        await page.getByTestId('explain-sql').waitFor();
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `${view} at ${width} px is ${overflow} px too wide`);
    }
    await page.close();
  }
});
