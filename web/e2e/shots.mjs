// Pictures of every page, to be looked at: both themes, three widths.
//
//   npm run shots -- FOLDER [PAGE …]     with TALLYBOOK_UI at a server, else with a demo of its own

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openPage, settled, startBrowser, startDemo } from './harness.mjs';

const WIDTHS = (process.env.WIDTHS ?? '360,768,1440').split(',').map(Number);
const HEIGHT = 900;
const PAGES = ['', 'live', 'prompts', 'sessions', 'workspaces', 'cost', 'adoption', 'productivity', 'tools', 'connectors', 'errors', 'health', 'reports', 'reports/cost', 'explore'];

const [folder = 'shots', ...named] = process.argv.slice(2);
const pages = named.length ? named : PAGES;
const server = await startDemo();
const browser = await startBrowser();

await mkdir(folder, { recursive: true });
try {
  for (const width of WIDTHS) {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await openPage(browser, server.ui);
      await page.setViewportSize({ width, height: HEIGHT });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const path of pages) {
        await page.goto(`${server.ui}/${path}`);
        await settled(page);
        const name = `${path.replace(/[?=&]/g, '_').replaceAll('/', '-') || 'overview'}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: join(folder, name), fullPage: true });
      }
      await page.close();
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
