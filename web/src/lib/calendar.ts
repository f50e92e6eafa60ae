// Calendar arithmetic in UTC or in the browser's zone. Only Date knows when a
// local day starts, so days are never counted as 24 hours here.

/** `q4`, `y4`: the quarter, the year, of a fiscal year that begins in April. */
export type Rounding = 'd' | 'w' | 'M' | `q${number}` | `y${number}`;

/** The start of the day, of the week (Monday), of the month, or of the fiscal quarter or year that holds a moment. */
export function startOf(moment_ms: number, rounding: Rounding, utc: boolean): number {
  const { year, month, day, weekday } = dateParts(moment_ms, utc);
  if (rounding === 'M') return at(year, month, 1, utc);
  if (rounding.length > 1) {
    const length = rounding.startsWith('q') ? 3 : 12;
    const into = (month - (Number(rounding.slice(1)) - 1) + 12) % length;
    return at(year, month - into, 1, utc);
  }
  return at(year, month, rounding === 'w' ? day - ((weekday + 6) % 7) : day, utc);
}

/** The same time of the day, so many days later: a local day may have 23 or 25 hours. */
export function daysLater(moment_ms: number, days: number, utc: boolean): number {
  const date = new Date(moment_ms);
  if (utc) date.setUTCDate(date.getUTCDate() + days);
  else date.setDate(date.getDate() + days);
  return date.getTime();
}

/** The same day and time so many months earlier; the last day of a month that is shorter. */
export function monthsEarlier(moment_ms: number, months: number, utc: boolean): number {
  const { year, month, day } = dateParts(moment_ms, utc);
  const first = at(year, month - months, 1, utc);
  const { year: toYear, month: toMonth } = dateParts(first, utc);
  const last = new Date(Date.UTC(toYear, toMonth + 1, 0)).getUTCDate();
  const into_ms = moment_ms - at(year, month, day, utc);
  return at(toYear, toMonth, Math.min(day, last), utc) + into_ms;
}

/** The first moment of a month, counted from 0; one beyond 11 is of a later year. */
export const monthStart = (year: number, month: number, utc: boolean): number => at(year, month, 1, utc);

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})(?:[t ](\d{2}):(\d{2})(?::(\d{2}))?(z)?)?$/;

/** Reads `2026-11-20`, `2026-11-20 14:03[:22]`, either with a `T`, a `Z` forcing UTC. */
export function parseMoment(said: string, utc: boolean, edge: 'start' | 'end'): number | null {
  const match = MOMENT.exec(said.trim().toLowerCase());
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  if (!isDate(year!, month!, day!) || hour! > 23 || minute! > 59 || second! > 59) return null;
  const wholeDay = match[4] === undefined;
  // A whole day as an end means up to its last moment: the start of the day after.
  const lastDay = wholeDay && edge === 'end' ? day! + 1 : day!;
  return at(year!, month! - 1, lastDay, utc || match[7] === 'z', hour, minute, second);
}

/** `2026-11-20T14:03`, as a datetime-local field wants it. */
export function fieldValue(moment_ms: number, utc: boolean): string {
  const { year, month, day, hour, minute } = dateParts(moment_ms, utc);
  return `${year}-${two(month + 1)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function at(year: number, month: number, day: number, utc: boolean, hour = 0, minute = 0, second = 0): number {
  return utc
    ? Date.UTC(year, month, day, hour, minute, second)
    : new Date(year, month, day, hour, minute, second).getTime();
}

interface DateParts {
  year: number;
  month: number;
  day: number;
  weekday: number;
  hour: number;
  minute: number;
}

export function dateParts(moment_ms: number, utc: boolean): DateParts {
  const date = new Date(moment_ms);
  if (!utc) {
    return {
      year: date.getFullYear(),
      month: date.getMonth(),
      day: date.getDate(),
      weekday: date.getDay(),
      hour: date.getHours(),
      minute: date.getMinutes(),
    };
  }
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
