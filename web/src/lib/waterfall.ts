// Where the bars of a waterfall stand. A client stamps an event at its end, so a
// bar reaches back by its duration; a bar may therefore start before the prompt
// itself, and a window is made from bars, never from event times alone.

export interface Timed {
  time_ms: number;
  duration_ms?: number | null | undefined;
}

export interface Bar {
  start_ms: number;
  end_ms: number;
  /** No duration: drawn as a mark and not as a bar. */
  point: boolean;
}

/** The stretch of time that the width of the track stands for. */
export interface Window {
  start_ms: number;
  end_ms: number;
}

export interface Place {
  /** Share of the window from its left edge, 0 to 1. */
  left: number;
  width: number;
}

export interface Tick {
  left: number;
  offset_ms: number;
}

export function barsOf(events: ReadonlyArray<Timed>): Bar[] {
  return events.map((event) => {
    const duration_ms = Math.max(0, event.duration_ms ?? 0);
    return { start_ms: event.time_ms - duration_ms, end_ms: event.time_ms, point: duration_ms === 0 };
  });
}

/** The window that holds the bars from `first` to `last`, both included. */
export function windowOf(bars: ReadonlyArray<Bar>, first = 0, last = bars.length - 1): Window {
  let start_ms = Infinity;
  let end_ms = -Infinity;
  for (const bar of bars.slice(Math.max(0, first), last + 1)) {
    start_ms = Math.min(start_ms, bar.start_ms);
    end_ms = Math.max(end_ms, bar.end_ms);
  }
  if (start_ms > end_ms) return { start_ms: 0, end_ms: 1 };
  // A prompt of one instant still needs a width to be drawn in.
  return { start_ms, end_ms: Math.max(end_ms, start_ms + 1) };
}

/** What of a bar lies inside the window. */
export function placeOf(bar: Bar, window: Window): Place {
  const width_ms = window.end_ms - window.start_ms;
  const from = clamp((bar.start_ms - window.start_ms) / width_ms);
  const to = clamp((bar.end_ms - window.start_ms) / width_ms);
  return { left: from, width: to - from };
}

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
];

/** Round offsets from the origin, at most seven of them, so that their labels never touch. */
export function ticksOf(window: Window, origin_ms: number): Tick[] {
  const width_ms = window.end_ms - window.start_ms;
  const step_ms = STEPS_MS.find((step) => width_ms / step <= 6) ?? Math.ceil(width_ms / 6);
  const ticks = [];
  const first_ms = Math.ceil((window.start_ms - origin_ms) / step_ms) * step_ms;
  for (let offset_ms = first_ms; origin_ms + offset_ms <= window.end_ms; offset_ms += step_ms) {
    // Rounding up may give −0.
    ticks.push({ left: (origin_ms + offset_ms - window.start_ms) / width_ms, offset_ms: offset_ms || 0 });
  }
  return ticks;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
