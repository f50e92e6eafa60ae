// Any question, asked and answered.

import { addressed, answerOf, get } from './client';

export interface Question {
  sql: string;
  max_rows?: number;
}

export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };
export type SqlRow = Record<string, Value>;

export interface SqlAnswer {
  rows: SqlRow[];
  /** There were more rows than were asked for. */
  truncated: boolean;
  elapsed_ms: number;
}

export interface ViewAbout {
  name: string;
  about: string;
  columns: Array<{ name: string; type: string }>;
}

export const QUERY_PATH = '/api/v1/query';

export const fetchViews = async (signal?: AbortSignal) => (await get<{ views: ViewAbout[] }>('/api/v1/views', {}, signal)).views;

export async function askSql(question: Question, signal?: AbortSignal): Promise<SqlAnswer> {
  const response = await post({ ...question, format: 'json' }, signal);
  const rows = (await response.json()) as SqlRow[];
  return {
    rows,
    truncated: response.headers.get('x-tallybook-truncated') === 'true',
    elapsed_ms: Number(response.headers.get('x-tallybook-elapsed-ms')),
  };
}

/** The whole answer as a file. */
export async function download(sql: string, format: 'csv' | 'json' | 'parquet', signal?: AbortSignal): Promise<Blob> {
  return (await post({ sql, format }, signal)).blob();
}

/** A text as SQL has it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function post(body: object, signal?: AbortSignal): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return answerOf(addressed(QUERY_PATH, {}), init, signal);
}
