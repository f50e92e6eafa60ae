// The pages that are descriptions, over a simulated organisation: each figure is
// the report's, each page fits every width in both themes, and the address is the view.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled, watchShifts } from './harness.mjs';
import { BOARDS } from './pages.mjs';
import { search, stage } from './stage.mjs';

const DAY_MS = 86_400_000;

const own = stage();
const { address, open } = own;

/** What the API says, asked by what the panel’s own link to its report says. */
async function reportOf(panel, page) {
  const link = new URL(await panel.getByRole('link', { name: /^Report/ }).getAttribute('href'), own.server.ui);
  const query = new URLSearchParams({ from: own.range.from, to: own.range.to, time_zone: 'UTC', limit: '2000' });
  query.set('group_by', link.searchParams.get('group'));
  for (const condition of link.searchParams.getAll('where')) query.append('where', condition);
  if (link.searchParams.get('order')) query.set('order_by', link.searchParams.get('order'));
  const response = await page.request.get(`${own.server.ui}/api/v1${link.pathname}?${query}`);
  assert.equal(response.status(), 200, link.href);
  return response.json();
}

test('every figure of every page is the report’s', { timeout: 300_000 }, async (t) => {
  for (const path of BOARDS) {
    await t.test(path, async () => {
      const { page, complaints } = await open(path);
      assert.equal(await page.getByTestId('notice').count(), 0);
      const panels = page.locator('[data-report]');
      assert.ok((await panels.count()) >= 3);
      let compared = 0;
      const all = await panels.all();
      const earlier = [];
      for (const panel of all) earlier.push(await reportOf(panel, page));
      await page.reload();
      await settled(page);
      for (const [place, panel] of all.entries()) compared += await comparePanel(panel, [earlier[place], await reportOf(panel, page)]);
      assert.ok(compared > 20, `${compared} figures`);
      assert.deepEqual(complaints, [], 'the browser complained');
      await page.close();
    });
  }
});

/** Between what the API said before and after, which is the same unless something came in between. */
async function comparePanel(panel, [earlier, later]) {
  const columns = new Map(later.columns.map((column) => [column.name, column]));
  const same = (name, shown, of, where) => {
    const { unit, about } = columns.get(name);
    const bounds = [of(earlier)?.[name], of(later)?.[name]];
    // A span of time that ends now has moved on since.
    if (bounds.some((bound) => typeof bound !== 'number') || unit === 'seconds') return;
    // Sums of fractions are rounded to nine decimals, after being added up in any order.
    const slack = Math.abs(bounds[0]) * (/approximate/.test(about) ? 0.05 : 1e-8);
    const holds = Number(shown) >= Math.min(...bounds) - slack && Number(shown) <= Math.max(...bounds) + slack;
    assert.ok(holds, `${later.report}.${name} ${where} is ${bounds[1]}, and shown as ${shown}`);
  };
  const figures = await panel.locator('[data-testid^="figure-"]').evaluateAll((all) => all.map((one) => [one.dataset.testid.slice(7), one.dataset.value]));
  for (const [name, value] of figures) same(name, value, (answer) => answer.totals, 'of the whole');
  const totals = await panel.locator('[data-testid^="total-"]').evaluateAll((all) => all.map((one) => [one.dataset.testid.slice(6), one.dataset.value]));
  for (const [name, value] of totals) same(name, value, (answer) => answer.totals, 'in the totals');
  const rows = await panel.getByTestId('report-row').evaluateAll((all) =>
    all.map((row) => [...row.querySelectorAll('[data-figure]')].map((one) => [one.dataset.figure, one.dataset.value])),
  );
  rows.forEach((row, place) => row.forEach(([name, value]) => same(name, value, (answer) => answer.rows[place], `in row ${place}`)));
  return figures.length + totals.length + rows.flat().length;
}

