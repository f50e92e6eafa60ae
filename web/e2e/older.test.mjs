// The pages that are no descriptions fit every width in both themes, and nothing on them moves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled, watchShifts } from './harness.mjs';
import { stage } from './stage.mjs';

const own = stage();

test('overview, lists, replay, live and reports fit, are accessible, and stay where they are', { timeout: 400_000 }, async (t) => {
  const { prompts } = await own.api('prompts', { limit: '50' });
  const { sessions } = await own.api('sessions', { limit: '1' });
  const prompt = prompts.toSorted((a, b) => b.cost_usd - a.cost_usd)[0].prompt_id;
  const PAGES = ['', 'sessions', `sessions/${sessions[0].session_id}`, 'prompts', ...['thread', 'waterfall', 'raw'].map((view) => `prompts/${prompt}?view=${view}`), 'live', 'reports', 'reports/cost', 'reports/activity', 'explore'];
  for (const width of [360, 768, 1440]) {
    const { page, complaints } = await openPage(own.browser, own.server.ui);
    await page.setViewportSize({ width, height: 900 });
    const shifts = await watchShifts(page);
    for (const path of PAGES) {
      await t.test(`/${path.replace(prompt, 'ID')}, ${width} px`, async () => {
        await page.goto(path.includes('?') ? `${own.server.ui}/${path}` : own.address(path));
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
