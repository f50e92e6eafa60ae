// Who looks at the page, and what they may.

import { fetchMe, setUp, signIn, signOut } from '../api/access';
import { onSignedOut } from '../api/client';
import type { Me, Permission } from '../api/accesstypes';
import { NEEDS, OF_ALL } from '../lib/permissions';
import type { Route } from './url';

class Myself {
  current: Me | null = $state.raw(null);
  /** Nobody is signed in, and somebody must be. */
  isStranger = $derived(this.current !== null && !this.current.signed_in);
  /** Anybody on the machine may do everything. */
  isOpen = $derived(this.current?.access === 'open');
  /** They see some organisations, not all. */
  isBound = $derived((this.current?.organizations ?? null) !== null);

  constructor() {
    onSignedOut(() => void this.refresh());
  }

  /** Until it is known who looks, everything is offered: the server refuses what may not be. */
  may(permission: Permission | ReadonlyArray<Permission> | null): boolean {
    const { current } = this;
    return permission === null || current === null || [permission].flat().some((one) => current.permissions.includes(one as Permission));
  }

  /** Whether a page is for whoever looks. */
  reaches(page: Route['page']): boolean {
    return this.may(NEEDS[page]) && !(OF_ALL.has(page) && this.isBound);
  }

  async refresh(): Promise<void> {
    // When the server is away, that is said elsewhere.
    this.current = await fetchMe().catch(() => this.current);
  }

  async signIn(name: string, password: string): Promise<void> {
    this.current = await signIn(name, password);
  }

  async setUp(token: string, name: string, password: string): Promise<void> {
    this.current = await setUp(token, name, password);
  }

  async signOut(): Promise<void> {
    const provider = await signOut();
    if (provider) location.assign(provider.to);
    else await this.refresh();
  }
}

export const me = new Myself();