test('every page fits every width in both themes, is accessible, and nothing on it moves', { timeout: 480_000 }, async (t) => {
  for (const width of [360, 768, 1440]) {
    const { page, complaints } = await openPage(own.browser, address('cost'));
    await page.setViewportSize({ width, height: 900 });
    const shifts = await watchShifts(page);
    for (const path of BOARDS) {
      await t.test(`${path}, ${width} px`, async () => {
        await page.goto(address(path, '&cmp=prev'));
        await settled(page);
        await assertLaidOut(page, path);
        assert.deepEqual(await shifts(), []);
        await assertAccessible(page, path);
      });
    }
    assert.deepEqual(complaints, [], 'the browser complained');
    await page.close();
  }
});

test('a session of the page Errors is narrowed to and opened, and has the failures that the row says', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open('errors');
  const row = page.getByTestId('panel-sessions').getByTestId('report-row').first();
  const id = await row.locator('.value').first().innerText();
  const errors = await row.locator('[data-figure="errors"]').getAttribute('data-value');
  assert.ok(Number(errors) > 0);
  await row.locator('.value').first().click();
  await settled(page);
  assert.deepEqual(search(page).getAll('where'), [`session_id=${id}`]);
  assert.equal(await page.getByTestId('panel-failed').getByTestId('figure-errors').getAttribute('data-value'), errors, 'all panels are of that session');
  assert.equal(await page.getByTestId('unheard').count(), 0, 'each panel knows sessions');
  await row.hover();
  await row.getByTestId('value-more').first().click();
  await page.getByTestId('open-session').click();
  await page.getByRole('heading', { level: 1, name: /^Session of/ }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/sessions/${id}`);
  assert.deepEqual(complaints, [], 'the browser complained');
  await page.close();
});

test('the lists stay in their place at every width', { timeout: 120_000 }, async (t) => {
  const { page } = await openPage(own.browser, address('sessions'));
  for (const path of ['sessions', 'prompts']) {
    for (const width of [360, 561, 768, 901, 1000, 1024, 1200, 1301, 1440]) {
      await t.test(`${path}, ${width} px`, async () => {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(address(path));
        await settled(page);
        await assertLaidOut(page, path);
        const [of, at] = await page.getByTestId(path).evaluate((list) => [list, list.parentElement].map((one) => one.getBoundingClientRect().right));
        assert.ok(of <= at + 0.5, `the list ends ${of - at} px beyond its place`);
      });
    }
  }
  await page.close();
});

test('a value narrows the whole page, with Alt it is left out, and the address holds it', { timeout: 120_000 }, async () => {
  const { page, complaints } = await open('cost');
  const cost = () => page.getByTestId('panel-spent').getByTestId('figure-cost_usd').getAttribute('data-value').then(Number);
  const model = page.getByTestId('panel-models').getByTestId('report-row').first();
  const [name, whole, part] = [await model.locator('.value').innerText(), await cost(), Number(await model.locator('[data-figure="cost_usd"]').getAttribute('data-value'))];
  await model.locator('.value').click();
  await settled(page);
  assert.deepEqual(search(page).getAll('where'), [`model=${name}`]);
  assert.ok(Math.abs((await cost()) - part) < 1e-9, 'all panels are of that model');
  await page.goBack();
  await settled(page);
  assert.equal(await cost(), whole, 'back is back');
  await page.goForward();
  await settled(page);
  assert.ok(Math.abs((await cost()) - part) < 1e-9, 'and forth');
  await page.goto(address('cost'));
  await settled(page);
  await page.getByTestId('panel-models').getByTestId('report-row').first().locator('.value').click({ modifiers: ['Alt'] });
  await settled(page);
  assert.ok(Math.abs((await cost()) - (whole - part)) < 1e-6, 'with Alt the rest');
  assert.deepEqual(search(page).getAll('where'), [`model!=${name}`]);
  await page.reload();
  await settled(page);
  assert.ok(Math.abs((await cost()) - (whole - part)) < 1e-6, 'the address is the view');
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('what a panel cannot follow is said, and its own condition is not widened', { timeout: 60_000 }, async () => {
  const { page } = await open('connectors', '&where=kind%3Dconnection');
  const calls = page.getByTestId('panel-tools');
  assert.match(await calls.getByTestId('unheard').innerText(), /kind=connection/);
  const { page: alone } = await open('connectors');
  const total = (own) => own.getByTestId('panel-tools').getByTestId('total-calls').getAttribute('data-value');
  assert.equal(await total(page), await total(alone), 'of calls alone, as before');
  assert.equal(await page.getByTestId('panel-use').getByTestId('unheard').count(), 0, 'others follow');
});

test('people are told apart only when the reader asks', { timeout: 120_000 }, async () => {
  for (const path of ['cost', 'productivity', 'adoption', 'tools', 'errors', 'health', 'reports/cost', 'reports/people', 'reports/coverage']) {
    const asked = [];
    const page = await own.browser.newPage();
    page.on('request', (request) => asked.push(new URL(request.url()).searchParams.get('group_by') ?? ''));
    await page.goto(address(path));
    await settled(page);
    assert.deepEqual(asked.filter((by) => by.split(',').includes('person')), [], path);
    await page.close();
  }
  const { page } = await open('cost');
  const choice = page.getByTestId('panel-chargeback').getByTestId('choice');
  assert.equal(await choice.getByRole('button', { name: 'Person' }).count(), 0);
  await page.getByTestId('people').check();
  await choice.getByRole('button', { name: 'Person' }).click();
  await settled(page);
  assert.match(await page.getByTestId('panel-chargeback').getByTestId('report-row').first().innerText(), /@example\.com/);
  assert.deepEqual([search(page).get('people'), search(page).get('group')], ['true', 'person']);
  await page.getByTestId('people').uncheck();
  await settled(page);
  assert.deepEqual([search(page).get('people'), search(page).get('group')], [null, null]);
});

test('the period before is of the same weekdays, in figures and charts', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open('cost');
  const spent = page.getByTestId('panel-spent');
  assert.equal(await spent.getByTestId('before-cost_usd').count(), 0);
  await page.keyboard.press('x');
  await spent.getByTestId('before-cost_usd').waitFor();
  await settled(page);
  assert.equal(search(page).get('cmp'), 'prev');
  const query = new URLSearchParams({ from: own.range.from - 7 * DAY_MS, to: own.range.to - 7 * DAY_MS, time_zone: 'UTC', group_by: 'day' });
  const before = await (await fetch(`${own.server.ui}/api/v1/reports/cost?${query}`)).json();
  assert.equal(Number(await spent.getByTestId('before-cost_usd').getAttribute('data-value')), before.totals.cost_usd);
  const chart = page.getByTestId('panel-days');
  assert.match(await chart.getByTestId('legend').innerText(), /The period before/);
  await chart.getByText('Figures as a table').click();
  const cells = await chart.locator('tbody tr').allInnerTexts();
  assert.ok(cells.length >= 7 && cells.filter((cell) => /\t\$[\d.]+\t\$[\d.]+\tExplain/.test(cell)).length >= 6, cells.join('\n'));
  await page.keyboard.press('x');
  await spent.getByTestId('before-cost_usd').waitFor({ state: 'detached' });
  assert.equal(search(page).get('cmp'), null);
  await page.goBack();
  await spent.getByTestId('before-cost_usd').waitFor();
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a report by day is compared in its chart, one by model is not', { timeout: 60_000 }, async () => {
  const { page, complaints } = await open('reports/cost', '&group=day&cmp=prev');
  assert.match(await page.getByTestId('legend').innerText(), /The period before/);
  await assertLaidOut(page, 'a compared report');
  await page.getByTestId('compare').click();
  await page.getByTestId('legend').waitFor({ state: 'detached' });
  await page.goto(address('reports/cost', '&group=model&cmp=prev'));
  await settled(page);
  assert.equal(await page.getByTestId('compare').count(), 0);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('loading dims, failing says so and keeps the rest, nothing is said to be nothing', { timeout: 90_000 }, async () => {
  const { page } = await open('errors');
  let release;
  const held = new Promise((done) => (release = done));
  await page.route('**/api/v1/reports/**', async (route) => {
    await held;
    await route.continue();
  });
  await page.keyboard.press('ArrowLeft');
  const panel = page.getByTestId('panel-kinds');
  await panel.locator('.stale').waitFor();
  assert.ok((await panel.getByTestId('report-row').count()) > 0, 'the old rows are there');
  release();
  await settled(page);
  await page.unroute('**/api/v1/reports/**');

  const ofSessions = (url) => url.pathname.endsWith('/reports/errors') && url.searchParams.get('group_by')?.startsWith('session_id');
  await page.route(ofSessions, (route) =>
    route.fulfill({ status: 504, contentType: 'application/json', body: '{"error":{"message":"it took too long","hint":"ask of a shorter range"}}' }),
  );
  await page.getByRole('button', { name: 'Refresh' }).click();
  await settled(page);
  assert.match(await page.getByTestId('panel-sessions').getByTestId('notice').innerText(), /it took too long[^]*shorter range/);
  assert.equal(await page.getByTestId('notice').count(), 1, 'the other panels stand');
  await page.unroute(ofSessions);
  await page.getByTestId('notice').getByRole('button', { name: 'Retry' }).click();
  await page.getByTestId('notice').waitFor({ state: 'detached' });

  await page.goto(address('errors', '&where=model%3Dno-such-model'));
  await settled(page);
  assert.equal(await page.getByTestId('panel-empty').first().innerText(), 'None in this range under these conditions.');
});

test('all that came has one fate, and is shown', { timeout: 60_000 }, async () => {
  const fates = async () => (await (await fetch(`${own.server.ui}/api/v1/fates`)).json()).signals;
  const before = await fates();
  const { page } = await open('health');
  const later = await fates();
  // What is refused of people who were erased is part of what is rejected, and said only when there is any.
  assert.ok(Object.values(later).every(({ of_refused_people: none }) => none === 0));
  assert.equal(await page.getByTestId('of-refused').count(), 0);
  for (const [name, { of_refused_people: _, ...fate }] of Object.entries(later)) {
    for (const [own, count] of Object.entries(fate)) {
      const shown = await page.locator(`[data-testid="fates"] [data-signal="${name}"] [data-fate="${own}"]`).innerText();
      const number = Number(shown.replaceAll(',', ''));
      assert.ok(number >= before[name][own] && number <= count, `${name} ${own} is ${count}, and shown as ${shown}`);
    }
  }
  assert.ok((await page.getByTestId('quarantine').innerText()).length > 0);
});

test('the pages are reached by group, by key and by Tab at every width', { timeout: 60_000 }, async () => {
  const { page } = await open('cost');
  const pages = page.getByTestId('pages');
  assert.equal(await pages.locator('[aria-current="page"]').innerText(), 'Cost');
  for (const link of await pages.getByRole('link').all()) {
    const href = await link.getAttribute('href');
    await page.goto(new URL(href, own.server.ui).href);
    await settled(page);
    assert.equal(await pages.locator('[aria-current="page"]').count(), 1, href);
  }
  assert.doesNotMatch(await pages.innerText(), /Alerts|Destinations|Settings/);
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.getByRole('heading', { level: 1, name: 'Data health' }).waitFor();
  await page.setViewportSize({ width: 360, height: 800 });
  assert.equal(await pages.isVisible(), false);
  await page.getByTestId('menu').focus();
  await page.keyboard.press('Enter');
  await pages.waitFor();
  await assertLaidOut(page, 'the menu', '#pages');
  await pages.getByRole('link', { name: 'Errors' }).click();
  await page.getByRole('heading', { level: 1, name: 'Errors' }).waitFor();
  assert.equal(await pages.isVisible(), false, 'arriving closes it');
});
