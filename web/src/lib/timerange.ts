// A time range as people say it and as the URL keeps it: two expressions.
//
//   now            this moment            now-45m       45 minutes ago (m h d w)
//   now/d          start of today         now-1d/d      start of yesterday (d w M)
//   now/q4         start of the quarter of a fiscal year that begins in April; now-1q/q4 of the quarter before
//   now/y4         start of that fiscal year
//   1795132800000  a fixed moment, epoch milliseconds
//
// Relative expressions stay relative in the URL, so a shared link keeps moving.

import { monthsEarlier, monthStart, parseMoment, startOf, type Rounding } from './calendar';

export interface Range {
  from: string;
  to: string;
}

export interface Interval {
  from_ms: number;
  to_ms: number;
}

export const DEFAULT_RANGE: Range = { from: 'now-7d', to: 'now' };

export const PRESETS: ReadonlyArray<{ label: string; range: Range }> = [
  { label: 'Last 15 minutes', range: { from: 'now-15m', to: 'now' } },
  { label: 'Last hour', range: { from: 'now-1h', to: 'now' } },
  { label: 'Last 24 hours', range: { from: 'now-24h', to: 'now' } },
  { label: 'Today', range: { from: 'now/d', to: 'now' } },
  { label: 'Last 7 days', range: { from: 'now-7d', to: 'now' } },
  { label: 'Last 30 days', range: { from: 'now-30d', to: 'now' } },
  { label: 'Last 90 days', range: { from: 'now-90d', to: 'now' } },
  { label: 'This month', range: { from: 'now/M', to: 'now' } },
  { label: 'Last month', range: { from: 'now-1M/M', to: 'now/M' } },
];

/** Quarters and years as finance has them: its year begins with this month, 1 to 12. */
export function fiscalPresets(month: number): ReadonlyArray<{ label: string; range: Range }> {
  return [
    { label: 'This quarter', range: { from: `now/q${month}`, to: 'now' } },
    { label: 'Last quarter', range: { from: `now-1q/q${month}`, to: `now/q${month}` } },
    { label: 'This fiscal year', range: { from: `now/y${month}`, to: 'now' } },
    { label: 'Last fiscal year', range: { from: `now-1y/y${month}`, to: `now/y${month}` } },
  ];
}

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** What has no length of its own, in months. */
const UNIT_MONTHS: Record<string, number> = { M: 1, q: 3, y: 12 };
const UNIT_NAME: Record<string, string> = { m: 'minute', h: 'hour', d: 'day', w: 'week', M: 'month', q: 'quarter', y: 'year' };
const EXPRESSION = /^now(?:-(\d{1,5})([mhdwMqy]))?(?:\/([dwM]|[qy](?:1[0-2]|[1-9])))?$/;
/** The latest moment a Date can hold. */
const LATEST_MS = 8_640_000_000_000_000;

/** The moment an expression means, or null when it is not one. */
export function momentOf(expression: string, now_ms: number, utc: boolean): number | null {
  if (/^\d{1,16}$/.test(expression)) {
    const fixed = Number(expression);
    return fixed <= LATEST_MS ? fixed : null;
  }
  const match = EXPRESSION.exec(expression);
  if (!match) return null;
  const [, amount, unit, rounding] = match;
  // Months are counted from the start of what they are rounded to: the 31st has no day before in a shorter month.
  const start = rounding ? startOf(now_ms, rounding as Rounding, utc) : now_ms;
  if (!amount || !unit) return start;
  const months = UNIT_MONTHS[unit];
  if (months !== undefined) return within(monthsEarlier(start, Number(amount) * months, utc));
  const moment = now_ms - Number(amount) * UNIT_MS[unit]!;
  return rounding ? startOf(moment, rounding as Rounding, utc) : moment;
}

/** A date before all dates is none. */
const within = (ms: number): number | null => (Number.isNaN(ms) ? null : ms);

export function isRange(range: Range): boolean {
  const from = momentOf(range.from, 0, true);
  const to = momentOf(range.to, 0, true);
  if (from === null || to === null) return false;
  // Two fixed moments can be compared for good; with a relative one it depends on the day.
  const fixed = /^\d+$/.test(range.from) && /^\d+$/.test(range.to);
  return !fixed || from < to;
}

/** Both ends in milliseconds; a range that came out empty is widened to one minute. */
export function resolve(range: Range, now_ms: number, utc: boolean): Interval {
  const to_ms = momentOf(range.to, now_ms, utc) ?? now_ms;
  const from_ms = momentOf(range.from, now_ms, utc) ?? to_ms - 7 * UNIT_MS.d!;
  return from_ms < to_ms ? { from_ms, to_ms } : { from_ms: to_ms - UNIT_MS.m!, to_ms };
}

/** Reads free text ("last 45m", "yesterday", "q3 2026", "2026-11-01 to 2026-11-15"); null when it says nothing. */
export function parseRange(text: string, utc: boolean, fiscalMonth = 1): Range | null {
  const said = text.trim().toLowerCase().replace(/\s+/g, ' ');
  return named(said, fiscalMonth) ?? lastAmount(said) ?? fiscal(said, fiscalMonth, utc) ?? between(said, utc);
}

