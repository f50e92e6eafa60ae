// What the tests of one file share: a browser, and a server with something in it.

import { after, before } from 'node:test';
import { openPage, settled, startBrowser, startDemo } from './harness.mjs';

/** How far the organisation is over: it goes on working, and what is asked twice must be the same. */
const OVER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** Both are there while the tests of the file run. `start` starts the server, `fill` puts into it what the tests need. */
export function stage({ start = startDemo, fill = async () => {} } = {}) {
  const own = { browser: undefined, server: undefined, range: undefined };
  before(async () => {
    own.browser = await startBrowser();
    own.server = await start();
    await fill(own.server);
    const to = Date.now() - OVER_MS;
    own.range = { from: to - 7 * DAY_MS, to };
  });
  after(async () => {
    await own.browser?.close();
    await own.server?.stop();
  });
  /** A page in the frozen range, in UTC. */
  own.address = (path, more = '') => `${own.server.ui}/${path}?from=${own.range.from}&to=${own.range.to}&tz=utc${more}`;
  own.open = async (path, more) => {
    const opened = await openPage(own.browser, own.address(path, more));
    await settled(opened.page);
    return opened;
  };
  own.api = async (path, parameters = {}) => (await fetch(`${own.server.ui}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
  return own;
}

export const search = (page) => new URL(page.url()).searchParams;
