// The texts and colours a chart needs.

import { clock, day, weekday } from './format';
import { dateParts } from './calendar';

const DAY_MS = 86_400_000;

/** Dates at midnight and on a day-wide axis, clock times between. */
export function axisText(splits: ReadonlyArray<number>, utc: boolean): string[] {
  return splits.map((ms) => {
    const { hour, minute } = dateParts(ms, utc);
    return hour === 0 && minute === 0 ? day(ms, utc) : clock(ms, utc);
  });
}

/** "Fri 20 Nov, 14:00 – 15:00"; a whole day is just its date. */
export function stepText(start_ms: number, step_ms: number, utc: boolean): string {
  if (step_ms >= DAY_MS) return weekday(start_ms, utc);
  return `${weekday(start_ms, utc)}, ${clock(start_ms, utc)} – ${clock(start_ms + step_ms, utc)}`;
}

export interface BarColours {
  bar: string;
  text: string;
  rule: string;
  font: string;
}

/** The theme's colours as the canvas wants them: computed, because it knows no custom properties. */
export function barColours(host: HTMLElement, bad: boolean): BarColours {
  const probe = document.createElement('i');
  host.append(probe);
  const computed = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    bar: computed(bad ? '--vermillion' : '--blue'),
    text: computed('--ink-3'),
    rule: computed('--rule'),
    font: `12px ${getComputedStyle(host).fontFamily}`,
  };
  probe.remove();
  return colours;
}
