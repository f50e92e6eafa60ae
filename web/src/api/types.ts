// The wire types of the JSON API, as the pages read them: those of the OpenAPI document, by shorter names. Times are
// epoch milliseconds, money is USD. An absent value arrives as null or not at all.

import type { components } from './schema';

type Schemas = components['schemas'];

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
export type DemoStanding = Schemas['DemoStanding'];
export type Fate = Schemas['Fates'];
export type Ledger = Schemas['Ledger'];
