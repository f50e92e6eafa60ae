// Figures with their units, as the columns of a report say them.

import type { Cell, Unit } from '../api/reports';
import { count, duration, moment, usd, usdDigits } from './format';

export interface Column {
  unit: Unit;
  currency: string;
  utc: boolean;
  /** The figures of the column: money in one column shares its decimals. */
  figures?: ReadonlyArray<Cell | undefined>;
}

/** How the figures of a column are written; nothing is a dash. */
export function amountOf({ unit, currency, utc, figures = [] }: Column): (value: Cell | undefined) => string {
  const numbers = figures.filter((value) => typeof value === 'number');
  // A column of nothing needs no more than cents.
  const digits = numbers.some((value) => value !== 0) ? usdDigits(numbers) : figures.length ? 2 : undefined;
  return (value) => {
    if (value === null || value === undefined) return '–';
    if (unit === 'time' && typeof value === 'string') return time(value, utc);
    if (typeof value !== 'number') return String(value);
    switch (unit) {
      case 'usd':
        return usd(value, digits);
      case 'currency':
        return currency === 'USD' ? usd(value, digits) : `${usd(value, digits).replace('$', '')} ${currency}`;
      case 'ms':
        return duration(value);
      case 'seconds':
        return duration(value * 1000);
      case 'bytes':
        return bytes(value);
      case 'share':
        return `${(value * 100).toFixed(1)}%`;
      default:
        return Number.isInteger(value) ? count(value) : value.toLocaleString('en-US', { maximumFractionDigits: 2 });
    }
  };
}

const WORDS: Record<Unit, string> = {
  usd: 'US dollars', currency: '', tokens: 'tokens', count: 'count', ms: 'time', seconds: 'time', bytes: 'bytes', share: 'share', time: '', text: '',
};

/** What figures are counted in, in words. */
export const unitWords = (unit: Unit, currency: string): string => (unit === 'currency' ? currency : WORDS[unit]);

export function isFigure(unit: Unit): boolean {
  return unit !== 'text' && unit !== 'time';
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1023.95 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit ? scaled.toFixed(1) : scaled} ${units[unit]}`;
}

function time(text: string, utc: boolean): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : moment(ms, utc);
}
