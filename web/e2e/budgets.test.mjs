// What every page may cost whoever opens it: script, time to the first content, and nothing that moves afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { settled, watchShifts } from './harness.mjs';
import { PAGES } from './pages.mjs';
import { stage } from './stage.mjs';

const SCRIPT_BYTES = 120 * 1024;
const FIRST_CONTENT_MS = 500;
/** The first content is as quick as the quickest of these: a busy machine makes a page slower, never quicker. */
const LOADS = 3;

const own = stage();

test('every page stays under its budgets', { timeout: 600_000 }, async (t) => {
  const { prompts } = await own.api('prompts', { limit: '1' });
  const { sessions } = await own.api('sessions', { limit: '1' });
  for (const path of [...PAGES, 'nowhere', `prompts/${prompts[0].prompt_id}`, `sessions/${sessions[0].session_id}`]) {
    await t.test(`/${path}`, async () => {
      const first_ms = [];
      for (let load = 0; load < LOADS; load += 1) {
        const page = await own.browser.newPage();
        const sizes = [];
        page.on('response', (response) => response.url().endsWith('.js') && sizes.push(response.body().then((body) => gzipSync(body, { level: 9 }).length)));
        const shifts = await watchShifts(page);
        await page.goto(own.address(path));
        await settled(page);
        first_ms.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime));
        const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
        assert.ok(bytes > 20_000 && bytes <= SCRIPT_BYTES, `${bytes} bytes of script`);
        assert.deepEqual(await shifts(), [], 'nothing moves');
        if (load === 0) t.diagnostic(`/${path} loads ${bytes} bytes of script`);
        await page.close();
      }
      const best_ms = Math.min(...first_ms);
      t.diagnostic(`/${path} shows its first content after ${Math.round(best_ms)} ms`);
      assert.ok(best_ms > 0 && best_ms < FIRST_CONTENT_MS, `first content after ${best_ms} ms`);
    });
  }
});
