// A prompt that wants to be more than text: HTML, script, escapes of terminals, turned directions, 60 KB of it. It is shown
// whole where it is looked at, and does nothing anywhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled, startBrowser, startServer } from './harness.mjs';
import { sendRecords } from './telemetry.mjs';

const HEAD = `<img src=x onerror="window.pwned=1"></script><script>window.pwned=1</script><style>main{display:none}</style>{@html 1}{{7*7}}\u001b[31mred\u001b]0;title\u0007\u001b[2J \u202eturned\u2066 \u200b"'\`;`;
const TEXT = HEAD + 'wide-'.repeat(12_000) + 'END-OF-IT';
const SHORT = `${HEAD}@example.com`;
const PROMPT = 'inert-prompt';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer();
  const at_ms = Date.now() - 60_000;
  const shared = { 'session.id': 'inert-session', 'prompt.id': PROMPT, 'user.email': SHORT };
  await sendRecords(server, [
    { ...shared, at_ms, 'event.name': 'user_prompt', 'event.sequence': 0, prompt: TEXT, prompt_length: TEXT.length },
    { ...shared, at_ms: at_ms + 1000, 'event.name': 'api_request', 'event.sequence': 1, model: SHORT, cost_usd: 0.25, input_tokens: 10, output_tokens: 5, duration_ms: 500 },
    { ...shared, at_ms: at_ms + 1500, 'event.name': 'tool_decision', 'event.sequence': 2, tool_name: SHORT, tool_use_id: 't1', decision: 'accept', source: SHORT },
    { ...shared, at_ms: at_ms + 2000, 'event.name': 'tool_result', 'event.sequence': 3, tool_name: SHORT, tool_use_id: 't1', success: false, error: TEXT, duration_ms: 300, tool_input: JSON.stringify({ command: TEXT }) },
    { ...shared, at_ms: at_ms + 2500, 'event.name': SHORT, 'event.sequence': 4, [SHORT]: TEXT },
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const replay = `prompts/${PROMPT}`;
const PAGES = ['', 'prompts', 'sessions', 'sessions/inert-session', 'tools', 'errors', 'reports/tools', `${replay}?at=0`, `${replay}?view=waterfall&at=2`, `${replay}?view=raw&at=3`, `${replay}?at=4`, `explore?sql=${encodeURIComponent('SELECT prompt, user_email, error FROM events')}`];

test('it is text on every page, and stays in its place', { timeout: 400_000 }, async (t) => {
  for (const width of [360, 1440]) {
    const { page, complaints } = await openPage(browser, server.ui);
    await page.setViewportSize({ width, height: 900 });
    for (const path of PAGES) {
      await t.test(`/${path}, ${width} px`, async () => {
        await page.goto(`${server.ui}/${path}`);
        await settled(page);
        const found = await page.evaluate(() => ({ pwned: 'pwned' in globalThis, made: document.querySelectorAll('main :is(img, script, style), main [onerror]').length, title: document.title, hidden: getComputedStyle(document.querySelector('main')).display === 'none' }));
        assert.deepEqual({ ...found, title: /Tallybook$/.test(found.title) }, { pwned: false, made: 0, title: true, hidden: false });
        // What is looked at is beside the list, or over it; rows pass under the bar above them.
        await assertLaidOut(page, path, path.includes('at=') ? '[data-testid="inspector"]' : 'body');
        await assertAccessible(page, path);
      });
    }
    assert.deepEqual(complaints, [], 'the browser complained');
    await page.close();
  }
});

test('the whole of it can be read, and what follows is not turned round', { timeout: 60_000 }, async () => {
  const { page } = await openPage(browser, `${server.ui}/${replay}?at=0`);
  await page.getByTestId('inspector').waitFor();
  const whole = await page.getByTestId('inspector').textContent();
  assert.ok(whole.includes('<script>window.pwned=1</script>') && whole.includes('END-OF-IT'), 'all of the prompt');
  // The figures after a name that turns its direction stand where they stand without it.
  const turned = await page.evaluate(() => [...document.querySelectorAll('main :is(b, span, code, small, a, button, h1, dd)')].filter((element) => element.childElementCount === 0 && element.textContent.includes('\u202e') && !/isolate|plaintext/.test(getComputedStyle(element).unicodeBidi) && getComputedStyle(element).display === 'inline').map((element) => element.outerHTML.slice(0, 80)));
  assert.deepEqual(turned, []);
});
