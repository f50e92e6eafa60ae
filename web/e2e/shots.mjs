// Pictures, to be looked at. TALLYBOOK_UI names a running server; without it a demo is started.
//
//   npm run shots -- FOLDER [PAGE …]     every page or those named, in both themes at three widths
//   npm run shots -- --docs              those of the README, into docs/screenshots

import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage, settled, startBrowser, startDemo } from './harness.mjs';
import { PAGES } from './pages.mjs';

const WIDTHS = [360, 768, 1440];
const HEIGHT = 900;
const SQL = 'SELECT model, count(*) AS requests, sum(cost_usd) AS cost_usd\nFROM api_requests\nGROUP BY model\nORDER BY cost_usd DESC';

const [folder = 'shots', ...named] = process.argv.slice(2);
const server = await startDemo();
const browser = await startBrowser();

try {
  if (folder === '--docs') await docs(resolve(dirname(fileURLToPath(import.meta.url)), '../../docs/screenshots'));
  else await every(folder, named.length ? named : PAGES);
} finally {
  await browser.close();
  await server.stop();
}

async function every(into, paths) {
  await mkdir(into, { recursive: true });
  for (const width of WIDTHS) {
    for (const theme of ['light', 'dark']) {
      const page = await opened(width, theme);
      for (const path of paths) {
        const name = path.replaceAll('/', '-').replace(/[^\w-]+/g, '_') || 'overview';
        await shoot(page, path, join(into, `${name}-${width}-${theme}.png`), true);
      }
      await page.close();
    }
  }
}

async function docs(into) {
  const pages = {
    overview: '?cmp=prev',
    cost: 'cost?cmp=prev',
    tools: 'tools',
    adoption: 'adoption?from=now-30d&to=now',
    explore: `explore?sql=${encodeURIComponent(SQL)}&chart=cost_usd`,
    replay: `prompts/${await costliest()}?view=waterfall`,
    report: 'reports/cost?group=day,model',
    sessions: 'sessions',
  };
  const dark = new Set(['overview', 'replay', 'tools']);
  for (const theme of ['light', 'dark']) {
    const page = await opened(1440, theme);
    for (const [name, path] of Object.entries(pages)) {
      if (theme === 'light' || dark.has(name)) await shoot(page, path, join(into, `${name}-${theme}.png`), false);
    }
    await page.close();
  }
}

async function opened(width, colorScheme) {
  const { page } = await openPage(browser, server.ui);
  await page.setViewportSize({ width, height: HEIGHT });
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  return page;
}

async function shoot(page, path, file, fullPage) {
  await page.goto(`${server.ui}/${path}`);
  await settled(page);
  await page.screenshot({ path: file, fullPage });
}

async function costliest() {
  const { prompts } = await (await fetch(`${server.ui}/api/v1/prompts?limit=200`)).json();
  return prompts.toSorted((a, b) => b.cost_usd - a.cost_usd)[0].prompt_id;
}
