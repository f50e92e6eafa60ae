// A list that grows downwards: the newest page first, older ones on demand.

import { Resource } from './resource.svelte';

export interface Page<T> {
  rows: T[];
  next_before_ms?: number | null | undefined;
}

type Fetcher<T> = (before_ms: number | undefined, signal: AbortSignal) => Promise<Page<T>>;

export class Paged<T> {
  readonly resource = new Resource<Page<T>>();
  loadingOlder = $state(false);
  #fetch: Fetcher<T> | null = null;

  load(fetch: Fetcher<T>): Promise<void> {
    this.#fetch = fetch;
    this.loadingOlder = false;
    return this.resource.load((signal) => fetch(undefined, signal));
  }

  async older(): Promise<void> {
    const shown = this.resource.data;
    const fetch = this.#fetch;
    if (!fetch || !shown || shown.next_before_ms == null || this.loadingOlder) return;
    this.loadingOlder = true;
    const before_ms = shown.next_before_ms;
    await this.resource.load(async (signal) => {
      const page = await fetch(before_ms, signal);
      return { rows: [...shown.rows, ...page.rows], next_before_ms: page.next_before_ms };
    }, true);
    this.loadingOlder = false;
  }
}
