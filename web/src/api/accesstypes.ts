// The wire types of who may come in and what was done. Times are epoch milliseconds.

export type Role = 'viewer' | 'analyst' | 'content-reader' | 'admin' | 'auditor';
export type Permission = 'aggregates' | 'names' | 'content' | 'manage' | 'audit';

export interface Me {
  /** `open`: anybody on this machine may do everything, until somebody is set up. */
  access: 'open' | 'closed';
  signed_in: boolean;
  name: string | null;
  roles: Role[];
  permissions: Permission[];
}

export interface Somebody {
  name: string;
  roles: Role[];
  disabled: boolean;
  created_ms: number;
}

export interface Key {
  id: string;
  label: string;
  maker: string | null;
  permissions: Permission[];
  created_ms: number;
  expires_ms: number | null;
  used_ms: number | null;
}

export interface KeyMade {
  key: Key;
  /** Shown this once. */
  text: string;
}

export interface LoginSession {
  id: string;
  name: string;
  address: string;
  agent: string;
  created_ms: number;
  used_ms: number;
  own: boolean;
}

export interface AuditRecord {
  sequence: number;
  time_ms: number;
  actor_kind: string;
  actor: string;
  address: string | null;
  action: string;
  object: string;
  outcome: string;
  request_id: string | null;
  omitted: number;
}

export interface AuditPage {
  records: AuditRecord[];
  next_before: number | null;
}
