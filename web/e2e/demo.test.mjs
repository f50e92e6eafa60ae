// Example data in an empty server: loaded by a click, said on every page, and removed by another, while what clients sent
// meanwhile stays.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, printed, settled, startBrowser, startServer, watchShifts } from './harness.mjs';
import { sendRecords } from './telemetry.mjs';

const LOADING_MS = 120_000;

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const count = async () => {
  const response = await fetch(`${server.ui}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql: 'SELECT count(*) AS n FROM events' }) });
  return (await response.json())[0].n;
};

test('an empty server shows example data and lets it go again', { timeout: 400_000 }, async (t) => {
  const { page, complaints } = await openPage(browser, server.ui);
  const shifts = await watchShifts(page);
  await page.goto(server.ui);
  await settled(page);

  await t.test('one click fills every page', async () => {
    assert.equal(await page.getByTestId('demo-bar').count(), 0);
    await assertAccessible(page, 'an empty server');
    await page.getByTestId('load-demo').click();
    await page.getByTestId('demo-bar').waitFor({ timeout: LOADING_MS });
    await settled(page);
    assert.ok((await count()) > 20_000);
    assert.match(printed('demo-data', 'status', '--url', server.ui), /loaded, \d+ items/);
    await page.getByTestId('overview').waitFor();
  });

  await t.test('every page says so, without anything that moves or lies under it', async () => {
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of ['cost', 'prompts']) {
        await page.goto(`${server.ui}/${path}`);
        await page.getByTestId('demo-bar').waitFor();
        await settled(page);
        await assertLaidOut(page, `/${path} at ${width} px`, 'header');
        await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
        const [bar, last] = await page.evaluate(() => [document.querySelector('.demo-bar').getBoundingClientRect().top, document.querySelector('main').lastElementChild.getBoundingClientRect().bottom]);
        assert.ok(last <= bar + 1, `/${path} ends at ${last} px, under the bar at ${bar} px`);
        assert.deepEqual(await shifts(), [], `/${path} at ${width} px`);
      }
    }
    await assertAccessible(page, 'with example data');
  });

  await t.test('one click removes it, and what came meanwhile stays', async () => {
    const at_ms = Date.now() - 60_000;
    await sendRecords(server, [{ at_ms, 'event.name': 'user_prompt', 'session.id': 'real', 'prompt.id': 'real-prompt', 'user.email': 'real@example.com', prompt: 'This is real.', prompt_length: 13 }]);
    await page.goto(`${server.ui}/prompts`);
    await page.getByTestId('demo-bar').waitFor();
    await page.getByTestId('remove-demo').click();
    await page.getByTestId('demo-bar').waitFor({ state: 'detached', timeout: LOADING_MS });
    await settled(page);
    assert.equal(await count(), 1);
    assert.equal(await page.locator('main tbody tr').count(), 1, 'the page shows what is left');
    await page.getByText('This is real.').waitFor();
  });
  assert.deepEqual(complaints, [], 'the browser complained');
});
