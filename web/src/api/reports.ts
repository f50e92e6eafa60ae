// The wire types of the named reports. A column says what its figures are counted in, and how parts relate to the whole.

export type Unit = 'usd' | 'currency' | 'tokens' | 'count' | 'ms' | 'seconds' | 'bytes' | 'share' | 'time' | 'text';
export type Parts = 'sum' | 'distinct' | 'mean' | 'greatest' | 'least' | 'other';

export interface DimensionAbout {
  name: string;
  title: string;
  about: string;
}

export interface MeasureAbout {
  name: string;
  title: string;
  about: string;
  unit: Unit;
  parts: Parts;
}

/** What a named report answers, and by what it can be broken down. */
export interface ReportAbout {
  name: string;
  title: string;
  about: string;
  definition: string;
  signals: string[];
  dimensions: DimensionAbout[];
  usual_group_by: string[];
  measures: MeasureAbout[];
}

export interface Catalogue {
  reports: ReportAbout[];
}

export interface ReportColumn extends MeasureAbout {
  kind: 'dimension' | 'measure';
}

export type Cell = string | number | boolean | null;
export type ReportRow = Record<string, Cell | undefined>;

export interface ReportAnswer {
  report: string;
  title: string;
  about: string;
  from_ms: number;
  to_ms: number;
  time_zone: string;
  group_by: string[];
  where: string[];
  columns: ReportColumn[];
  rows: ReportRow[];
  totals: ReportRow;
  truncated: boolean;
  currency: string;
  /** What the ids of the totals have behind `REPORT.MEASURE@`; those of a row begin with `asked_of_rows`. */
  asked: string;
  asked_of_rows: string;
  notes: string[];
  sql: string;
  elapsed_ms: number;
  /** Of which moment it is. */
  as_of_ms: number;
  /** More may have come in since: it was there before the new one is. */
  is_older: boolean;
}

export interface Explanation {
  id: string;
  report: string;
  title: string;
  figure: MeasureAbout;
  value: Cell;
  currency: string;
  definition: string;
  signals: string[];
  time_zone: string;
  from_ms: number;
  to_ms: number;
  where: string[];
  sql: string;
  rows: { count: number; sql: string; columns: string[]; sample: ReportRow[] };
  exclusions: Array<{ what: string; why: string; count: number; narrowed: boolean; sql: string }>;
  settings: Array<{ name: string; value: string }>;
  notes: string[];
  documentation: string;
}
