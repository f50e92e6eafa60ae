// What takes long is there at once as it was, with the time it is of, and as it is now when that is made.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertAccessible, assertLaidOut, openPage, sendHostile, settled, startBrowser, startServer } from './harness.mjs';

/** To this server everything takes long. */
const SETTINGS = '[query]\nolder_after_ms = 0\n';
const HOUR_MS = 3_600_000;

let browser;
let server;
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallybook-aged-'));
  await writeFile(join(folder, 'settings.toml'), SETTINGS);
  browser = await startBrowser();
  server = await startServer(['--config', join(folder, 'settings.toml')]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** How long it took to answer is no figure. */
const textOf = async (figures) => (await figures.innerText()).replace(/\d+ ms/, '');

/** Where things stand. Columns are as wide as their figures, so that only heights are what must not change. */
const placesOf = (page) => page.locator('main :is(h1, h2, section, table, figure)').evaluateAll((all) => all.map((one) => [one.tagName, one.getBoundingClientRect().top, one.getBoundingClientRect().height]));

/** Page, what shows the answer, and where a figure of it stands. */
const PLACES = [
  ['cost', 'panel-spent', 'panel-answer'],
  ['reports/cost', null, 'report'],
  ['', null, 'overview'],
];

test('an older answer is shown with its time until the new one is there, and nothing moves', { timeout: 180_000 }, async (t) => {
  for (const [path, frame, answer] of PLACES) {
    for (const width of [360, 1440]) {
      await t.test(`${path || 'overview'}, ${width} px`, async () => {
        const now = Date.now();
        const address = `${server.ui}/${path}?from=${now - 24 * HOUR_MS}&to=${now + HOUR_MS}&tz=utc`;
        await sendHostile(server, 'a@example.com');
        const { page, complaints } = await openPage(browser, address);
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        const place = frame ? page.getByTestId(frame) : page.locator('main');
        const figures = place.getByTestId(answer).first();
        const before = await textOf(figures);
        assert.equal(await place.getByTestId('age').count(), 0, 'a new answer has no age');

        await sendHostile(server, 'a@example.com');
        let release;
        const held = new Promise((done) => (release = done));
        const isOfNow = (url) => /\/api\/v1\/(reports\/|overview)/.test(url.pathname) && !url.searchParams.has('max_age_s');
        await page.route(isOfNow, async (route) => {
          await held;
          await route.continue();
        });
        await page.reload();
        await figures.waitFor();
        if (!path) await page.getByTestId('teams').waitFor();
        assert.match(await place.getByTestId('age').first().innerText(), /^as of \d\d:\d\d/);
        assert.equal(await textOf(figures), before, 'what was known is shown');
        assert.equal(await figures.getAttribute('aria-busy'), 'true');
        assert.ok(await figures.evaluate((own) => own.classList.contains('stale')), 'and dimmed');
        await assertLaidOut(page, path);
        const places = await placesOf(page);
        if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `aged-${path.replace('/', '-')}-${width}.png`) });

        release();
        await settled(page);
        assert.equal(await place.getByTestId('age').count(), 0);
        assert.notEqual(await textOf(figures), before, 'the new one is not there');
        assert.deepEqual(await placesOf(page), places, 'something moved');
        assert.deepEqual(complaints, [], 'the browser complained');
        await assertAccessible(page, path);
        await page.close();
      });
    }
  }
});
