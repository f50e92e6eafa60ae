// Example data for an empty server: loaded and removed by one click.

import { answerOf } from './client';
import type { DemoStanding } from './types';

async function asked(method: 'POST' | 'DELETE'): Promise<DemoStanding> {
  const response = await answerOf('/api/v1/demo-data', { method, headers: { 'content-type': 'application/json' } });
  return (await response.json()) as DemoStanding;
}

export const loadDemo = () => asked('POST');
export const removeDemo = () => asked('DELETE');
