// What is kept and why, what is held, and who is erased.

import { answerOf, get } from './client';

export interface Redacted {
  signal: string;
  attribute: string;
  action: string;
  detector: string | null;
  times: number;
}

export interface Redaction {
  since_ms: number;
  kept: {
    summary: string;
    content: string;
    people: string;
    other: string;
    unreadable: string;
    detectors: string[];
    rules: string[];
    warnings: string[];
  };
  items: number;
  redacted: Redacted[];
}

interface Days {
  content_days: number | null;
  events_days: number | null;
  aggregates_days: number | null;
}

export interface Done {
  parts: number;
  classes: Partial<Record<Class, { items: number; bytes: number }>>;
  held: number;
  unread: number;
}

export type Class = 'content' | 'events' | 'aggregates';

export interface Retention {
  summary: string;
  days: Days;
  rules: Array<Days & { organization: string | null; product: string | null }>;
  reduced_before_ms: number | null;
  run: { is_running: boolean; parts_left: number; done: Done; failed: string | null };
  state: { total: Done; last: Done; last_began_ms: number | null; last_ended_ms: number | null };
}

export interface RetentionPlan {
  rows: Array<{ day_ms: number; class: Class; items: number; bytes: number }>;
  total: Done;
}

export interface Hold {
  id: string;
  reason: string;
  person: string | null;
  organization: string | null;
  from_ms: number | null;
  to_ms: number | null;
  set_by: string;
  set_at_ms: number;
}

export interface Counts {
  items: Record<string, number>;
  mentions: number;
  sessions: number;
  installations: number;
  first_ms: number | null;
  last_ms: number | null;
}

export interface Certificate {
  id: string;
  asked_by: string;
  ended_at_ms: number;
  removed: Counts;
  figures_kept?: number;
  unread_parts: string[];
  search: { verified: boolean; findings: Array<{ path: string; what: string; count: number }>; unsearched: string[] };
  kept: string[];
}

export interface Erasure {
  person: string;
  with_mentions: boolean;
  keep_aggregates: boolean;
  and_account: boolean;
  and_refuse: boolean;
}

export interface RefusedPerson {
  id: string;
  since_ms: number;
  by: string;
  organization: string | null;
  ids: number;
}

export interface ErasurePlan {
  would_remove: Counts;
  identities: string[];
}

export interface ErasureStanding {
  state: 'running' | 'failed' | 'ended';
  detail: string | null;
  certificate: Certificate | null;
}

export const fetchRedaction = (signal?: AbortSignal) => get<Redaction>('/api/v1/redaction', {}, signal);
export const fetchRetention = (signal?: AbortSignal) => get<Retention>('/api/v1/retention', {}, signal);
export const fetchPlan = (signal?: AbortSignal) => get<RetentionPlan>('/api/v1/retention/plan', {}, signal);
export const runRetention = () => sent<Retention>('POST', '/api/v1/retention/run');
export const fetchHolds = async (signal?: AbortSignal) => (await get<{ holds: Hold[] }>('/api/v1/holds', {}, signal)).holds;
export const setHold = (hold: Partial<Omit<Hold, 'id'>>) => sent<Hold>('POST', '/api/v1/holds', hold);
export const releaseHold = (id: string) => sent<Hold>('DELETE', `/api/v1/holds/${encodeURIComponent(id)}`);
export const fetchErasures = (signal?: AbortSignal) =>
  get<{ certificates: Certificate[]; unfinished: string | null }>('/api/v1/erasures', {}, signal);
export const planErasure = (erasure: Erasure) => sent<ErasurePlan>('POST', '/api/v1/erase', { ...erasure, dry_run: true });
export const erase = async (erasure: Erasure) => (await sent<{ id: string }>('POST', '/api/v1/erase', { ...erasure, dry_run: false })).id;
export const fetchErasure = (id: string) => get<ErasureStanding>(`/api/v1/erasures/${encodeURIComponent(id)}`, {});

export const fetchRefusedPeople = async (signal?: AbortSignal) =>
  (await get<{ people: RefusedPerson[] }>('/api/v1/refused-people', {}, signal)).people;
export const takeAgain = (id: string) => sent<RefusedPerson>('DELETE', `/api/v1/refused-people/${encodeURIComponent(id)}`);

export const isVerified = (certificate: Certificate) => certificate.search.verified && certificate.unread_parts.length === 0;
export const itemsOf = (counts: Counts) => Object.values(counts.items).reduce((sum, items) => sum + items, 0);

/** Sends a change; the server takes nothing but JSON. */
async function sent<T>(method: string, path: string, body: object = {}): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await (await answerOf(path, init)).json()) as T;
}
