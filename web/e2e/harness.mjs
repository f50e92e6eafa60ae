// The real binary, the real captures and a real browser. Whatever is missing is
// a failure with its name: a skipped browser test would prove nothing.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = resolve(process.env.TALLYBOOK_BIN ?? join(root, 'target/debug/tallybook'));
const captures = resolve(process.env.CAPTURES_DIR ?? join(root, 'crates/testkit/captures'));
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const STARTUP_MS = 30_000;
/** The past of a simulated organisation is written after the addresses are printed. */
const FILLING_MS = 120_000;
const SETTLE_MS = 30_000;
const BROWSER_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts `tallybook serve` on an empty data directory and free ports, with more flags. */
export async function startServer(more = []) {
  await access(binary).catch(() => assert.fail(`no binary at ${binary}: build it, or set TALLYBOOK_BIN`));
  const dataDir = await mkdtemp(join(tmpdir(), 'tallybook-e2e-'));
  const server = await started(['serve', '--data-dir', dataDir, ...more]);
  const stop = async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ...server, dataDir, stop };
}

/** Starts `tallybook demo`: a simulated organisation, the same for the same seed; or takes the one that TALLYBOOK_UI names. */
export async function startDemo({ people = 16, days = 20, seed = 7 } = {}) {
  if (process.env.TALLYBOOK_UI) return { ui: process.env.TALLYBOOK_UI, stop: async () => {} };
  await access(binary).catch(() => assert.fail(`no binary at ${binary}: build it, or set TALLYBOOK_BIN`));
  const demo = ['demo', '--no-open', '--people', `${people}`, '--days', `${days}`, '--seed', `${seed}`];
  return started(demo, (child) => lineOf(child, child.stderr, (line) => line.includes('items filled in'), FILLING_MS));
}

