// Which organisation is asked about, of those that somebody sees. It is the reader's: a link does not hold it.

import { fetchOrganizations } from '../api/access';
import { askAbout } from '../api/client';
import { me } from './me.svelte';

const KEY = 'tallybook.organization';

class Chosen {
  /** Null: all that one sees. */
  name: string | null = $state(null);
  /** Those that one can choose from. */
  offered: string[] = $state.raw([]);
  /** What one is bound to, where that is one. */
  only = $derived(me.current?.organizations?.length === 1 ? me.current.organizations[0]! : null);

  /** Asks for those that there are, and goes on with what was chosen before, if it is among them. */
  async refresh(): Promise<void> {
    const own = me.current?.organizations ?? null;
    this.offered = own ?? (await fetchOrganizations().catch(() => []));
    const before = read();
    this.choose(before !== null && this.offered.length > 1 && this.offered.includes(before) ? before : null);
  }

  choose(name: string | null): void {
    askAbout(name);
    this.name = name;
    write(name);
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Storage can be forbidden; then nothing was chosen.
    return null;
  }
}

function write(name: string | null): void {
  try {
    if (name === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, name);
  } catch {
    // As above.
  }
}

export const organization = new Chosen();
