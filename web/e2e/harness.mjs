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

/** Starts `tallybook serve` on an empty data directory and free ports. */
export async function startServer() {
  await access(binary).catch(() => assert.fail(`no binary at ${binary}: build it, or set TALLYBOOK_BIN`));
  const dataDir = await mkdtemp(join(tmpdir(), 'tallybook-e2e-'));
  const any = '127.0.0.1:0';
  const flags = ['--data-dir', dataDir, '--http', any, '--grpc', any, '--ui', any, '--print-addresses'];
  const child = spawn(binary, ['serve', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const listening = await addressesOf(child);
  const stop = async () => {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill();
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ui: `http://${listening.ui}`, http: `http://${listening.http}`, stop };
}

async function addressesOf(child) {
  const lines = createInterface({ input: child.stdout });
  const timer = setTimeout(() => child.kill(), STARTUP_MS);
  try {
    for await (const line of lines) {
      if (line.startsWith('{"listening"')) return JSON.parse(line).listening;
    }
  } finally {
    clearTimeout(timer);
    // The pipe must stay drained, or a talkative server would block on it.
    child.stdout.resume();
  }
  return assert.fail('the server ended without printing its addresses');
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
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document));
    assert.ok(passes.length > 0, `axe checked nothing on ${name}`);
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const told = grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
    assert.deepEqual(told, [], `${name}, ${colorScheme}`);
  }
}
