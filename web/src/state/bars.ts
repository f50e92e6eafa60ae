// The bars of a table as a picture: those rows, that figure.

import { colourOf } from '../lib/chart';
import { paletteOf, spanText } from './picture';
import { router } from './router.svelte';

export interface BarsOf {
  title: string;
  unit: string;
  from_ms: number;
  to_ms: number;
  bars: ReadonlyArray<{ name: string; value: number; said?: string }>;
}

export async function drawBars(host: HTMLElement, { title, unit, from_ms, to_ms, bars }: BarsOf): Promise<string> {
  const { barsPicture } = await import('../lib/picture/bars');
  return barsPicture({ title, unit, bars, about: spanText(from_ms, to_ms, router.view.utc), legend: [], palette: paletteOf(host), colour: colourOf(host, '--blue'), format: String });
}
