// What each page asks for, and the roles that there are.

import type { Permission, Role } from '../api/accesstypes';
import type { Route } from '../state/url';

export const NEEDS: Record<Route['page'], Permission | ReadonlyArray<Permission> | null> = {
  overview: 'aggregates',
  sessions: 'names',
  session: 'names',
  prompts: 'names',
  replay: 'names',
  live: 'names',
  explore: 'names',
  connect: 'manage',
  tokens: 'manage',
  reports: 'aggregates',
  report: 'aggregates',
  board: 'aggregates',
  access: null,
  audit: 'audit',
  // Who manages acts; an auditor looks.
  privacy: ['manage', 'audit'],
  setup: null,
  missing: null,
};

/** Pages of what cannot be told apart by organisation: for who is bound to none. */
export const OF_ALL: ReadonlySet<Route['page']> = new Set<Route['page']>(['privacy']);

export const ROLES: ReadonlyArray<{ role: Role; about: string }> = [
  { role: 'viewer', about: 'figures, without people' },
  { role: 'analyst', about: 'figures, and who it was' },
  { role: 'content-reader', about: 'also prompts, responses, tool inputs' },
  { role: 'admin', about: 'people and keys; no content' },
  { role: 'auditor', about: 'the audit trail' },
];

export const PERMISSIONS: ReadonlyArray<Permission> = ['aggregates', 'names', 'content', 'manage', 'audit'];
