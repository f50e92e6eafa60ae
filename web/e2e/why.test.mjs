// What makes the difference: from a stroke over a chart, from a step of its table, from a figure. The figures are
// the report's and add up; a value narrows the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, printed, settled } from './harness.mjs';
import { search, stage } from './stage.mjs';

const own = stage();
const DAY_MS = 86_400_000;

/** Draws from one part of the width of a chart to another. */
async function stroke(page, panel, from, to) {
  const over = panel.locator('.u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width * from, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await panel.getByTestId('selection').waitFor();
}

async function told(page) {
  await page.locator('[data-testid="why-answer"][aria-busy="false"]').waitFor();
  const number = async (testid) => Number(await page.getByTestId(testid).getAttribute('data-value'));
  return { difference: await number('why-difference'), selection: await number('why-selection'), baseline: await number('why-baseline') };
}

/** Of every dimension, the values and the others make up both sides and the difference. */
async function addsUp(page, whole) {
  const makers = await page.getByTestId('maker').evaluateAll((all) =>
    all.map((maker) => {
      const sum = (name) => [...maker.querySelectorAll(`tbody [data-${name}]`)].reduce((total, cell) => total + Number(cell.dataset[name]), 0);
      return { name: maker.dataset.dimension, difference: sum('difference'), selection: sum('selection'), baseline: sum('baseline') };
    }),
  );
  assert.ok(makers.length >= 5, `${makers.length} dimensions`);
  for (const { name, ...sums } of makers) {
    for (const [side, sum] of Object.entries(sums)) assert.ok(Math.abs(sum - whole[side]) < 1e-6, `${side} by ${name} comes to ${sum}, and not to ${whole[side]}`);
  }
  return makers.map(({ name }) => name);
}

const totalOf = async (figure, from, to) => {
  const [report, measure] = figure.split('.');
  return (await own.api(`reports/${report}`, { from, to, group_by: 'none' })).totals[measure];
};
const near = (left, right, what) => assert.ok(Math.abs(left - right) < 1e-6, `${what}: ${left} and ${right}`);

test('a stroke over a chart is explained by figures of the report that add up', { timeout: 120_000 }, async () => {
  const { page, complaints } = await own.open('cost');
  const panel = page.getByTestId('panel-days');
  await stroke(page, panel, 0.3, 0.5);
  await panel.getByTestId('explain-selection').click();
  const before = await told(page);
  const [, from, to] = /@(.*)\.\.([^,]*)/.exec(search(page).get('why'));
  const [from_ms, to_ms] = [Date.parse(from), Date.parse(to)];
  assert.equal(from_ms % DAY_MS, 0, 'whole days');
  near(before.selection, await totalOf('cost.cost_usd', from_ms, to_ms), 'the selection');
  near(before.baseline, await totalOf('cost.cost_usd', from_ms - 7 * DAY_MS, to_ms - 7 * DAY_MS), 'the same weekdays');
  near(before.difference, before.selection - before.baseline, 'the difference');
  assert.ok(!(await addsUp(page, before)).includes('person'), 'people are not told apart');
  const command = JSON.parse(printed('why', search(page).get('why'), '--url', own.server.ui, '--format', 'json'));
  near(command.difference, before.difference, 'the command line');

  await page.getByTestId('against').getByRole('button', { name: /rest/ }).click();
  const rest = await told(page);
  near(rest.selection, before.selection, 'the selection stays');
  near(rest.baseline + rest.selection, await totalOf('cost.cost_usd', own.range.from, own.range.to), 'the rest and the selection are the range');
  await page.getByTestId('against').getByRole('button', { name: /before/ }).click();
  await page.getByTestId('why-people').check();
  const named = await told(page);
  assert.ok((await addsUp(page, named)).includes('person'), 'people are told apart when the reader asks');
  assert.equal(search(page).get('people'), 'true');
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('a value narrows panel and page, with Alt it is left out, and the address holds all', { timeout: 120_000 }, async () => {
  const { page, complaints } = await own.open('cost');
  await page.getByTestId('figure-cost_usd').waitFor();
  await page.getByTestId('panel-spent').getByTestId('ask-why').first().click();
  const whole = await told(page);
  const part = page.locator('[data-dimension="model"]').getByTestId('part').first();
  const [name, selection] = [(await part.locator('button').innerText()).trim(), Number(await part.locator('[data-selection]').getAttribute('data-selection'))];
  await part.locator('button').click();
  await settled(page);
  const only = await told(page);
  near(only.selection, selection, 'the panel is of that value');
  assert.deepEqual(search(page).getAll('where'), [`model=${name}`]);
  near(Number(await page.getByTestId('figure-cost_usd').getAttribute('data-value')), selection, 'and so is the page');
  await page.getByTestId('why-conditions').getByRole('button').click();
  near((await told(page)).selection, whole.selection, 'dropped again');
  await settled(page);
  assert.deepEqual(search(page).getAll('where'), []);
  await page.locator('[data-dimension="model"]').getByTestId('part').first().locator('button').click({ modifiers: ['Alt'] });
  near((await told(page)).selection, whole.selection - selection, 'with Alt the rest');
  await page.reload();
  near((await told(page)).selection, whole.selection - selection, 'the address is the view');
  await page.keyboard.press('Escape');
  await page.getByTestId('why').waitFor({ state: 'detached' });
  assert.equal(search(page).get('why'), null);
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('every chart can be asked without a mouse, and every figure that parts make up', { timeout: 180_000 }, async () => {
  for (const [path, panel, figure] of [['errors', 'days', 'errors.errors'], ['tools', 'refused', 'permissions.refused'], ['connectors', 'days', 'connectors.calls'], ['workspaces', 'days', 'workspaces.sessions'], ['productivity', 'lines', 'productivity.lines_added']]) {
    const { page, complaints } = await own.open(path);
    const chart = page.getByTestId(`panel-${panel}`);
    await chart.getByText('Figures as a table').focus();
    await page.keyboard.press('Enter');
    await chart.getByRole('button', { name: /^Explain/ }).nth(2).focus();
    await page.keyboard.press('Enter');
    const { selection } = await told(page);
    const why = search(page).get('why');
    assert.ok(why.startsWith(`${figure}@`), why);
    const [, from, to] = /@(.*)\.\.([^,]*)/.exec(why);
    near(selection, await totalOf(figure, Date.parse(from), Date.parse(to)), figure);
    await page.close();
    assert.deepEqual(complaints, [], 'the browser complained');
  }
  const { page } = await own.open('');
  await page.getByTestId('overview').getByTestId('ask-why').first().click();
  await told(page);
  await page.keyboard.press('Escape');
  await page.getByTestId('ask').first().click();
  await page.getByTestId('explain-why').click();
  await told(page);
  await page.close();
  const { page: errors } = await own.open('errors');
  const share = errors.getByTestId('panel-failed').locator('dd', { has: errors.getByTestId('figure-request_error_share') });
  assert.equal(await share.getByTestId('ask-why').count(), 0, 'a share is no sum');
});

test('nothing is said to be nothing, what is new to be new, and a failure why', { timeout: 60_000 }, async () => {
  const { page } = await own.open('cost', `&why=${encodeURIComponent('cost.cost_usd@2020-01-01..2020-01-02')}`);
  await told(page);
  assert.match(await page.getByTestId('why-empty').innerText(), /Neither of both has anything/);
  await page.goto(own.address('cost', `&why=${encodeURIComponent(`cost.cost_usd@2020-01-08..${new Date().toISOString()}`)}`));
  await told(page);
  assert.match(await page.getByTestId('why-note').innerText(), /everything is new/);
  let fails = true;
  await page.route('**/api/v1/why**', (route) => (fails ? route.fulfill({ status: 504, contentType: 'application/json', body: '{"error":{"message":"it took too long","hint":"ask of a shorter range"}}' }) : route.continue()));
  await page.goto(own.address('cost', `&why=${encodeURIComponent('cost.cost_usd@7d..now')}`));
  assert.match(await page.getByTestId('why').getByTestId('notice').innerText(), /it took too long[^]*shorter range/);
  fails = false;
  await page.getByTestId('why').getByRole('button', { name: 'Retry' }).click();
  await told(page);
});

test('the panel fits every width in both themes and is accessible', { timeout: 120_000 }, async () => {
  const why = encodeURIComponent(`cost.cost_usd@${own.range.from}..${own.range.to}`);
  for (const width of [360, 768, 1440]) {
    const { page } = await own.open('cost', `&why=${why}&within=${own.range.from - DAY_MS}..${own.range.to}&people=true`);
    await page.setViewportSize({ width, height: 900 });
    await told(page);
    await assertLaidOut(page, `the difference at ${width} px`, '[data-testid="why"]');
    await assertAccessible(page, `the difference at ${width} px`);
    await page.close();
  }
});
