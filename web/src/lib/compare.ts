// The period before: as long as the shown one, and of the same weekdays where it
// is of days. A week that has a Saturday more is no measure of anything.

import type { MeasureAbout, ReportAnswer } from '../api/reports';
import { daysLater, startOf } from './calendar';
import { courseOf, type Course } from './reports';
import type { Interval } from './timerange';

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
/** A day of which an hour is given to summer time is a day. */
const SLACK_MS = 2 * 3_600_000;

/** Whole weeks back for what is of days, else its own length. */
export function intervalBefore({ from_ms, to_ms }: Interval, utc: boolean): Interval {
  const days = daysBack({ from_ms, to_ms }, utc);
  if (days === 0) return { from_ms: from_ms - (to_ms - from_ms), to_ms: from_ms };
  return { from_ms: daysLater(from_ms, -days, utc), to_ms: daysLater(to_ms, -days, utc) };
}

/** How many days back the period before lies; 0 when it simply ends where this one begins. */
export function daysBack({ from_ms, to_ms }: Interval, utc: boolean): number {
  const length_ms = to_ms - from_ms;
  const startsWithDay = startOf(from_ms, 'd', utc) === from_ms;
  if (length_ms < DAY_MS - SLACK_MS && !startsWithDay) return 0;
  const days = WEEK_DAYS * Math.max(1, Math.ceil((length_ms - SLACK_MS) / (WEEK_DAYS * DAY_MS)));
  // A few minutes more than whole weeks would lie in both periods.
  return daysLater(to_ms, -days, utc) > from_ms ? days + WEEK_DAYS : days;
}

/** The figures of the period before, each under the step of this one that it is compared with; null where there is none. */
export function alignedBefore(time_ms: ReadonlyArray<number>, before: { time_ms: number[]; values: number[] }, interval: Interval, utc: boolean): Array<number | null> {
  const days = daysBack(interval, utc);
  const values = new Map(before.time_ms.map((start_ms, place) => [start_ms, before.values[place]!]));
  const back = (start_ms: number) => (days ? daysLater(start_ms, -days, utc) : start_ms - (interval.to_ms - interval.from_ms));
  return time_ms.map((start_ms) => values.get(back(start_ms)) ?? null);
}

/** What it is called where it is drawn. */
export const BEFORE = 'The period before';

/** The period before of a figure's course, as a line over it; none where nothing is compared. */
export function compared(course: Course, answer: ReportAnswer, earlier: ReportAnswer | null, measure: MeasureAbout, utc: boolean): Array<{ label: string; values: Array<number | null>; before: true }> {
  const before = earlier ? courseOf(earlier, measure, utc) : null;
  return before ? [{ label: BEFORE, values: alignedBefore(course.time_ms, before, answer, utc), before: true }] : [];
}
