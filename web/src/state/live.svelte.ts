// The newest events, newest first. Events are taken in once a frame, held back
// while the reader looks at something, and capped: a busy fleet sends more than
// anyone reads, and what is dropped is counted and said.

import type { Query } from '../api/client';
import { openLive } from '../api/live';
import type { LiveItem } from '../api/types';

export const ROWS_MAX = 400;

export interface LiveRow extends LiveItem {
  key: number;
}

export class LiveFeed {
  rows: LiveRow[] = $state.raw([]);
  connected = $state(false);
  skipped = $state(0);
  received = $state(0);
  waiting = $state(0);

  #paused = false;
  #arrived: LiveRow[] = [];
  #frame = 0;
  #key = 0;

  /** What came under other filters is gone: a list of both would be neither. */
  open(filters: Query): () => void {
    [this.rows, this.#arrived, this.skipped, this.received, this.waiting, this.connected] = [[], [], 0, 0, 0, false];
    const close = openLive(filters, {
      item: (item) => this.take(item),
      skipped: (count) => (this.skipped += count),
      connected: (yes) => (this.connected = yes),
    });
    return () => {
      cancelAnimationFrame(this.#frame);
      close();
    };
  }

  take(item: LiveItem): void {
    this.#arrived.push({ ...item, key: (this.#key += 1) });
    if (this.#arrived.length > ROWS_MAX) {
      this.#arrived.shift();
      this.skipped += 1;
    }
    this.#frame ||= requestAnimationFrame(() => this.#settle());
  }

  pause(yes: boolean): void {
    this.#paused = yes;
    this.#settle();
  }

  #settle(): void {
    this.#frame = 0;
    if (!this.#paused && this.#arrived.length) {
      this.received += this.#arrived.length;
      this.rows = [...this.#arrived.reverse(), ...this.rows].slice(0, ROWS_MAX);
      this.#arrived = [];
    }
    this.waiting = this.#arrived.length;
  }
}
