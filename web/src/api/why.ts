// What makes the difference between a range and its baseline.

import { get } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Difference = Schemas['Difference'];
export type Maker = Schemas['Maker'];
export type Part = Schemas['Part'];

export interface WhyQuestion {
  id: string;
  /** The wider range; with it the rest of that is the baseline. */
  within: string | null;
  people: boolean;
}

export const WHY_PATH = '/api/v1/why';

export function whyQuery({ id, within, people }: WhyQuestion) {
  return { id, against: within ? 'rest' : undefined, within: within ?? undefined, people: people || undefined };
}

export const fetchWhy = (question: WhyQuestion, signal?: AbortSignal) => get<Difference>(WHY_PATH, whyQuery(question), signal);
