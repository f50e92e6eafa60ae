// Durations as a heatmap with its histogram, and where wasted money goes as a flow: their figures are the report's, a click
// narrows the page, and both are there as a table and by key.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './harness.mjs';
import { search, stage } from './stage.mjs';

const own = stage();

async function report(name, more) {
  return own.api(`reports/${name}`, { from: own.range.from, to: own.range.to, time_zone: 'UTC', limit: '2000', ...more });
}

const valuesOf = (locator) => locator.evaluateAll((all) => all.map((one) => Number(one.dataset.value ?? 0)));
const sum = (values) => values.reduce((total, value) => total + value, 0);

test('the heatmap is the report’s, and a cell narrows the page to its day and duration', { timeout: 120_000 }, async () => {
  const { page, complaints } = await own.open('performance');
  const panel = page.getByTestId('panel-requests');
  const whole = await report('durations', { group_by: 'day,duration_from_ms', where: 'kind=request' });
  const cells = panel.locator('[data-testid="spread"] [data-place]');
  assert.equal(sum(await valuesOf(cells)), whole.totals.timed);
  assert.equal(sum(await valuesOf(panel.getByTestId('spread-step'))), whole.totals.timed, 'the histogram is of the same');
  const [p50, p95, p99] = await Promise.all(['p50_ms', 'p95_ms', 'p99_ms'].map((name) => panel.getByTestId(name).getAttribute('data-value').then(Number)));
  assert.ok(p50 > 0 && p50 < p95 && p95 <= p99, `${p50}, ${p95}, ${p99}`);
  assert.ok(Math.abs(p95 - whole.totals.p95_ms) <= 0.05 * p95);
  const table = page.getByTestId('panel-models').getByTestId('total-requests');
  assert.equal(Number(await table.getAttribute('data-value')), whole.totals.timed, 'the table beside it counts the same');

  const greatest = whole.rows.toSorted((a, b) => b.timed - a.timed)[0];
  const values = await valuesOf(cells);
  assert.equal(Math.max(...values), greatest.timed);
  await cells.nth(values.indexOf(greatest.timed)).click();
  await settled(page);
  assert.deepEqual(search(page).getAll('where').toSorted(), [`day=${greatest.day}`, `duration_from_ms=${greatest.duration_from_ms}`]);
  assert.equal(sum(await valuesOf(cells)), greatest.timed);
  assert.equal(Number(await table.getAttribute('data-value')), greatest.timed, 'all panels are of that cell');
  assert.equal(await page.getByTestId('unheard').count(), 0, 'none is left out');
  await page.goBack();
  await settled(page);
  assert.equal(sum(await valuesOf(cells)), whole.totals.timed, 'back is back');

  // By key: one cell is in the tab order, arrows reach the others, Enter takes it; the bar beside takes the whole step.
  await panel.locator('[data-place="0/0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.place), '1/1');
  const bar = panel.getByTestId('spread-step').nth(1);
  const wanted = Number(await bar.getAttribute('data-value'));
  await bar.focus();
  await page.keyboard.press('Enter');
  await settled(page);
  assert.equal(sum(await valuesOf(cells)), wanted);
  assert.match(search(page).get('where'), /^duration_from_ms=\d+$/);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('what was wasted flows from patterns over tools to teams, and nothing of it is lost', { timeout: 120_000 }, async () => {
  const { page, complaints } = await own.open('findings');
  const { rows, totals } = await report('findings', { group_by: 'pattern,tool,team' });
  assert.ok(rows.length > 3, `${rows.length} rows`);
  const panel = page.getByTestId('panel-flow');
  const nodes = panel.locator('[data-testid="flow"] small');
  // Each of the three layers has all of it.
  assert.ok(Math.abs(sum(await valuesOf(nodes)) - 3 * totals.wasted_usd) < 1e-6, `${sum(await valuesOf(nodes))} of ${totals.wasted_usd}`);
  await panel.getByText('Figures as a table').click();
  assert.equal(await panel.getByTestId('flow-table').locator('tbody tr').count(), rows.length);
  const pattern = await panel.getByTestId('flow-node').first().innerText();
  const priced = sum(rows.filter((row) => row.pattern === pattern).map(({ wasted_usd }) => wasted_usd));
  await panel.getByTestId('flow-node').first().click();
  await settled(page);
  assert.deepEqual(search(page).getAll('where'), [`pattern=${pattern}`]);
  const cost = () => page.getByTestId('panel-price').getByTestId('figure-wasted_usd').getAttribute('data-value').then(Number);
  assert.ok(Math.abs((await cost()) - priced) < 1e-6);
  await page.goBack();
  await settled(page);
  await page.getByTestId('panel-flow').getByTestId('flow-node').first().click({ modifiers: ['Alt'] });
  await settled(page);
  assert.ok(Math.abs((await cost()) - (totals.wasted_usd - priced)) < 1e-6, 'with Alt the rest');
  assert.deepEqual(complaints, [], 'the browser complained');
});
