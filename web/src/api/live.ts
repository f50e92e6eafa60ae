// The live stream. EventSource reconnects by itself; this only turns its three
// callbacks into typed ones.

import { queryString, type Query } from './client';
import type { LiveItem } from './types';

export interface LiveHandlers {
  item: (item: LiveItem) => void;
  /** Events the server left out because this reader was too slow. */
  skipped: (count: number) => void;
  connected: (yes: boolean) => void;
}

/** Opens the stream of what passes the filters and returns the function that closes it. */
export function openLive(filters: Query, handlers: LiveHandlers): () => void {
  const source = new EventSource(`/api/v1/live${queryString(filters)}`);
  source.addEventListener('open', () => handlers.connected(true));
  source.addEventListener('error', () => handlers.connected(false));
  source.addEventListener('item', (message) => {
    const item = parsed<LiveItem>(message);
    if (item) handlers.item(item);
  });
  source.addEventListener('skipped', (message) => {
    const skipped = parsed<{ count: number }>(message);
    if (skipped) handlers.skipped(skipped.count);
  });
  return () => source.close();
}

function parsed<T>(message: MessageEvent): T | null {
  try {
    return JSON.parse(String(message.data)) as T;
  } catch {
    // One unreadable line must not end the stream.
    return null;
  }
}
