// Who may come in, and what was done.

import { answerOf, get } from './client';
import type { AuditPage, Key, KeyMade, LoginSession, Me, Role, Somebody } from './accesstypes';

export const fetchMe = (signal?: AbortSignal) => get<Me>('/api/v1/session', {}, signal);
export const signIn = (name: string, password: string) => sent<Me>('POST', '/api/v1/session', { name, password });
export const signOut = () => sent('DELETE', '/api/v1/session');
export const setUp = (token: string, name: string, password: string) => sent<Me>('POST', '/api/v1/setup', { token, name, password });
export const changePassword = (old: string, other: string) => sent<Me>('POST', '/api/v1/password', { old, new: other });

export const fetchPeople = async (signal?: AbortSignal) => (await get<{ people: Somebody[] }>('/api/v1/access/people', {}, signal)).people;
export const addPerson = (name: string, roles: Role[], password: string) => sent('POST', '/api/v1/access/people', { name, roles, password });
export const changePerson = (name: string, change: { roles?: Role[]; disabled?: boolean; password?: string }) =>
  sent('PATCH', `/api/v1/access/people/${encodeURIComponent(name)}`, change);
export const removePerson = (name: string) => sent('DELETE', `/api/v1/access/people/${encodeURIComponent(name)}`);

export const fetchKeys = async (signal?: AbortSignal) => (await get<{ keys: Key[] }>('/api/v1/access/keys', {}, signal)).keys;
export const makeKey = (label: string, permissions: string[], days: number) =>
  sent<KeyMade>('POST', '/api/v1/access/keys', { label, permissions, days });
export const revokeKey = (id: string) => sent('DELETE', `/api/v1/access/keys/${encodeURIComponent(id)}`);

export const fetchLoginSessions = async (signal?: AbortSignal) =>
  (await get<{ sessions: LoginSession[] }>('/api/v1/access/sessions', {}, signal)).sessions;
export const endLoginSession = (id: string) => sent('DELETE', `/api/v1/access/sessions/${encodeURIComponent(id)}`);

export const fetchAudit = (query: { before?: number; limit?: number; actor?: string; action?: string }, signal?: AbortSignal) =>
  get<AuditPage>('/api/v1/audit', query, signal);

/** Sends a change; the server takes nothing but JSON. */
async function sent<T = null>(method: string, path: string, body: object = {}): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await answerOf(path, init);
  return (response.status === 204 ? null : await response.json()) as T;
}
