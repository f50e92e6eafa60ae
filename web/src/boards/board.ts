// A page as a description: what each of its panels asks of which report, and how
// it is shown. It names figures and never defines one: the catalogue does.

import type { ReportAbout } from '../api/reports';

export type Show = 'figures' | 'course' | 'table' | 'hours' | 'spread' | 'flow' | 'fates' | 'quarantine';
export type Width = 'whole' | 'two-thirds' | 'half' | 'third';

export interface Panel {
  /** Tells it from the other panels of its page. */
  id: string;
  title: string;
  /** What a reader should know before the figures. */
  about?: string;
  show: Show;
  width: Width;
  /** The report that answers; panels that ask the same share one request. */
  report: string;
  by: ReadonlyArray<string>;
  /** By what else the reader may break it down; the first is `by`. The address holds the choice. */
  choices?: ReadonlyArray<string>;
  /** How it is broken down where people are told apart, because the reader asked. */
  named?: ReadonlyArray<string>;
  /** The figures that are shown, in this order. Of a course the first are bars, the others lines. */
  figures: ReadonlyArray<string>;
  /** Conditions that make the panel what it is. */
  where?: ReadonlyArray<string>;
  /** The column it is sorted by, with a `-` before it for the greatest first. */
  order?: string;
  /** Rows of a table at most; the report has the rest. */
  rows?: number;
}

export interface Board {
  name: string;
  title: string;
  about: string;
  panels: ReadonlyArray<Panel>;
  /** What can be broken down by person, and is not unless the reader asks: people are not to be ranked by default. */
  people?: string;
}

const TABLE_ROWS = 10;
/** Days of more than five years. */
const COURSE_ROWS = 2000;

/** What a panel asks beside the view: panels with the same are answered by one request. */
export interface Asking {
  report: string;
  by: ReadonlyArray<string>;
  where: ReadonlyArray<string>;
  order: string | undefined;
  limit: number;
}

/** A board has one panel whose breakdown is chosen; another's choice is none of this one. */
export function byOf(panel: Panel, group: string | null, people: boolean): ReadonlyArray<string> {
  if (people && panel.named) return panel.named;
  const chosen = choicesOf(panel, people).find((name) => name === group);
  return chosen === undefined ? panel.by : [chosen];
}

/** People are among the choices only when the reader asked for them. */
export function choicesOf(panel: Panel, people: boolean): ReadonlyArray<string> {
  const choices = panel.choices ?? [];
  return people && choices.length ? [...choices, 'person'] : choices;
}

/** `sorted` is how the reader sorts it; without it as usual. */
export function askingOf(panel: Panel, by: ReadonlyArray<string>, sorted: string | null = null): Asking {
  const { report, where = [], rows = TABLE_ROWS } = panel;
  // A column that another breakdown has cannot be sorted by.
  const column = sorted?.replace('-', '') ?? '';
  const order = panel.figures.includes(column) || by.includes(column) ? (sorted ?? undefined) : panel.order;
  return { report, by, where, order, limit: panel.show === 'table' ? rows : COURSE_ROWS };
}

/** What is compared with the period before: single figures, courses over time, and the rows of tables. */
export function isCompared(panel: Panel): boolean {
  return panel.show === 'figures' || panel.show === 'course' || panel.show === 'table';
}

/** The figures of unpriced requests come with a note, which takes a line of its own. */
const NOTED = 'unpriced_requests';

/** Whether a panel takes the same room with an answer as without: what is below it need not wait for it. */
export function hasOwnRoom(panel: Panel, report: Pick<ReportAbout, 'measures'>): boolean {
  if (panel.show === 'figures') return !report.measures.some(({ name }) => name === NOTED);
  return panel.show === 'course';
}

/**
 * The panels that can be shown without moving when others come: those above the first that is not answered and whose room is
 * not known. `waiting`: there are more.
 */
export function inPlace(panels: ReadonlyArray<Panel>, isAnswered: (panel: Panel) => boolean, reportOf: (panel: Panel) => Pick<ReportAbout, 'measures'> | undefined) {
  const first = panels.findIndex((panel) => {
    const report = reportOf(panel);
    return !isAnswered(panel) && !(report && hasOwnRoom(panel, report));
  });
  return first < 0 ? { shown: panels, waiting: false } : { shown: panels.slice(0, first), waiting: true };
}

/** The same of the period before: its rows are looked up by name, so that the first of then are not enough. */
export const askingBefore = (asking: Asking): Asking => ({ ...asking, order: undefined, limit: COURSE_ROWS });
