// The door: ingest tokens, what to paste where, and who was turned away.

import { answerOf, get } from './client';

export interface Token {
  id: string;
  slot: string;
  standing: 'live' | 'expired' | 'revoked';
  organization: string;
  organization_ids: string[];
  products: string[];
  signals: string[];
  people: string[];
  networks: string[];
  items_per_day: number | null;
  bytes_per_day: number | null;
  requests_per_minute: number | null;
  created_ms: number;
  expires_ms: number | null;
  revoked_ms: number | null;
  last_used_ms: number | null;
  items_today: number;
  bytes_today: number;
}

/** Whether requests without a token are taken on loopback. */
export type Openness = 'no_token' | 'loopback' | 'closed';

export interface TokenList {
  intake: Openness;
  headers: string[];
  tokens: Token[];
}

export interface MadeToken {
  /** The token itself: in this answer and nowhere else. */
  text: string;
  token: Token;
  replaces: Token | null;
}

export interface NewToken {
  slot: string;
  organization: string;
  organization_ids?: string[];
  products?: string[];
  signals?: string[];
  people?: string[];
  networks?: string[];
  items_per_day?: number;
  requests_per_minute?: number;
  expires_in_days?: number;
}

export const CLIENTS = ['claude-code', 'cowork', 'desktop'] as const;
export type ClientName = (typeof CLIENTS)[number];

export interface Guide {
  client: ClientName;
  title: string;
  place: string;
  steps: Array<{ label: string; text: string }>;
  notes: string[];
}

export interface Knock {
  first_ms: number;
  last_ms: number;
  times: number;
  peer: string;
  transport: string;
  method: string;
  path: string;
  content_type: string;
  status: string;
  reason: string;
  advice: string;
}

export interface Door {
  since_ms: number;
  now_ms: number;
  intake: Openness;
  received: { logs: number; metrics: number; traces: number };
  hints: string[];
  events: Array<{ event: string; first_ms: number | null; ever_ms: number | null }>;
  knocks: Knock[];
}

/** Where the token goes in a text of a guide. */
export const TOKEN = '<TOKEN>';

export const fetchDoor = (signal?: AbortSignal) => get<Door>('/api/v1/door', {}, signal);
export const fetchTokens = (signal?: AbortSignal) => get<TokenList>('/api/v1/tokens', {}, signal);
export const fetchGuide = (client: ClientName, endpoint: string, token: boolean, signal?: AbortSignal) =>
  get<Guide>(`/api/v1/connect/${client}`, { endpoint, token }, signal);

export const createToken = (wish: NewToken) => post<MadeToken>('/api/v1/tokens', wish);
export const rotateToken = (slot: string) => post<MadeToken>(`/api/v1/tokens/${encodeURIComponent(slot)}/rotate`, {});
export const revokeToken = (name: string) => post<Token[]>(`/api/v1/tokens/${encodeURIComponent(name)}/revoke`, {});

async function post<T>(path: string, body: object): Promise<T> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await answerOf(path, init)).json() as Promise<T>;
}
