// What a picture of a chart says beside the chart: of which time, and under which conditions.

import { colourOf } from '../lib/chart';
import { wallIn, zone } from '../lib/format';
import type { Palette } from '../lib/picture/frame';
import { zoneName } from './query';
import { router } from './router.svelte';
import { FILTER_NAMES } from './url';

/** Range, zone and conditions of the page, a line. */
export function spanText(from_ms: number, to_ms: number, utc: boolean): string {
  const { filters, where } = router.view;
  const named = FILTER_NAMES.flatMap((name) => (filters[name] === undefined ? [] : [`${name}=${filters[name]}`]));
  const at = (ms: number) => wallIn(ms, zoneName(utc));
  return [`${at(from_ms)} to ${at(to_ms)}, ${zone(to_ms, utc)}`, ...named, ...where].join(' · ');
}

/** The colours of the theme that is shown. */
export function paletteOf(host: HTMLElement): Palette {
  const [paper, ink, ink2, ink3, rule] = ['--paper', '--ink', '--ink-2', '--ink-3', '--rule'].map((name) => colourOf(host, name));
  return { paper: paper!, ink: ink!, ink2: ink2!, ink3: ink3!, rule: rule!, font: getComputedStyle(host).fontFamily, serif: getComputedStyle(document.documentElement).getPropertyValue('--serif') };
}
