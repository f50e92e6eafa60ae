// Everywhere without a mouse: the palette, the keys, the help.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertLaidOut, openPage, settled } from './harness.mjs';
import { stage } from './stage.mjs';

const own = stage();

async function palette(page, typed) {
  await page.keyboard.press('Control+k');
  await page.getByTestId('palette').getByRole('combobox').waitFor();
  await page.keyboard.type(typed);
}

const chosen = (page) => page.getByTestId('palette').getByRole('option', { selected: true });

test('the palette goes to pages, reports, people, and sessions and prompts by id', { timeout: 120_000 }, async () => {
  const { page, complaints } = await openPage(own.browser, `${own.server.ui}/errors?tz=utc`);
  await settled(page);
  await palette(page, 'adopt');
  assert.match(await chosen(page).innerText(), /Adoption[^]*g a/);
  await assertAccessible(page, 'Palette');
  await assertLaidOut(page, 'Palette', '[data-testid="palette"]');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Adoption' }).waitFor();
  assert.equal(new URL(page.url()).search, '?tz=utc', 'the view comes along');

  await palette(page, 'reconc');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/reports/reconciliation?**');

  const { rows } = await (await fetch(`${own.server.ui}/api/v1/reports/people?from=7d&group_by=person&limit=3`)).json();
  const { person } = rows.find((row) => row.person);
  await palette(page, person.slice(0, -3));
  await page.getByTestId('palette').getByRole('option', { name: person }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByTestId('prompt-row').first().waitFor();
  assert.equal(new URL(page.url()).searchParams.get('person'), person);

  const { sessions } = await (await fetch(`${own.server.ui}/api/v1/sessions?limit=1`)).json();
  await palette(page, sessions[0].session_id.slice(0, 12));
  await page.getByTestId('palette').locator(`[data-kind="session"]`).getByText(sessions[0].session_id).click();
  await page.getByTestId('session-cost').waitFor();

  const { prompts } = await (await fetch(`${own.server.ui}/api/v1/prompts?limit=1`)).json();
  await palette(page, prompts[0].prompt_id);
  await page.getByTestId('palette').locator(`[data-kind="prompt"]`).first().waitFor();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByTestId('replay').waitFor();
  assert.equal(new URL(page.url()).pathname, `/prompts/${prompts[0].prompt_id}`);

  await palette(page, "no such 'thing' <b>");
  assert.match(await page.getByTestId('palette').innerText(), /Nothing of that name/);
  await page.keyboard.press('Escape');
  await page.getByTestId('palette').waitFor({ state: 'detached' });
  assert.deepEqual(complaints, [], 'the browser complained');
});

test('every page has its letter, and the help tells all of them', { timeout: 120_000 }, async () => {
  const { page, complaints } = await openPage(own.browser, own.server.ui);
  await settled(page);
  const links = await page.getByTestId('pages').getByRole('link').evaluateAll((all) => all.map((link) => [link.title, link.textContent, link.getAttribute('href')]));
  assert.equal(new Set(links.map(([title]) => title)).size, links.length, 'no letter twice');
  for (const [title, , href] of links) {
    for (const key of title.split(' ')) await page.keyboard.press(key);
    await page.waitForURL(new URL(href, own.server.ui).href);
    // Typed into the editor, keys would be text.
    await page.locator('main h1').first().waitFor();
  }
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keys and words' });
  for (const [title, label] of links) assert.match(await help.innerText(), new RegExp(`${title}\\s+${label.replace('&', '\\&')}`));
  await assertAccessible(page, 'Help');
  for (const width of [1440, 360]) {
    await page.setViewportSize({ width, height: 900 });
    await assertLaidOut(page, `Help at ${width} px`, 'dialog[open]');
  }
  assert.deepEqual(complaints, [], 'the browser complained');
});
