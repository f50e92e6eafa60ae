// Numbers and times as text. One locale for all, because the words around them
// are English; figures in one column share their number of decimals.

const NUMBER = new Intl.NumberFormat('en-US');

export function count(value: number): string {
  return NUMBER.format(Math.round(value));
}

/** 950, 1.2k, 311.9k, 4.2M: three or four significant figures. */
export function compact(value: number): string {
  if (Math.abs(value) < 1000) return count(value);
  const units = ['k', 'M', 'G', 'T'];
  let scaled = value / 1000;
  let unit = 0;
  // 999.95k would print as 1000.0k.
  while (Math.abs(scaled) >= 999.95 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled.toFixed(1)}${units[unit]}`;
}

/** Decimals that keep the smallest amounts of a column readable. */
export function usdDigits(values: ReadonlyArray<number>): number {
  return Math.max(0, ...values.map(Math.abs)) >= 10 ? 2 : 4;
}

export function usd(value: number, digits = usdDigits([value])): string {
  const smallest = 10 ** -digits;
  if (value > 0 && value < smallest / 2) return `<$${smallest.toFixed(digits)}`;
  const text = Math.abs(value).toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${value < 0 ? '−' : ''}$${text}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago, coarsely: "just now", "4 m ago", "3 d ago". */
export function ago(moment_ms: number, now_ms: number): string {
  const seconds = Math.max(0, (now_ms - moment_ms) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

export interface Change {
  direction: 'up' | 'down' | 'same';
  text: string;
}

/** Against the period before; null when both are nothing and there is nothing to say. */
export function change(current: number, previous: number): Change | null {
  if (current === previous) return current === 0 ? null : { direction: 'same', text: '0%' };
  const direction = current > previous ? 'up' : 'down';
  if (previous === 0) return { direction, text: 'new' };
  const ratio = (current - previous) / Math.abs(previous);
  if (ratio >= 9.995) return { direction, text: `×${count(current / previous)}` };
  const points = Math.abs(ratio * 100);
  return { direction, text: points < 1 ? '<1%' : `${Math.round(points)}%` };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Intl formatters are dear to make, and a list asks for thousands of times. */
function format(options: Intl.DateTimeFormatOptions, utc: boolean): Intl.DateTimeFormat {
  const key = `${utc}${JSON.stringify(options)}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-GB', { ...options, ...(utc ? { timeZone: 'UTC' } : {}) });
  formats.set(key, made);
  return made;
}

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const DAY = { day: 'numeric', month: 'short' } as const;

/** 14:03 */
export const clock = (ms: number, utc: boolean) => format(CLOCK, utc).format(ms);
/** 14:03:22 */
export const clockSeconds = (ms: number, utc: boolean) => format({ ...CLOCK, second: '2-digit' }, utc).format(ms);
/** 20 Nov */
export const day = (ms: number, utc: boolean) => format(DAY, utc).format(ms);
/** Fri 20 Nov */
export const weekday = (ms: number, utc: boolean) => format({ ...DAY, weekday: 'short' }, utc).format(ms).replace(',', '');
/** 20 Nov, 14:03 */
export const dayClock = (ms: number, utc: boolean) => `${day(ms, utc)}, ${clock(ms, utc)}`;
/** 20 Nov 2026, 14:03:22 */
export const moment = (ms: number, utc: boolean) =>
  `${format({ ...DAY, year: 'numeric' }, utc).format(ms)}, ${clockSeconds(ms, utc)}`;

/** 20 Nov 2026, 14:03:22 in a zone by its name; in UTC, and saying so, where the browser does not know it. */
export function momentIn(ms: number, timeZone: string): string {
  return inZone(ms, timeZone, { second: '2-digit' });
}

/** The same to the minute. */
export function wallIn(ms: number, timeZone: string): string {
  return inZone(ms, timeZone, {});
}

function inZone(ms: number, timeZone: string, more: Intl.DateTimeFormatOptions): string {
  try {
    return new Intl.DateTimeFormat('en-GB', { ...DAY, ...CLOCK, year: 'numeric', ...more, timeZone }).format(ms);
  } catch {
    return `${moment(ms, true)} UTC`;
  }
}

/** The zone a reader should have in mind: "UTC" or "UTC+1". */
export function zone(ms: number, utc: boolean): string {
  const minutes = utc ? 0 : -new Date(ms).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes > 0 ? '+' : '−'}${hours}${rest ? `:${two(rest)}` : ''}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
