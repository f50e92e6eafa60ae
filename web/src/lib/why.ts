// The id of a figure as the question what makes its difference: of another range, with one condition more or less.

import { encodeValue, readCondition, withCondition, type Condition } from './reports';
import type { MeasureAbout } from '../api/reports';
import type { Interval } from './timerange';

/** Whether parts of the figure make up the whole, or at least are some of it. */
export const hasParts = ({ parts }: MeasureAbout): boolean => parts === 'sum' || parts === 'distinct';

interface Id {
  figure: string;
  range: string;
  zone: string[];
  where: string[];
}

const moment = (ms: number): string => new Date(Math.round(ms)).toISOString();
const spanOf = ({ from_ms, to_ms }: Interval): string => `${moment(from_ms)}..${moment(to_ms)}`;

function read(id: string): Id {
  const at = id.indexOf('@');
  const [range = '', ...terms] = at < 0 ? [''] : id.slice(at + 1).split(',');
  const isZone = (term: string) => term.startsWith('time_zone=');
  return { figure: at < 0 ? id : id.slice(0, at), range, zone: terms.filter(isZone), where: terms.filter((term) => !isZone(term)).map(decoded) };
}

function write({ figure, range, zone, where }: Id): string {
  const terms = where.map((text) => {
    const { dimension, is, value } = readCondition(text);
    return `${dimension}${is ? '=' : '!='}${encodeValue(value)}`;
  });
  return `${figure}@${[range, ...zone, ...terms].join(',')}`;
}

function decoded(term: string): string {
  try {
    return decodeURIComponent(term);
  } catch {
    // The server says what is wrong with it.
    return term;
  }
}

/** The same figure of a part of its range, and the whole range as the wider one. */
export function ofPart(id: string, part: Interval): { why: string; within: string } {
  const whole = read(id);
  return { why: write({ ...whole, range: spanOf(part) }), within: whole.range };
}

/** The conditions in an id. */
export const conditionsOf = (id: string): string[] => read(id).where;

export function withTerm(id: string, condition: Condition): string {
  const whole = read(id);
  return write({ ...whole, where: withCondition(whole.where, condition) });
}

export function withoutTerm(id: string, text: string): string {
  const whole = read(id);
  return write({ ...whole, where: whole.where.filter((own) => own !== text) });
}

/** The steps that a stroke over a chart touches, whole, and within what the chart shows; null where it shows nothing. */
export function touched(stroke: Interval, time_ms: ReadonlyArray<number>, step_ms: number, shown: Interval): Interval | null {
  const steps = time_ms.filter((start_ms) => start_ms < stroke.to_ms && start_ms + step_ms > stroke.from_ms);
  if (!steps.length) return null;
  const from_ms = Math.max(shown.from_ms, steps[0]!);
  const to_ms = Math.min(shown.to_ms, steps.at(-1)! + step_ms);
  return from_ms < to_ms ? { from_ms, to_ms } : null;
}
