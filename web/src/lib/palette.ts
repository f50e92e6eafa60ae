// What the palette finds: entries whose words all begin somewhere in their text, the closest first.

export interface Entry {
  /** Tells it from the others. */
  id: string;
  label: string;
  /** What kind of thing it is. */
  kind: string;
  /** Found by these words, too, and told beside the label. */
  hint?: string;
  href: string;
}

const MOST = 30;

export function found(entries: ReadonlyArray<Entry>, typed: string): Entry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const ranked = entries.flatMap((entry) => {
    const rank = rankOf(entry, words);
    return rank === null ? [] : [{ entry, rank }];
  });
  // Sorting is stable: among equals the order of the entries stays.
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, MOST).map(({ entry }) => entry);
}

/** The lower the closer; null when a word is nowhere. */
function rankOf({ label, hint = '', kind }: Entry, words: ReadonlyArray<string>): number | null {
  const [own, other] = [label.toLowerCase(), `${hint} ${kind}`.toLowerCase()];
  let rank = 0;
  for (const word of words) {
    const place = beginsIn(own, word);
    if (place === 0) rank += 0;
    else if (place > 0) rank += 1;
    else if (own.includes(word)) rank += 2;
    else if (other.includes(word)) rank += 3;
    else return null;
  }
  return rank;
}

/** Where a word of the text begins with this; -1 when none does. */
function beginsIn(text: string, word: string): number {
  if (text.startsWith(word)) return 0;
  const at = text.search(new RegExp(`[^\\p{L}\\p{N}]${escaped(word)}`, 'u'));
  return at < 0 ? -1 : at + 1;
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether a text may be the beginning of an id. */
export function isId(typed: string): boolean {
  return /^[\w.:-]{4,200}$/.test(typed.trim());
}
