// Every chart as a picture: it says what it shows, and hostile text in it stays text.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { settled } from './harness.mjs';
import { stage } from './stage.mjs';

const own = stage();
const HOSTILE = `</text><script>alert(1)</script>&"`;
const SQL = `SELECT '${HOSTILE}' AS name, 3 AS figure UNION ALL SELECT 'b', 2`;
const OVER_TIME = `SELECT date_trunc('day', time) AS day, count(*) AS requests FROM api_requests GROUP BY day ORDER BY day`;
/** The pages with charts, and how many each has at least. */
const CHARTS = [
  ['', 5], ['cost', 5], ['tools', 4], ['connectors', 2], ['errors', 3], ['performance', 5], ['findings', 3], ['adoption', 3], ['productivity', 3], ['workspaces', 1],
  ['reports/cost', 2, '&group=day'], ['reports/activity', 1],
  ['explore', 1, `&chart=figure&sql=${encodeURIComponent(SQL)}`], ['explore', 1, `&chart=requests&sql=${encodeURIComponent(OVER_TIME)}`],
];
/** All that is drawn of figures: courses, hours, bars under the figures of a table, bars of Explore. */
const DRAWN = 'main :is(.u-wrap, [data-testid="hours"], [data-testid="spread"], [data-testid="flow"], [data-testid="chart"] dl, .rank:has(tbody), [data-testid="report-table"]:has(.inked))';
/** So many of a page are saved and read. */
const READ = 3;

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** What the picture says, as a viewer of SVG reads it. */
function readIn(page, text) {
  return page.evaluate((svg) => {
    const read = new DOMParser().parseFromString(svg, 'image/svg+xml');
    const odd = [...read.querySelectorAll('*')].map(({ localName }) => localName).filter((name) => !['svg', 'title', 'rect', 'text', 'g', 'line', 'polyline', 'path'].includes(name));
    return { odd, said: [...read.querySelectorAll('text')].map(({ textContent }) => textContent), fill: read.querySelector('rect')?.getAttribute('fill') };
  }, text);
}

test('every chart can be taken as PNG and SVG, which say range, unit and legend', { timeout: 400_000 }, async (t) => {
  for (const [path, count, more = ''] of CHARTS) {
    await t.test(`/${path}${more.slice(0, 20)}`, async () => {
      const { page, complaints } = await own.open(path, more);
      await page.getByTestId('svg').first().waitFor();
      const charts = await page.locator(DRAWN).count();
      assert.ok(charts >= count, `${charts} charts`);
      assert.equal(await page.getByTestId('svg').count(), charts, 'charts with pictures');
      assert.equal(await page.locator('main .u-wrap').count(), await page.locator('main figure').getByText('Figures as a table').count(), 'every chart has its table');
      for (const [place, button] of (await page.getByTestId('svg').all()).slice(0, READ).entries()) {
        const svg = await saved(page, button);
        assert.match(svg.name, /^tallybook-[\p{L}\p{N}-]+\.svg$/u);
        const { odd, said } = await readIn(page, svg.bytes.toString('utf8'));
        assert.deepEqual(odd, [], 'nothing but a drawing');
        assert.ok(said.length > 4, said.join('\n'));
        if (path !== 'explore') assert.match(said.join('\n'), /\d{4}.* to .*\d{4}.*UTC/, `the range in ${said.join(' | ')}`);
        const png = await saved(page, page.getByTestId('png').nth(place));
        assert.equal(png.bytes.subarray(1, 4).toString(), 'PNG');
        assert.equal(png.bytes.readUInt32BE(16), 1920, 'sharp: twice the width');
      }
      assert.deepEqual(complaints, [], 'the browser complained');
      await page.close();
    });
  }
});

test('a picture has the colours of the theme, the period before, and text as text', { timeout: 60_000 }, async () => {
  const { page } = await own.open('cost', '&cmp=prev&where=team!%3Dnobody');
  const fills = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { fill, said } = await readIn(page, (await saved(page, page.getByTestId('panel-days').getByTestId('svg'))).bytes.toString('utf8'));
    fills.push(fill);
    for (const text of ['Cost by day', 'US dollars', 'The period before']) assert.ok(said.includes(text), `${text} in ${said.join('\n')}`);
    assert.match(said.join('\n'), /team!=nobody/, 'the conditions');
  }
  assert.notEqual(fills[0], fills[1]);
  await page.goto(own.address('explore', `&chart=figure&sql=${encodeURIComponent(SQL)}`));
  await settled(page);
  const { odd, said } = await readIn(page, (await saved(page, page.getByTestId('svg'))).bytes.toString('utf8'));
  assert.deepEqual(odd, []);
  assert.ok(said.some((text) => text.startsWith('</text><script>')), said.join('\n'));
});

test('the waterfall is a picture and a table, and what it is of stays text', { timeout: 60_000 }, async () => {
  const { prompts } = await own.api('prompts', { limit: '50' });
  const id = prompts.toSorted((a, b) => b.cost_usd - a.cost_usd)[0].prompt_id;
  const { events, totals } = await own.api(`prompts/${id}`);
  const { page, complaints } = await own.open(`prompts/${id}`, '&view=waterfall');
  const { odd, said } = await readIn(page, (await saved(page, page.getByTestId('svg'))).bytes.toString('utf8'));
  assert.deepEqual(odd, []);
  assert.ok(said.includes(`Prompt ${id}`), said.slice(0, 4).join());
  assert.ok(said.some((text) => text === `$${totals.cost_usd.toFixed(4)} in all`), said.slice(0, 4).join());
  // Those of a subagent say whose they are.
  const requests = events.slice(0, 300).filter(({ event }) => event === 'api_request').length;
  assert.equal(said.filter((text) => text === 'Request' || text.startsWith('Request, ')).length, requests + 1, 'a line each, and the legend');
  await page.getByText('Figures as a table').click();
  await page.getByTestId('waterfall-table').waitFor();
  assert.equal(await page.getByTestId('waterfall-table').locator('tbody tr').count(), Math.min(300, events.length));
  assert.equal((await saved(page, page.getByTestId('png'))).bytes.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual(complaints, [], 'the browser complained');
});
