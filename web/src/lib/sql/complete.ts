// What can stand where the caret is: views after FROM, columns of the views that the question names, words of SQL.

import { tokensOf } from './tokens';
import { FUNCTIONS, KEYWORDS } from './words';

export interface Known {
  name: string;
  about: string;
  columns: ReadonlyArray<{ name: string; type: string }>;
}

export interface Offer {
  text: string;
  detail: string;
}

export interface Completion {
  /** Where the word begins that an offer replaces. */
  from: number;
  offers: ReadonlyArray<Offer>;
}

const MOST = 12;
const SOURCES = /\b(?:from|join)\s+(\w+)(?:\s+(?:as\s+)?(\w+))?/gi;

/** `asked`: the reader wants to see what there is, even before a first letter. */
export function completionAt(sql: string, caret: number, views: ReadonlyArray<Known>, asked = false): Completion | null {
  const before = sql.slice(0, caret);
  const [, owner, word = ''] = /(?:(\w+)\.)?(\w*)$/.exec(before) ?? [];
  if (isQuoted(sql, caret) || /^\d/.test(word)) return null;
  if (!word && owner === undefined && !asked) return null;
  const offers = offersFor(before.slice(0, before.length - word.length), sql, owner, views);
  const lower = word.toLowerCase();
  const fitting = offers.filter(({ text }) => text.toLowerCase().startsWith(lower) && text.toLowerCase() !== lower);
  return fitting.length ? { from: caret - word.length, offers: fitting.slice(0, MOST) } : null;
}

function offersFor(before: string, sql: string, owner: string | undefined, views: ReadonlyArray<Known>): Offer[] {
  const columns = (of: ReadonlyArray<Known>) => of.flatMap((view) => view.columns.map(({ name, type }) => ({ text: name, detail: type })));
  const named = sourcesOf(sql, views);
  if (owner !== undefined) return columns(named.filter(({ as }) => as === owner.toLowerCase()).map(({ view }) => view));
  const tables = views.map(({ name, about }) => ({ text: name, detail: about }));
  if (/\b(?:from|join)\s+$/i.test(before)) return tables;
  const words = [...FUNCTIONS.map((text) => ({ text, detail: 'function' })), ...KEYWORDS.map((text) => ({ text: text.toUpperCase(), detail: '' }))];
  return distinct([...columns(named.map(({ view }) => view)), ...words, ...tables]);
}

/** The views that a question names, by their own names and by those it gives them. */
function sourcesOf(sql: string, views: ReadonlyArray<Known>): Array<{ as: string; view: Known }> {
  return [...sql.matchAll(SOURCES)].flatMap(([, name = '', as = '']) => {
    const view = views.find((own) => own.name === name.toLowerCase());
    return view ? [...new Set([name.toLowerCase(), as.toLowerCase()])].map((known) => ({ as: known, view })) : [];
  });
}

function distinct(offers: ReadonlyArray<Offer>): Offer[] {
  return [...new Map(offers.map((offer) => [offer.text.toLowerCase(), offer] as const).reverse()).values()].reverse();
}

/** Within a text or a comment nothing is completed. */
function isQuoted(sql: string, caret: number): boolean {
  return tokensOf(sql).some(({ kind, text, at }) => (kind === 'string' || kind === 'comment') && at < caret && (caret < at + text.length || isOpen(text)) && caret <= at + text.length);
}

const isOpen = (text: string) => text.startsWith('--') || (text.startsWith("'") && (text.length === 1 || !text.endsWith("'"))) || (text.startsWith('/*') && !text.endsWith('*/'));