async function started(command, until = async () => {}) {
  const any = '127.0.0.1:0';
  const flags = ['--http', any, '--grpc', any, '--ui', any, '--print-addresses'];
  const child = spawn(binary, [...command, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.on('data', (chunk) => /WARN|ERROR|error:/.test(chunk) && process.stderr.write(chunk));
  // Both at once: a line that is waited for only after another may have passed.
  const [line] = await Promise.all([lineOf(child, child.stdout, (own) => own.startsWith('{"listening"'), STARTUP_MS), until(child)]);
  const { listening } = JSON.parse(line);
  const stop = async () => {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill();
    await ended;
  };
  return { ui: `http://${listening.ui}`, http: `http://${listening.http}`, grpc: `http://${listening.grpc}`, stop };
}

/** The first line of that kind; whatever is printed later is read and dropped, or a talkative server would block. */
async function lineOf(child, stream, wanted, patience_ms) {
  const timer = setTimeout(() => child.kill(), patience_ms);
  try {
    for await (const line of createInterface({ input: stream })) {
      if (wanted(line)) return line;
    }
  } finally {
    clearTimeout(timer);
    stream.resume();
  }
  return assert.fail('the server ended, or took too long, before it said what was waited for');
}

/** Replays a recorded scenario as its client would, with its times moved to now. */
export async function sendScenario(server, scenario) {
  const child = spawn(binary, ['send', join(captures, scenario), '--to', server.http, '--restamp'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((done) => child.once('exit', done));
  assert.equal(code, 0, `tallybook send ${scenario}`);
}

/** One request of a client whose person and model are a text that wants to be more than that; it costs 1.25 USD. */
export async function sendHostile(server, text) {
  const attribute = (key, value) => ({ key, value: typeof value === 'number' ? { doubleValue: value } : { stringValue: value } });
  const attributes = Object.entries({
    'event.name': 'api_request',
    'session.id': 'hostile-session',
    'user.email': text,
    model: text,
    cost_usd: 1.25,
    input_tokens: 100_000,
    output_tokens: 50_000,
    duration_ms: 5,
  }).map(([key, value]) => attribute(key, value));
  const record = { timeUnixNano: `${Date.now()}000000`, body: { stringValue: 'claude_code.api_request' }, attributes };
  const resource = { attributes: [attribute('service.name', 'claude-code')] };
  const scope = { name: 'com.anthropic.claude_code.events' };
  const response = await fetch(`${server.http}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [record] }] }] }),
  });
  assert.equal(response.status, 200);
}

/** What a command prints. */
export function printed(...command) {
  return execFileSync(binary, command, { encoding: 'utf8' });
}

/** What the clients themselves reported at the end of these scenarios, added up. */
export async function ledgerOf(scenarios) {
  const sum = { cost_usd: 0, input: 0, output: 0, cacheRead: 0, cacheCreation: 0 };
  for (const scenario of scenarios) {
    const text = await readFile(join(captures, scenario, 'expected.json'), 'utf8');
    const { total_cost_usd, usage } = JSON.parse(text).client_ledger;
    sum.cost_usd += total_cost_usd;
    sum.input += usage.input_tokens;
    sum.output += usage.output_tokens;
    sum.cacheRead += usage.cache_read_input_tokens;
    sum.cacheCreation += usage.cache_creation_input_tokens;
  }
  return sum;
}

export async function startBrowser() {
  await access(browserPath).catch(() => assert.fail(`no browser at ${browserPath}: install chromium, or set CHROMIUM`));
  return chromium.launch({ executablePath: browserPath, args: BROWSER_FLAGS });
}

/** A page that remembers every complaint of the browser, policy violations included. */
export async function openPage(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin)) complaints.push(`foreign request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** Nothing on the page is on its way any more. */
export async function settled(page) {
  await page.locator('main h1').first().waitFor({ timeout: SETTLE_MS });
  await page.waitForFunction(() => !document.querySelector('main .skeleton, main [aria-busy="true"]'), null, { timeout: SETTLE_MS });
}

/** The number behind a figure, as the page holds it. */
export async function figure(page, testid) {
  const text = await page.getByTestId(testid).getAttribute('data-value');
  assert.notEqual(text, null, `${testid} has no data-value`);
  return Number(text);
}

export async function assertAccessible(page, name) {
  // With reduced motion nothing fades, and contrast is measured on settled colours.
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Figures are dimmed while new ones are on their way, and then take a moment to their full colour.
    await page.waitForFunction(() => !document.querySelector('main .stale, main [aria-busy="true"]'), null, { timeout: SETTLE_MS });
    await page.evaluate(() => Promise.all(document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity).map(({ finished }) => finished.catch(() => {}))));
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document));
    assert.ok(passes.length > 0, `axe checked nothing on ${name}`);
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
    assert.deepEqual(told, [], `${name}, ${colorScheme}`);
  }
}

/** Nothing is wider than the window, cut off, or above something else. */
export async function assertLaidOut(page, name, within = 'body') {
  assert.deepEqual(await page.evaluate(faultsOfLayout, within), [], name);
}

/** Runs in the page: texts are measured, because what cannot be read is what counts. */
function faultsOfLayout(within) {
  const root = document.documentElement;
  const faults = root.scrollWidth > root.clientWidth ? [`the page is ${root.scrollWidth - root.clientWidth} px too wide`] : [];
  const texts = [];
  const walker = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const host = node.parentElement;
    if (!node.data.trim() || !host.checkVisibility({ visibilityProperty: true }) || host.closest('.hidden-text, option, script, style, .skip')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      const box = seen(host, line, node.data.trim());
      if (box) texts.push({ box, said: node.data.trim().slice(0, 40), host });
    }
  }
  for (let one = 0; one < texts.length; one += 1) {
    for (let other = one + 1; other < texts.length; other += 1) {
      const [a, b] = [texts[one], texts[other]];
      if (a.host === b.host) continue;
      const width = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const height = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (width > 2 && height > 3) faults.push(`“${a.said}” and “${b.said}” overlap by ${Math.round(width)} × ${Math.round(height)} px`);
    }
  }
  return faults.slice(0, 10);

  /** What of a text is in sight; null when it is scrolled or shortened away, which a reader can undo. */
  function seen(host, rect, said) {
    let { left, right, top, bottom } = rect;
    for (let own = host; own && own !== document.body; own = own.parentElement) {
      const style = getComputedStyle(own);
      if (style.position === 'fixed') break;
      if (style.overflowX === 'visible' && style.overflowY === 'visible') continue;
      const box = own.getBoundingClientRect();
      const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
      const cut = Math.max(box.left - left, right - box.right, box.top - top, bottom - box.bottom);
      if (!scrolls && cut > 1.5 && style.textOverflow !== 'ellipsis' && style.webkitLineClamp === 'none') faults.push(`“${said.slice(0, 40)}” is cut off by ${Math.round(cut)} px`);
      [left, right, top, bottom] = [Math.max(left, box.left), Math.min(right, box.right), Math.max(top, box.top), Math.min(bottom, box.bottom)];
      if (left >= right || top >= bottom) return null;
    }
    return { left, right, top, bottom };
  }
}

/** From now on, over all pages that are opened: how much moved without being asked to. */
export async function watchShifts(page) {
  await page.addInitScript(() => {
    globalThis.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        const moved = entry.sources.map(({ node }) => (node?.nodeType === 1 ? node : node?.parentElement)?.outerHTML.slice(0, 120));
        globalThis.shifts.push(`${entry.value.toFixed(4)}: ${moved.join(' | ')}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return () => page.evaluate(() => globalThis.shifts);
}
