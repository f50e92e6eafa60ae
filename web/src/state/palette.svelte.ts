// What can be gone to: pages, reports, people, and sessions and prompts by the beginning of their id.

import { fetchReport } from '../api/client';
import { askSql, quoted } from '../api/sql';
import { isId, type Entry } from '../lib/palette';
import { catalogue } from './catalogue.svelte';
import { me } from './me.svelte';
import { offered } from './offered.svelte';
import { intervalOf } from './query';
import { Resource } from './resource.svelte';
import { router } from './router.svelte';
import { views } from './saved.svelte';

const PEOPLE = 1000;
const IDS = 5;

class Palette {
  readonly people = new Resource<string[]>();
  readonly ids = new Resource<Entry[]>();
  places = $derived<Entry[]>(offered.places.map(({ label, route, key }) => ({ id: `page ${label}`, label, kind: 'page', hint: `g ${key}`, href: router.href(route) })));
  reports = $derived<Entry[]>(
    (catalogue.resource.data ?? []).map(({ name, title, about }) => ({ id: `report ${name}`, label: title, kind: 'report', hint: about, href: router.href({ page: 'report', id: name }) })),
  );
  saved = $derived<Entry[]>(views.items.map(({ name, href }) => ({ id: `view ${name}`, label: name, kind: 'saved view', href })));
  persons = $derived<Entry[]>(
    (this.people.data ?? []).map((person) => ({ id: `person ${person}`, label: person, kind: 'person', href: router.href({ page: 'prompts' }, { filters: { person } }) })),
  );

  /** People of the range that is shown. */
  open(): void {
    catalogue.load();
    if (!me.may('names')) return;
    const { from_ms, to_ms } = intervalOf(router.view);
    const query = { from: Math.floor(from_ms), to: Math.ceil(to_ms), group_by: 'person', order_by: 'person', limit: PEOPLE };
    void this.people.load(async (signal) => {
      const { rows } = await fetchReport('people', query, signal);
      return rows.map(({ person }) => person).filter((person): person is string => typeof person === 'string' && person !== '');
    }, true);
  }

  /** Sessions and prompts whose id begins so. */
  find(typed: string): void {
    const text = typed.trim();
    if (!isId(text) || !me.may('names')) {
      this.ids.cancel();
      this.ids.data = null;
      return;
    }
    void this.ids.load((signal) => entriesOf(text, signal), true);
  }

  close(): void {
    this.people.cancel();
    this.ids.cancel();
    this.ids.data = null;
  }
}

async function entriesOf(text: string, signal: AbortSignal): Promise<Entry[]> {
  const begins = (column: string) => `starts_with(${column}, ${quoted(text)})`;
  const sql = (column: string, view: string) => `SELECT ${column} AS id FROM ${view} WHERE ${begins(column)} ORDER BY ${column}`;
  const [sessions, prompts] = await Promise.all([
    askSql({ sql: sql('session_id', 'sessions'), max_rows: IDS }, signal),
    askSql({ sql: sql('prompt_id', 'prompts'), max_rows: IDS }, signal),
  ]);
  const entries = (rows: typeof sessions.rows, kind: 'session' | 'prompt'): Entry[] =>
    rows.map((row) => String(row['id'])).map((id) => ({ id: `${kind} ${id}`, label: id, kind, href: router.href({ page: kind === 'session' ? 'session' : 'replay', id }) }));
  return [...entries(sessions.rows, 'session'), ...entries(prompts.rows, 'prompt')];
}

export const palette = new Palette();
