// What a report's answer means to the page: ids of its figures, its course over
// time, its hours of the week. The same rules as the command line's.

import type { Cell, MeasureAbout, ReportAbout, ReportAnswer, ReportColumn, ReportRow } from '../api/reports';
import type { FilterName, Filters } from '../state/url';

/** A value as it stands in an id: separators and control characters are percent-encoded. */
export function encodeValue(value: string): string {
  return value.replace(/[%,\u0000-\u001f\u007f]/g, (symbol) => `%${symbol.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** The id of a total. */
export function totalId(answer: Pick<ReportAnswer, 'report' | 'asked'>, measure: string): string {
  return `${answer.report}.${measure}@${answer.asked}`;
}

/** The id of a figure in a row. */
export function cellId(
  answer: Pick<ReportAnswer, 'report' | 'asked_of_rows' | 'group_by'>,
  measure: string,
  row: ReportRow,
): string {
  const terms = answer.group_by.map((name) => `,${name}=${encodeValue(valueText(row[name]))}`);
  return `${answer.report}.${measure}@${answer.asked_of_rows}${terms.join('')}`;
}

/** A value as conditions have it: nothing is empty. */
export function valueText(value: Cell | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

/** Which figure of which report a figure of the overview is. */
const OVERVIEW = {
  cost: 'cost.cost_usd',
  requests: 'cost.requests',
  tokens: 'tokens.tokens',
  prompts: 'prompts.prompts',
  sessions: 'sessions.sessions',
  tool_calls: 'tools.calls',
  errors: 'errors.failed_requests',
} as const;
export type OverviewFigure = keyof typeof OVERVIEW;

/** Requests name a model; what is not made of requests has another meaning under that filter than its report has. */
const OF_REQUESTS: ReadonlySet<OverviewFigure> = new Set(['cost', 'requests', 'tokens', 'errors']);

export function overviewId(figure: OverviewFigure, from_ms: number, to_ms: number, filters: Filters): string | null {
  if (filters.model !== undefined && !OF_REQUESTS.has(figure)) return null;
  const terms = (['person', 'product', 'model'] as const).flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [`,${name}=${encodeValue(value)}`];
  });
  return `${OVERVIEW[figure]}@${new Date(from_ms).toISOString()}..${new Date(to_ms).toISOString()}${terms.join('')}`;
}

/** The dimension of a report that a filter of the page is, if it has one. */
export function dimensionOf(report: ReportAbout, filter: FilterName): string | null {
  const names = filter === 'tool' ? ['tool', 'tool_name'] : [filter];
  return report.dimensions.find((dimension) => names.includes(dimension.name))?.name ?? null;
}

/** By what a report is broken down when nothing is said: people are told apart only where the reader asks. */
export function usualOf(report: ReportAbout, people: boolean): ReadonlyArray<string> {
  if (people || !report.usual_group_by.includes('person')) return report.usual_group_by;
  const others = report.usual_group_by.filter((name) => name !== 'person');
  if (others.length) return others;
  return report.dimensions.some(({ name }) => name === 'team') ? ['team'] : [];
}

export interface Condition {
  dimension: string;
  is: boolean;
  value: string;
}

export function readCondition(text: string): Condition {
  const at = text.indexOf('=');
  const is = text[at - 1] !== '!';
  return { dimension: text.slice(0, is ? at : at - 1), is, value: text.slice(at + 1) };
}

export function writeCondition({ dimension, is, value }: Condition): string {
  return `${dimension}${is ? '=' : '!='}${value}`;
}

/** The conditions with one more; its opposite is dropped, and the same one is there once. */
export function withCondition(where: ReadonlyArray<string>, condition: Condition): string[] {
  const opposite = writeCondition({ ...condition, is: !condition.is });
  const added = writeCondition(condition);
  return [...where.filter((text) => text !== opposite && text !== added), added];
}

const SECTIONS: ReadonlyArray<{ title: string; names: ReadonlyArray<string> }> = [
  { title: 'Money', names: ['cost', 'tokens', 'reconciliation'] },
  { title: 'Use', names: ['people', 'adoption', 'retention', 'activity', 'sessions', 'prompts', 'workspaces'] },
  { title: 'Work', names: ['productivity', 'tools', 'permissions', 'connectors', 'skills', 'findings'] },
  { title: 'Health', names: ['errors', 'performance', 'durations', 'coverage'] },
];

/** The reports under headings; one that no heading knows is under the last. */
export function sectionsOf(reports: ReadonlyArray<ReportAbout>): Array<{ title: string; reports: ReportAbout[] }> {
  const known = SECTIONS.map(({ title, names }) => ({
    title,
    reports: names.flatMap((name) => reports.filter((report) => report.name === name)),
  }));
  const placed = new Set(SECTIONS.flatMap(({ names }) => names));
  const more = { title: 'More', reports: reports.filter((report) => !placed.has(report.name)) };
  return [...known, more].filter((section) => section.reports.length);
}

const STEPS = { day: 86_400_000, week: 604_800_000, month: 2_592_000_000 } as const;

export interface Course {
  time_ms: number[];
  values: number[];
  step_ms: number;
}

/** The course of a figure over time; null when the rows are not by time, are not all there, or cannot be added up. */
export function courseOf(answer: ReportAnswer, measure: MeasureAbout, utc: boolean): Course | null {
  const by = answer.group_by.find((name): name is keyof typeof STEPS => Object.hasOwn(STEPS, name));
  if (!by || answer.truncated || (answer.group_by.length > 1 && measure.parts !== 'sum')) return null;
  const sums = new Map<number, number>();
  for (const row of answer.rows) {
    const start_ms = startOfStep(valueText(row[by]), utc);
    const value = row[measure.name];
    if (start_ms !== null && typeof value === 'number') sums.set(start_ms, (sums.get(start_ms) ?? 0) + value);
  }
  const time_ms = [...sums.keys()].sort((a, b) => a - b);
  return { time_ms, values: time_ms.map((start_ms) => sums.get(start_ms)!), step_ms: STEPS[by] };
}

function startOfStep(text: string, utc: boolean): number | null {
  const match = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(text);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3] ?? 1)];
  return utc ? Date.UTC(year, month, day) : new Date(year, month, day).getTime();
}

/** The hours of the week, Monday first: a figure for each hour of each day; null when the rows are not by both. */
export function hoursOf(answer: ReportAnswer, measure: MeasureAbout): Array<Array<number | null>> | null {
  const by = [...answer.group_by].sort().join();
  if (by !== 'hour,weekday') return null;
  const week: Array<Array<number | null>> = Array.from({ length: 7 }, () => Array<number | null>(24).fill(null));
  for (const row of answer.rows) {
    const day = week[Number(row['weekday']) - 1];
    const hour = Number(row['hour']);
    const value = row[measure.name];
    if (day && hour in day && typeof value === 'number') day[hour] = value;
  }
  return week;
}

/** What can be drawn: figures that are numbers. */
export function drawable(columns: ReadonlyArray<ReportColumn>): ReportColumn[] {
  return columns.filter((column) => column.kind === 'measure' && column.unit !== 'text' && column.unit !== 'time');
}

/** The order after a click on a column's head: the greatest first, then the least, then as usual. */
export function nextOrder(order: string | null, column: ReportColumn): string | null {
  const [first, second] = column.kind === 'measure' ? [`-${column.name}`, column.name] : [column.name, `-${column.name}`];
  if (order === first) return second!;
  return order === second ? null : first!;
}
