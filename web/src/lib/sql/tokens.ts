// SQL as pieces that are coloured alike. All pieces together are the text.

import { KEYWORDS } from './words';

export type TokenKind = 'keyword' | 'string' | 'number' | 'comment' | 'plain';

export interface Token {
  kind: TokenKind;
  text: string;
  /** Where in the text it begins. */
  at: number;
}

const known = new Set(KEYWORDS);
// What is not closed goes to the end: it is being written.
const PIECE = /--[^\n]*|\/\*[^]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\d+(?:\.\d+)?(?:e[+-]?\d+)?\b|[A-Za-z_]\w*/gi;

export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  const plain = (to: number) => {
    if (to > end) tokens.push({ kind: 'plain', text: sql.slice(end, to), at: end });
  };
  for (const found of sql.matchAll(PIECE)) {
    const [text] = found;
    const kind = kindOf(text);
    if (kind === 'plain') continue;
    plain(found.index);
    tokens.push({ kind, text, at: found.index });
    end = found.index + text.length;
  }
  plain(sql.length);
  return tokens;
}

function kindOf(text: string): TokenKind {
  if (text.startsWith('--') || text.startsWith('/*')) return 'comment';
  if (text.startsWith("'")) return 'string';
  if (/^\d/.test(text)) return 'number';
  return known.has(text.toLowerCase()) ? 'keyword' : 'plain';
}
