// The wire types of the JSON API, as the pages read them: those of the OpenAPI document, by shorter names. Times are
// epoch milliseconds, money is USD. An absent value arrives as null or not at all.

import type { components } from './schema';

type Schemas = components['schemas'];

import type { Openness } from './intake';

export type Maybe<T> = T | null | undefined;

export type Totals = Schemas['Totals'];
export type Series = Schemas['Series'];
export type PersonRow = Schemas['PersonRow'];
export type ModelRow = Schemas['ModelRow'];
export type ToolRow = Schemas['ToolRow'];
export type ProductRow = Schemas['ProductRow'];
export type Overview = Schemas['Overview'];
export type Session = Schemas['Session'];
export type SessionPage = Schemas['SessionPage'];
export type SessionDetail = Schemas['SessionDetail'];
export type Prompt = Schemas['Prompt'];
export type PromptPage = Schemas['PromptPage'];
export type PromptTotals = Schemas['PromptTotals'];
export type ReplayEvent = Schemas['ReplayEvent'];
export type Replay = Schemas['Replay'];
export type LiveItem = Schemas['LiveItem'];
export type Status = Schemas['Status'];
export type Fate = Schemas['Fates'];
export type Ledger = Schemas['Ledger'];
export type Me = Schemas['Me'];
export type Role = Me['roles'][number];
export type Permission = Me['permissions'][number];
export type Somebody = Schemas['Somebody'];
export type Key = Schemas['Key'];
export type KeyMade = Schemas['KeyMade'];
export type LoginSession = Schemas['LoginSession'];
export type AuditRecord = Schemas['AuditRecord'];
export type AuditPage = Schemas['AuditPage'];
