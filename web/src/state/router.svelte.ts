// The current view, read from the address bar and written back to it. Every
// page reads `router.route` and `router.view`; nothing else keeps view state.

import { OF_ONE_PAGE, readRoute, readView, writeRoute, writeView, type Filters, type Route, type ViewState } from './url';

export type Change = Partial<ViewState>;

class Router {
  route: Route = $state.raw(readRoute(location.pathname));
  view: ViewState = $state.raw(readView(location.search));

  constructor() {
    // The browser restores before the page's data is there; `returnTo` waits for it.
    history.scrollRestoration = 'manual';
    addEventListener('popstate', (event) => {
      this.#read();
      returnTo(Number((event.state as { y?: number } | null)?.y ?? 0));
    });
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** Goes to another page. Range, zone, comparison and the named filters stay; what belongs to one page does not. */
  go(route: Route, filters: Filters = carried(this.view.filters)): void {
    this.#write(this.href(route, { filters }));
  }

  /** Changes the view of this page; `replace` for changes nobody wants to go back through. */
  set(change: Change, replace = false): void {
    const next = { ...this.view, ...change };
    this.#write(writeRoute(this.route) + writeView(next), replace);
  }

  /** Goes where one of our own links leads. */
  follow(href: string): void {
    this.#write(href);
  }

  href(route: Route, change: Change = {}): string {
    const { range, utc, compare, filters } = this.view;
    const base = { range, utc, compare, filters: carried(filters), ...OF_ONE_PAGE };
    return writeRoute(route) + writeView({ ...base, ...change });
  }

  #write(href: string, replace = false): void {
    if (replace) {
      history.replaceState(history.state, '', href);
    } else {
      history.replaceState({ y: scrollY }, '');
      history.pushState(null, '', href);
    }
    const before = this.route;
    this.#read();
    if (!replace && !sameRoute(before, this.route)) scrollTo(0, 0);
  }

  #read(): void {
    const route = readRoute(location.pathname);
    // The same page keeps its object, so that a filter change does not build it anew.
    if (!sameRoute(route, this.route)) this.route = route;
    this.view = readView(location.search);
  }

  /** Plain clicks on our own links stay in the page; modified ones are the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
    if (link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    this.#write(link.pathname + link.search);
  }
}

const RETURN_MS = 1500;

/** Scrolls back to where the reader was, once the page has grown that long again. */
function returnTo(y: number): void {
  const deadline = performance.now() + RETURN_MS;
  const attempt = () => {
    const reachable = document.documentElement.scrollHeight - innerHeight >= y;
    if (reachable) scrollTo(0, y);
    else if (performance.now() < deadline) requestAnimationFrame(attempt);
  };
  requestAnimationFrame(attempt);
}

function sameRoute(a: Route, b: Route): boolean {
  return writeRoute(a) === writeRoute(b) && a.page === b.page;
}

/** Tool and errors only filter prompts; carried to another page they would filter nothing, unseen. */
function carried(filters: Filters): Filters {
  const { person, product, model } = filters;
  return { person, product, model };
}

export const router = new Router();