/**
 * The range moved by its own length; -1 is back, 1 is forward. Whole days, weeks, months, quarters and years of the
 * calendar stay whole; all else becomes fixed.
 */
export function shift(range: Range, direction: -1 | 1, now_ms: number, utc: boolean): Range {
  const whole = shiftWhole(range, direction);
  if (whole) return whole;
  const { from_ms, to_ms } = resolve(range, now_ms, utc);
  const move_ms = (to_ms - from_ms) * direction;
  return fixedRange({ from_ms: from_ms + move_ms, to_ms: to_ms + move_ms });
}

/** Two ends that are rounded alike, moved by as many units as are between them; null where they are not, or it would end in the future. */
function shiftWhole(range: Range, direction: -1 | 1): Range | null {
  const [from, to] = [EXPRESSION.exec(range.from), EXPRESSION.exec(range.to)];
  const rounding = from?.[3];
  if (!from || !to || !rounding || to[3] !== rounding) return null;
  const unit = rounding[0]!;
  const amounts = [from, to].map(([, amount, own]) => (amount ? (own === unit ? Number(amount) : NaN) : 0));
  const [first, last] = amounts as [number, number];
  const moved = direction * (first - last);
  if (!(first > last) || last - moved < 0) return null;
  const written = (amount: number) => `now${amount ? `-${amount}${unit}` : ''}/${rounding}`;
  return { from: written(first - moved), to: written(last - moved) };
}

export function fixedRange(interval: Interval): Range {
  return { from: String(Math.round(interval.from_ms)), to: String(Math.round(interval.to_ms)) };
}

/** The words for a relative range, or null for a fixed one: that is shown as two dates. */
export function rangeName(range: Range): string | null {
  const month = Number(/[qy](\d+)$/.exec(range.from)?.[1] ?? 1);
  const preset = [...PRESETS, ...fiscalPresets(month)].find(({ range: r }) => r.from === range.from && r.to === range.to);
  if (preset) return preset.label;
  const name = Object.entries(NAMED).find(([, r]) => r.from === range.from && r.to === range.to);
  if (name) return capital(name[0]);
  const match = EXPRESSION.exec(range.from);
  if (!match?.[1] || !match[2] || match[3] || range.to !== 'now') return null;
  return `Last ${match[1]} ${UNIT_NAME[match[2]]}${match[1] === '1' ? '' : 's'}`;
}

const NAMED: Record<string, Range> = {
  today: { from: 'now/d', to: 'now' },
  yesterday: { from: 'now-1d/d', to: 'now/d' },
  'this week': { from: 'now/w', to: 'now' },
  'last week': { from: 'now-1w/w', to: 'now/w' },
  'this month': { from: 'now/M', to: 'now' },
  'last month': { from: 'now-1M/M', to: 'now/M' },
};

function named(said: string, month: number): Range | null {
  if (Object.hasOwn(NAMED, said)) return { ...NAMED[said]! };
  const fiscal = fiscalPresets(month).find(({ label }) => label.toLowerCase() === said || label.toLowerCase().replace('fiscal ', '') === said);
  return fiscal ? { ...fiscal.range } : null;
}

/** `q3 2026`, `2026 q3`, `fy2026`: a fiscal year is named after the calendar year in which it ends. */
function fiscal(said: string, month: number, utc: boolean): Range | null {
  const match = /^(?:q([1-4]) ?(?:fy)?(\d{4})|(?:fy)?(\d{4}) ?q([1-4])|fy ?(\d{4}))$/.exec(said);
  if (!match) return null;
  const quarter = Number(match[1] ?? match[4] ?? 0);
  const year = Number(match[2] ?? match[3] ?? match[5]) - (month > 1 ? 1 : 0);
  const start = monthStart(year, month - 1 + (quarter ? (quarter - 1) * 3 : 0), utc);
  const end = monthStart(year, month - 1 + (quarter ? quarter * 3 : 12), utc);
  return fixedRange({ from_ms: start, to_ms: end });
}

const AMOUNT = /^(?:the )?(?:last |past )?(\d{1,5}|an?)? ?(m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|months?|quarters?|years?)$/;

function lastAmount(said: string): Range | null {
  const match = AMOUNT.exec(said);
  if (!match?.[2]) return null;
  const amount = match[1] && /\d/.test(match[1]) ? Number(match[1]) : 1;
  // An `m` alone is a minute.
  const unit = match[2].startsWith('mo') ? 'M' : match[2][0]!;
  return amount > 0 ? { from: `now-${amount}${unit}`, to: 'now' } : null;
}

function between(said: string, utc: boolean): Range | null {
  const [first, second, more] = said.split(/ (?:to|until|-|–) /);
  if (!first || more) return null;
  const from = expressionOf(first, utc, 'start');
  const to = expressionOf(second ?? first, utc, 'end');
  return from && to && isRange({ from, to }) ? { from, to } : null;
}

function expressionOf(said: string, utc: boolean, edge: 'start' | 'end'): string | null {
  // "now" alone as a range would be empty; it is only an end.
  if (momentOf(said, 0, true) !== null) return said === 'now' && edge === 'start' ? null : said;
  const moment = parseMoment(said, utc, edge);
  return moment === null ? null : String(moment);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
