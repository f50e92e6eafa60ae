// How the tables of a page are sorted: the address has `panel:column` for each that is not as usual.

export function sortOf(sorts: ReadonlyArray<string>, panel: string): string | null {
  const own = sorts.find((sort) => sort.startsWith(`${panel}:`));
  return own === undefined ? null : own.slice(panel.length + 1);
}

export function withSort(sorts: ReadonlyArray<string>, panel: string, order: string | null): string[] {
  const others = sorts.filter((sort) => !sort.startsWith(`${panel}:`));
  return order === null ? others : [...others, `${panel}:${order}`];
}
