// `j` and `k` go through the rows of a list; Enter opens the one that has the focus, as with any link.

import { shortcuts } from './shortcuts';

/** Until the returned function is called. */
export function listKeys(host: () => HTMLElement | undefined): () => void {
  const step = (by: 1 | -1) => {
    const links = [...(host()?.querySelectorAll<HTMLElement>('tbody a.cover') ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  return shortcuts.add({ j: () => step(1), k: () => step(-1) });
}
