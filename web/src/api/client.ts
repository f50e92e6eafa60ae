// The one place that talks to the server. Every failure leaves here as an
// ApiError that says what failed, where, and how to mend it, so that pages only
// have to show it.

import type { Catalogue, Explanation, ReportAnswer } from './reports';
import type { Overview, PromptPage, Replay, SessionDetail, SessionPage, Status } from './types';

/** A list is a parameter that is there once for each value. */
export type Query = Record<string, string | number | boolean | ReadonlyArray<string> | undefined>;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly where: string,
    readonly mend: string,
    /** 0 when no answer came at all. */
    readonly status: number,
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
export const fetchStatus = (signal?: AbortSignal) => get<Status>('/api/v1/status', {}, signal);

export const reportPath = (name: string) => `/api/v1/reports/${encodeURIComponent(name)}`;

export async function get<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
  const url = path + queryString(query);
  const response = await answer(url, signal);
  if (!response.ok) throw await refusal(response, url);
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

async function answer(url: string, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { headers: { accept: 'application/json' }, signal: signal ?? null });
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    throw new ApiError(
      'Tallybook did not answer.',
      `GET ${url}`,
      'Check that `tallybook serve` is running and that this page was opened at its address.',
      0,
    );
  }
}

async function refusal(response: Response, url: string): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: { message?: string; hint?: string } } | null)?.error;
  const message = error?.message ?? `The server answered ${response.status}.`;
  return new ApiError(message, `GET ${url}`, error?.hint ?? mendFor(response.status), response.status);
}

function mendFor(status: number): string {
  if (status === 404) return 'The address may be incomplete, or what it names has not arrived here.';
  if (status === 400) return 'Take the filters off one by one: one of them is not understood.';
  if (status === 429 || status === 503) return 'The server is shedding load. It recovers by itself; retry in a moment.';
  return 'Retry; if it stays, look at what the server printed at this time.';
}
