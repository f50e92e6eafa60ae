// The answers of a page: one request for all panels that ask the same, and one
// more of the period before while periods are compared.

import { fetchFates, fetchReport, type Query } from '../api/client';
import type { ReportAbout, ReportAnswer } from '../api/reports';
import { askSql, quoted, type SqlAnswer } from '../api/sql';
import type { Ledger } from '../api/types';
import { askingBefore, askingOf, byOf, isCompared, type Asking, type Board, type Panel } from '../boards/board';
import { intervalBefore } from '../lib/compare';
import { Gate } from '../lib/gate';
import { sortOf } from '../lib/sorts';
import { ageOf, intervalOf, panelQuery } from './query';
import { Resource } from './resource.svelte';
import type { Interval } from '../lib/timerange';
import type { ViewState } from './url';

const gate = new Gate(2);
const QUARANTINE_ROWS = 10;

export interface Slot {
  asking: Asking;
  /** What its panels show: nothing else is asked for. */
  figures: Set<string>;
  report: ReportAbout;
  answer: Resource<ReportAnswer>;
  /** The same of the period before; null while nothing is compared. */
  before: Resource<ReportAnswer> | null;
}

export class BoardAnswers {
  /** A chosen breakdown keeps its panel's answer, so that the old rows stay until the new are there. */
  #answers = new Map<string, Resource<ReportAnswer>>();
  /** What each panel asked last. */
  shown: ReadonlyMap<string, Slot> = $state.raw(new Map());
  readonly ledger = new Resource<Ledger>();
  readonly quarantine = new Resource<SqlAnswer>();
  #others: ReadonlyArray<Resource<unknown>> = $state.raw([]);
  /** A page that opens compared waits for both periods; one that is there already keeps what it shows. */
  #opening = $state.raw(true);

  /** For who cannot see it dim: whether figures are on their way, and what came of it. */
  said = $derived.by(() => {
    const all = [...this.shown.values()].map(({ answer }) => answer);
    if (!all.length || all.some(({ loading }) => loading)) return 'Figures are on their way';
    const failed = all.filter(({ error }) => error !== null).length;
    return failed ? `${failed} of ${all.length} panels failed` : 'All figures are there';
  });

  /** Whether a panel has been answered once, well or badly. */
  isAnswered(panel: Panel): boolean {
    if (panel.show === 'fates') return hasCome(this.ledger);
    if (panel.show === 'quarantine') return hasCome(this.quarantine);
    const slot = this.shown.get(panel.id);
    // A report that the server does not know has no panel, and keeps none waiting.
    return !slot || (hasCome(slot.answer) && !(this.#opening && slot.before && !hasCome(slot.before)));
  }

  load(board: Board, reports: ReadonlyArray<ReportAbout>, view: ViewState): void {
    this.#opening = !this.shown.size;
    const slots = new Map<string, Slot>();
    const shown = new Map<string, Slot>();
    for (const panel of board.panels) {
      const report = reports.find(({ name }) => name === panel.report);
      if (!report) continue;
      const asking = askingOf(panel, byOf(panel, view.group, view.people), sortOf(view.sorts, panel.id));
      const key = panel.choices || panel.show === 'table' ? panel.id : JSON.stringify(asking);
      const compared = view.compare && (panel.show === 'table' || board.panels.some((own) => isCompared(own) && JSON.stringify(askingOf(own, own.by)) === key));
      const before = compared ? this.#answer(`${key} before`) : null;
      const slot = slots.get(key) ?? { asking, figures: new Set(), report, answer: this.#answer(key), before };
      for (const name of panel.figures) slot.figures.add(name);
      slots.set(key, slot);
      shown.set(panel.id, slot);
    }
    for (const slot of slots.values()) ask(slot, view);
    this.#others = [...this.#loadOthers(board, view)];
    this.shown = shown;
  }

  cancel(): void {
    for (const answer of [...this.#answers.values(), ...this.#others]) answer.cancel();
  }

  /** What no report says. */
  *#loadOthers(board: Board, view: ViewState): Iterable<Resource<unknown>> {
    if (board.panels.some(({ show }) => show === 'fates')) {
      void this.ledger.load((signal) => gate.pass(signal, () => fetchFates(signal)));
      yield this.ledger;
    }
    if (board.panels.some(({ show }) => show === 'quarantine')) {
      const sql = quarantineSql(intervalOf(view));
      void this.quarantine.load((signal) => gate.pass(signal, () => askSql({ sql, max_rows: QUARANTINE_ROWS }, signal)));
      yield this.quarantine;
    }
  }

  #answer(key: string): Resource<ReportAnswer> {
    const known = this.#answers.get(key) ?? new Resource<ReportAnswer>();
    this.#answers.set(key, known);
    return known;
  }
}

const hasCome = ({ data, error }: Resource<unknown>): boolean => data !== null || error !== null;

function ask({ asking, figures, report, answer, before }: Slot, view: ViewState): void {
  const interval = intervalOf(view);
  const query = panelQuery(view, report, asking, figures, interval);
  load(answer, query, interval);
  if (!before) return;
  const earlier = intervalBefore(interval, view.utc);
  load(before, panelQuery(view, report, askingBefore(asking), figures, earlier), earlier);

  function load(into: Resource<ReportAnswer>, asked: Query, of: Interval) {
    void into.load((signal, mayBeOlder) => gate.pass(signal, () => fetchReport(report.name, { ...asked, ...ageOf(of, mayBeOlder) }, signal)));
  }
}

function quarantineSql({ from_ms, to_ms }: Interval): string {
  const moment = (ms: number) => `TIMESTAMP ${quoted(new Date(ms).toISOString())}`;
  return `SELECT reason, signal, count(*) AS items, max(received_at) AS latest FROM quarantine
WHERE received_at >= ${moment(from_ms)} AND received_at < ${moment(to_ms)}
GROUP BY reason, signal ORDER BY items DESC, reason, signal`;
}
