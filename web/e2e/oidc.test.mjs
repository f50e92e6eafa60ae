// Signing in by a provider: a real one, in a real browser, from the first click to the end of both sessions.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertAccessible, assertLaidOut, printed, settled, startBrowser, startServer } from './harness.mjs';
import { CLIENT, cut, forged, ofAnother, SECRET, startProvider, tampered } from './provider.mjs';

/** The server asks a provider that failed, and for keys that it does not know, no more often than this. */
const ASKED_AGAIN_MS = 2_100;

let browser;
let folder;
let provider;
let server;

const settings = (issuer) => `
[access.oidc]
name = "Example SSO"
issuer = "${issuer}"
client_id = "${CLIENT}"
client_secret_file = "secret"
scopes = ["openid", "email", "profile", "groups"]
allow = ["localhost"]
allow_http = true
[[access.oidc.group]]
name = "tally-admins"
roles = ["admin"]
[[access.oidc.group]]
name = "staff"
roles = ["viewer"]
[[access.oidc.group]]
name = "revision"
roles = ["auditor", "analyst"]
`;

before(async () => {
  browser = await startBrowser();
  provider = await startProvider();
  folder = await mkdtemp(join(tmpdir(), 'tallybook-oidc-'));
  await writeFile(join(folder, 'secret'), SECRET);
  await chmod(join(folder, 'secret'), 0o600);
  await writeFile(join(folder, 'tallybook.toml'), settings(provider.issuer));
  server = await startServer(['--config', join(folder, 'tallybook.toml')]);
  await provider.serve(server.ui);
  person('ann', ['tally-admins', 'staff']);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await provider?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function person(id, groups, more = {}) {
  provider.people.set(id, { email: `${id}@example.com`, email_verified: true, groups, ...more });
}

/** A browser of its own. */
async function visitor(path = '/') {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(server.ui + path);
  await page.getByTestId('by-provider').waitFor();
  return page;
}

/** Through the provider's page and back. */
async function goThrough(page, id) {
  await page.getByTestId('by-provider').click();
  await page.getByLabel('Account').fill(id);
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function signedIn(id, path = '/') {
  const page = await visitor(path);
  await goThrough(page, id);
  await page.getByTestId('self').waitFor();
  return page;
}

/** Goes through, and is turned away; what the page says. */
async function turnedAway(id) {
  const page = await visitor();
  await goThrough(page, id);
  return told(page);
}

async function told(page) {
  await page.getByTestId('not-signed-in').waitFor();
  const text = await page.getByTestId('not-signed-in').innerText();
  const cookies = await page.context().cookies(server.ui);
  assert.deepEqual(cookies.map(({ name }) => name), [], 'nothing is left behind');
  assert.equal(new URL(page.url()).hash, '');
  return { page, text };
}

async function fitsAndReads(page, name) {
  await assertAccessible(page, name);
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await assertLaidOut(page, `${name} at ${width} px`);
  }
}

const people = () => JSON.parse(printed('user', 'list', '--format', 'json', '--data-dir', server.dataDir));
const trail = () => JSON.parse(printed('audit', 'show', '--limit', '500', '--format', 'json', '--data-dir', server.dataDir));
/** The latest record of that kind. */
const recorded = (action, outcome) => trail().find((one) => one.action === action && one.outcome === outcome);

test('a provider that is down is said, and that is not for ever', { timeout: 60_000 }, async () => {
  provider.isDown = true;
  const page = await visitor('/sessions?tz=utc');
  await page.getByTestId('by-provider').click();
  const { text } = await told(page);
  assert.match(text, /cannot be reached/);
  assert.ok(await page.evaluate(() => document.activeElement?.getAttribute('role') === 'alert'), 'it is told aloud');
  await fitsAndReads(page, 'Provider down');
  provider.isDown = false;
  await pause(ASKED_AGAIN_MS);
  await page.getByTestId('by-provider').click();
  await page.getByLabel('Account').waitFor();
  await page.context().close();
  assert.match(recorded('sign_in', 'refused').object, /cannot be asked/);
});

test('whoever signs in for the first time is added, with the roles of their groups', { timeout: 60_000 }, async () => {
  const page = await visitor('/access?tz=utc');
  await fitsAndReads(page, 'Sign in by a provider');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press('Tab');
  for (let tabs = 0; tabs < 30 && !(await page.evaluate(() => document.activeElement?.matches('[data-testid="by-provider"]'))); tabs += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByLabel('Account').fill('ann');
  await page.keyboard.press('Enter');
  await page.getByTestId('people').waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/access?tz=utc', 'where they were');
  const row = page.locator('[data-testid="person"][data-name="ann@example.com"]');
  const text = await row.innerText();
  assert.match(text, /viewer, admin\s+by groups/);
  assert.ok(text.includes(provider.issuer.replace('http://', '')) && text.includes('ann'), text);
  assert.equal(await page.getByTestId('password').count(), 0, 'who signs in by a provider has no password here');
  await fitsAndReads(page, 'People of a provider');
  const cookies = await page.context().cookies(server.ui);
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [['tallybook_session', true, 'Lax']]);
  assert.deepEqual(people().map(({ name, roles, identity }) => [name, roles, identity]), [
    ['ann@example.com', ['viewer', 'admin'], { issuer: provider.issuer, subject: 'ann' }],
  ]);
  assert.match(recorded('people', 'allowed').object, /^add ann@example.com as viewer, admin \(ann\)/);
  assert.equal(recorded('sign_in', 'allowed').actor, 'ann@example.com');
  await page.context().close();
});

test('groups count anew at each sign-in, and who has none is out', { timeout: 60_000 }, async () => {
  person('ben', ['revision']);
  const first = await signedIn('ben');
  await first.getByTestId('audit').or(first.locator('main h1')).first().waitFor();
  person('ben', ['staff'], { email: 'ben.other@example.com' });
  const second = await signedIn('ben');
  await settled(second);
  assert.deepEqual(people().find(({ identity }) => identity.subject === 'ben').roles, ['viewer']);
  assert.equal(people().filter(({ identity }) => identity.subject === 'ben').length, 1, 'another e-mail is the same person');
  const ask = async (page, path) => (await page.request.get(server.ui + path)).status();
  assert.equal(await ask(first, '/api/v1/audit'), 403, 'the older session has the roles of now');
  assert.equal(await ask(first, '/api/v1/overview'), 200);
  person('ben', ['canteen']);
  const { text } = await turnedAway('ben');
  assert.match(text, /None of your groups/);
  for (const page of [first, second]) assert.equal(await ask(page, '/api/v1/overview'), 401, 'what was open is closed');
  assert.match(recorded('people', 'allowed').object, /^withdraw ben@example.com: no group/);
  const request = /Request\s+(\w+)/.exec(text)[1];
  assert.equal(recorded('sign_in', 'refused').request_id, request);
  person('ben', ['staff']);
  const again = await signedIn('ben');
  assert.equal(await ask(again, '/api/v1/overview'), 200);
  for (const page of [first, second, again]) await page.context().close();
});

test('who is in no group is no account, and declining is said', { timeout: 60_000 }, async () => {
  const before = people().length;
  person('eve', []);
  const { page, text } = await turnedAway('eve');
  assert.match(text, /None of your groups/);
  await fitsAndReads(page, 'Refused');
  assert.equal(people().length, before);
  const declining = await visitor();
  await declining.getByTestId('by-provider').click();
  await declining.getByRole('button', { name: 'Cancel' }).click();
  assert.match((await told(declining)).text, /did not let you in/);
  assert.match(recorded('sign_in', 'refused').object, /access_denied/);
});

test('tokens that lie, and a provider that says nothing, let nobody in', { timeout: 90_000 }, async () => {
  for (const [lie, expect, onRecord] of [
    [tampered, /cannot be trusted/, /signature is not right/],
    [forged, /cannot be trusted/, /signature is not right/],
    [ofAnother, /cannot be trusted/, /\(nonce\)/],
    [cut, /cannot be reached/, /cannot be asked/],
  ]) {
    provider.lie = lie;
    const { page, text } = await turnedAway('ann');
    provider.lie = null;
    assert.match(text, expect);
    assert.match(recorded('sign_in', 'refused').object, onRecord);
    assert.equal((await page.request.get(`${server.ui}/api/v1/overview`)).status(), 401);
    await page.context().close();
  }
});

test('an answer counts in the browser that asked, once', { timeout: 60_000 }, async () => {
  const page = await visitor();
  provider.keeps = true;
  await goThrough(page, 'ann');
  await page.getByRole('heading', { name: 'Kept back' }).waitFor();
  provider.keeps = false;
  const back = provider.kept;
  const other = await visitor();
  await other.goto(back);
  assert.match((await told(other)).text, /took too long, or was begun in another window/);
  const changed = new URL(back);
  changed.searchParams.set('state', 'x'.repeat(43));
  await page.goto(changed.href);
  assert.match((await told(page)).text, /another window/);
  await page.goto(back);
  assert.match((await told(page)).text, /another window/, 'the cookie is gone: begun once, ended once');
  assert.match(recorded('sign_in', 'refused').object, /has begun no sign-in/);
  await page.context().close();
  await other.context().close();
});

test('another key of the provider is found', { timeout: 60_000 }, async () => {
  await provider.rotate();
  await pause(ASKED_AGAIN_MS);
  const page = await signedIn('ann');
  await page.context().close();
});

test('signing out ends both sessions', { timeout: 60_000 }, async () => {
  const page = await signedIn('ann');
  await page.getByTestId('self').locator('summary').click();
  await page.getByTestId('sign-out').click();
  await page.getByRole('heading', { name: 'End your session?' }).waitFor();
  assert.equal((await page.request.get(`${server.ui}/api/v1/overview`)).status(), 401, 'ours has ended first');
  await page.getByRole('button', { name: 'Yes' }).click();
  await page.getByTestId('by-provider').waitFor();
  assert.equal(new URL(page.url()).origin, server.ui);
  await page.getByTestId('by-provider').click();
  await page.getByLabel('Account').waitFor();
  await page.context().close();
});

test('the trail of it is as it was written, and holds no token', () => {
  assert.match(printed('audit', 'verify', '--data-dir', server.dataDir), /all as they were written/);
  assert.ok(!/eyJ|code=|the secret of a test/.test(JSON.stringify(trail())));
});
