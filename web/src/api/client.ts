// The one place that talks to the server. Every failure leaves here as an
// ApiError that says what failed, where, and how to mend it, so that pages only
// have to show it.

import type { Catalogue, Explanation, ReportAnswer } from './reports';
import type { Ledger, Overview, PromptPage, Replay, SessionDetail, SessionPage, Status } from './types';

/** A list is a parameter that is there once for each value. */
export type Query = Record<string, string | number | boolean | ReadonlyArray<string> | undefined>;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly where: string,
    readonly mend: string,
    /** 0 when no answer came at all. */
    readonly status: number,
    /** Where in the text that was asked, counted from 1. */
    readonly at: { line: number; column: number } | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export const fetchOverview = (query: Query, signal?: AbortSignal) =>
  get<Overview>('/api/v1/overview', query, signal);
export const fetchSessions = (query: Query, signal?: AbortSignal) =>
  get<SessionPage>('/api/v1/sessions', query, signal);
export const fetchSession = (id: string, signal?: AbortSignal) =>
  get<SessionDetail>(`/api/v1/sessions/${encodeURIComponent(id)}`, {}, signal);
export const fetchPrompts = (query: Query, signal?: AbortSignal) =>
  get<PromptPage>('/api/v1/prompts', query, signal);
export const fetchReplay = (id: string, signal?: AbortSignal) =>
  get<Replay>(`/api/v1/prompts/${encodeURIComponent(id)}`, {}, signal);
export const fetchReports = (signal?: AbortSignal) => get<Catalogue>('/api/v1/reports', {}, signal);
export const fetchReport = (name: string, query: Query, signal?: AbortSignal) =>
  get<ReportAnswer>(reportPath(name), query, signal);
export const fetchExplanation = (id: string, signal?: AbortSignal) => get<Explanation>('/api/v1/explain', { id }, signal);
export const fetchFates = (signal?: AbortSignal) => get<Ledger>('/api/v1/fates', {}, signal);
export const fetchStatus = (signal?: AbortSignal) => get<Status>('/api/v1/status', {}, signal);

export const reportPath = (name: string) => `/api/v1/reports/${encodeURIComponent(name)}`;

export async function get<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
  const url = path + queryString(query);
  const response = await answerOf(url, { headers: { accept: 'application/json' } }, signal);
  try {
    return (await response.json()) as T;
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    throw new ApiError(
      'The answer was not JSON.',
      `GET ${url}`,
      'A proxy may stand between this page and Tallybook: open the address the server printed when it started.',
      response.status,
    );
  }
}

/** An undefined value is left out; an empty one is sent: it asks for the unattributed. */
export function queryString(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) value.forEach((item) => params.append(name, item));
    else if (value !== undefined) params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** What to do when the server says that nobody is signed in. */
let signedOut = () => {};
export function onSignedOut(handler: () => void): void {
  signedOut = handler;
}

/** An answer that is no error; whatever else comes is thrown. */
export async function answerOf(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const asked = `${init.method ?? 'GET'} ${url}`;
  try {
    const response = await fetch(url, { ...init, signal: signal ?? null });
    if (response.status === 401) signedOut();
    if (!response.ok) throw await refusal(response, asked);
    return response;
  } catch (cause) {
    if (isAbort(cause) || cause instanceof ApiError) throw cause;
    throw new ApiError(
      'Tallybook did not answer.',
      asked,
      'Check that `tallybook serve` is running and that this page was opened at its address.',
      0,
    );
  }
}

interface Refusal {
  message?: string;
  hint?: string;
  line?: number;
  column?: number;
}

async function refusal(response: Response, asked: string): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: Refusal } | null)?.error;
  const message = error?.message ?? `The server answered ${response.status}.`;
  const at = error?.line !== undefined && error.column !== undefined ? { line: error.line, column: error.column } : null;
  return new ApiError(message, asked, error?.hint ?? mendFor(response.status), response.status, at);
}

function mendFor(status: number): string {
  if (status === 404) return 'The address may be incomplete, or what it names has not arrived here.';
  if (status === 401 || status === 403) return '';
  if (status === 400) return 'Take the filters off one by one: one of them is not understood.';
  if (status === 429 || status === 503) return 'The server is shedding load. It recovers by itself; retry in a moment.';
  return 'Retry; if it stays, look at what the server printed at this time.';
}
