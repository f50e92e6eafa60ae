// The server's own state: is it there, is it a demo, has anything arrived yet.

import { ApiError, fetchStatus } from '../api/client';
import type { Status } from '../api/types';

const WAITING_MS = 2_000;
const SETTLED_MS = 30_000;

class ServerStatus {
  current: Status | null = $state.raw(null);
  reachable = $state(true);
  /** Nothing was ever received: the pages show what to paste where. */
  empty = $derived(this.current !== null && this.current.last_received_ms === null);

  /** Polls quickly while the first event is awaited and seldom after; returns the stop. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const ask = async () => {
      if (!document.hidden) await this.refresh();
      if (!stopped) timer = setTimeout(ask, this.empty || !this.reachable ? WAITING_MS : SETTLED_MS);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  async refresh(): Promise<void> {
    try {
      this.current = await fetchStatus();
      this.reachable = true;
    } catch (cause) {
      // Who is refused has reached it.
      this.reachable = cause instanceof ApiError && cause.status !== 0;
    }
  }
}

export const server = new ServerStatus();
