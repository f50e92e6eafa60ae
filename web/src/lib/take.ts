// A report's answer for elsewhere: its times are those of the page, frozen.

import { addressed, reportPath } from '../api/client';
import type { ReportAnswer } from '../api/reports';

export const FORMATS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['parquet', 'Parquet'],
] as const;

export function takePath(answer: ReportAnswer, order: string | null, format: string): string {
  const { from_ms: from, to_ms: to, time_zone, group_by, where } = answer;
  return addressed(reportPath(answer.report), { from, to, time_zone, group_by: group_by.join() || 'none', where, order_by: order ?? undefined, format });
}

/** Single quotes: a shell takes what is between them as it is. */
export const takeCurl = (answer: ReportAnswer, order: string | null) => `curl '${(location.origin + takePath(answer, order, 'csv')).replaceAll("'", '%27')}'`;
