// The server's own state: is it there, is it a demo, has anything arrived yet.

import { ApiError, fetchStatus } from '../api/client';
import { loadDemo, removeDemo } from '../api/demo';
import type { DemoStanding, Status } from '../api/types';

const BUSY_MS = 400;
const WAITING_MS = 2_000;
const SETTLED_MS = 30_000;

/** It changes by itself. */
const isBusy = (demo: DemoStanding | null) => demo?.state === 'loading' || demo?.state === 'removing';

class ServerStatus {
  current: Status | null = $state.raw(null);
  reachable = $state(true);
  demo = $derived(this.current?.demo_data ?? null);
  /** Nothing was ever received: the pages show what to paste where. */
  empty = $derived(
    // Who is bound to some organisations is told neither when something came nor how much there is.
    this.current !== null && (this.demo?.state === 'loading' || (this.current.parts !== null && this.current.last_received_ms === null)),
  );
  /** Grows when all that pages show may be of another kind: example data has come or gone. */
  epoch = $state(0);
  /** Why example data was neither loaded nor removed. */
  refused: ApiError | null = $state.raw(null);
  #wake: () => void = () => {};

  /** Polls quickly while the first event is awaited and seldom after; returns the stop. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const ask = async () => {
      clearTimeout(timer);
      if (!document.hidden) await this.refresh();
      if (!stopped) timer = setTimeout(ask, isBusy(this.demo) ? BUSY_MS : this.empty || !this.reachable ? WAITING_MS : SETTLED_MS);
    };
    this.#wake = () => void ask();
    void ask();
    return () => {
      stopped = true;
      this.#wake = () => {};
      clearTimeout(timer);
    };
  }

  async refresh(): Promise<void> {
    try {
      const before = this.demo;
      this.current = await fetchStatus();
      this.reachable = true;
      if (before && before.state !== this.demo?.state && !isBusy(this.demo)) this.epoch += 1;
    } catch (cause) {
      // Who is refused has reached it.
      this.reachable = cause instanceof ApiError && cause.status !== 0;
    }
  }

  loadDemo(): Promise<void> {
    return this.#change(loadDemo);
  }

  removeDemo(): Promise<void> {
    return this.#change(removeDemo);
  }

  async #change(act: () => Promise<DemoStanding>): Promise<void> {
    this.refused = null;
    try {
      const demo_data = await act();
      if (this.current) this.current = { ...this.current, demo_data };
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      this.refused = cause;
    }
    this.#wake();
  }
}

export const server = new ServerStatus();
