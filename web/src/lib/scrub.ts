// Where on a prompt's time its events are, for the scrubber: as many slots as it has room for.

import type { Row } from './replay';
import type { Window } from './waterfall';

export interface Slot {
  events: number;
  attention: boolean;
}

export function densityOf(rows: ReadonlyArray<Row>, window: Window, room: number): { slots: Slot[]; most: number } {
  const slots: Slot[] = Array.from({ length: room }, () => ({ events: 0, attention: false }));
  let most = 0;
  for (const { event, attention } of rows) {
    const share = (event.time_ms - window.start_ms) / (window.end_ms - window.start_ms);
    const slot = slots[Math.min(room - 1, Math.max(0, Math.floor(share * room)))]!;
    slot.events += 1;
    slot.attention ||= attention;
    most = Math.max(most, slot.events);
  }
  return { slots, most };
}

/** The place of the row that is the nearest to a moment; rows are in the order of time, but for clocks that jumped. */
export function nearestTo(rows: ReadonlyArray<Row>, time_ms: number): number {
  let nearest = -1;
  let distance = Infinity;
  rows.forEach(({ event }, place) => {
    const own = Math.abs(event.time_ms - time_ms);
    if (own < distance) [nearest, distance] = [place, own];
  });
  return nearest;
}
