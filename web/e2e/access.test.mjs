// From the setup link to people who see what their role lets them see.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, printed, sendScenario, settled, startBrowser, startServer } from './harness.mjs';

const PASSWORD = 'correct horse battery';
const ADMIN = 'ann@example.com';

let browser;
let server;
/** The text of a prompt, which only a content reader may see. */
let prompt;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  await sendScenario(server, 'cc329_tools_json_verbose');
  const page = await (await fetch(`${server.ui}/api/v1/prompts?from_ms=0`)).json();
  prompt = page.prompts.find((one) => one.prompt);
  assert.ok(prompt.prompt.length > 10);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What the browser says of answers that are meant to be refused is no complaint. */
const real = (complaints) => complaints.filter((one) => !/status of 40[13]/.test(one));

async function fitsAndReads(page, name) {
  await assertAccessible(page, name);
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await assertLaidOut(page, `${name} at ${width} px`);
  }
}

async function signIn(page, name, password = PASSWORD) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByTestId('sign-in').getByRole('button', { name: 'Sign in' }).click();
}

async function signOut(page) {
  await page.getByTestId('self').locator('summary').click();
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-in').waitFor();
}

const places = (page) => page.getByTestId('pages').getByRole('link').allInnerTexts();

/** Somebody who has just signed in, with a browser of their own. */
async function as(name, path = '/') {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(server.ui + path);
  await signIn(page, name);
  await page.getByTestId('self').waitFor();
  return page;
}

test('the setup link makes the first admin, and closes what was open', { timeout: 90_000 }, async () => {
  const { page, complaints } = await openPage(browser, server.ui);
  await page.getByTestId('open-banner').waitFor();
  const link = (await readFile(join(server.dataDir, 'access/setup-link'), 'utf8')).trim();
  assert.ok(link.startsWith(`${server.ui}/setup#`));
  const setup = await openPage(browser, link);
  await setup.page.getByTestId('setup').waitFor();
  await fitsAndReads(setup.page, 'Setup');
  await setup.page.getByLabel('Name').fill(ADMIN);
  await setup.page.getByLabel(/Password/).fill(PASSWORD);
  await setup.page.getByRole('button', { name: 'Become the first admin' }).click();
  await setup.page.getByTestId('people').waitFor();
  assert.equal(new URL(setup.page.url()).pathname, '/access');
  assert.equal(await setup.page.getByTestId('open-banner').count(), 0);
  await fitsAndReads(setup.page, 'Access');
  assert.deepEqual(real(setup.complaints), [], 'the browser complained');
  assert.deepEqual(real(complaints), [], 'the browser complained');
  await setup.page.close();
  await page.close();
});

test('who is signed out signs in where they were', { timeout: 90_000 }, async () => {
  const page = await as(ADMIN, '/sessions?tz=utc');
  await page.getByTestId('sessions').waitFor();
  await signOut(page);
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/sessions?tz=utc');
  assert.deepEqual(await places(page), []);
  await fitsAndReads(page, 'Sign in');
  await signIn(page, ADMIN, 'something else');
  assert.match(await page.getByRole('alert').innerText(), /not right/);
  await signIn(page, ADMIN);
  await page.getByTestId('sessions').waitFor();
  await settled(page);
  assert.equal(new URL(page.url()).pathname, '/sessions');
  // A session that ends elsewhere leads to the same place.
  await page.context().clearCookies();
  await page.goto(`${server.ui}/prompts?tz=utc`);
  await page.getByTestId('sign-in').waitFor();
  assert.equal(new URL(page.url()).pathname, '/prompts');
  await page.context().close();
});

test('an admin adds people, and reads no prompt', { timeout: 90_000 }, async () => {
  const page = await as(ADMIN, `/prompts/${prompt.prompt_id}`);
  await settled(page);
  assert.ok(!(await page.locator('main').innerText()).includes(prompt.prompt.slice(0, 20)));
  await page.goto(`${server.ui}/access`);
  for (const [name, role] of [['viewer', 'viewer'], ['reader', 'content-reader'], ['auditor', 'auditor']]) {
    await page.getByTestId('people').waitFor();
    if (!(await page.getByTestId('new-person').isVisible())) await page.getByTestId('add-person').click();
    const form = page.getByTestId('new-person');
    await form.getByLabel('Name').fill(name);
    await form.getByLabel(/Password/).fill(PASSWORD);
    const box = (one) => form.getByRole('checkbox', { name: new RegExp(`^${one}:`) });
    await box('viewer').setChecked(role === 'viewer');
    await box(role).check();
    await form.getByRole('button', { name: 'Add' }).click();
    await page.locator(`[data-testid="person"][data-name="${name}"]`).waitFor();
  }
  await page.context().close();
});

test('each role is offered what it may see, and sees no more', { timeout: 90_000 }, async () => {
  const viewer = await as('viewer');
  await settled(viewer);
  const offered = await places(viewer);
  assert.ok(offered.includes('Overview') && offered.includes('Cost'), offered);
  for (const label of ['Prompts', 'Sessions', 'Live', 'Explore', 'People & keys', 'Connect', 'Tokens', 'Audit']) assert.ok(!offered.includes(label), label);
  await viewer.goto(`${server.ui}/prompts/${prompt.prompt_id}`);
  await viewer.getByTestId('forbidden').waitFor();
  const denied = await viewer.request.get(`${server.ui}/api/v1/prompts/${prompt.prompt_id}`);
  assert.equal(denied.status(), 403);
  await fitsAndReads(viewer, 'Not for your role');
  await viewer.context().close();

  const reader = await as('reader', `/prompts/${prompt.prompt_id}`);
  await reader.locator('main').getByText(prompt.prompt.slice(0, 20)).first().waitFor();
  await reader.context().close();

  const auditor = await as('auditor');
  await auditor.getByTestId('audit').waitFor();
  assert.deepEqual(await places(auditor), ['Audit', 'Privacy']);
  assert.match(await auditor.getByTestId('audit').innerText(), new RegExp(`reader[^]*reveal[^]*prompt ${prompt.prompt_id}`));
  await fitsAndReads(auditor, 'Audit');
  await auditor.context().close();
});

test('the trail of it is as it was written', () => {
  assert.match(printed('audit', 'verify', '--data-dir', server.dataDir), /records, all as they were written\ncheckpoint \d+:/);
});
