// What the reader keeps: questions in SQL, and views of pages.

import { Kept, type Named } from './kept.svelte';

export interface SavedQuestion extends Named {
  sql: string;
}

/** A page with all that its address says. */
export interface SavedView extends Named {
  href: string;
}

const text = (value: unknown, key: string): boolean => typeof (value as Record<string, unknown> | null)?.[key] === 'string';

const isQuestion = (value: unknown): value is SavedQuestion => text(value, 'name') && text(value, 'sql');
/** A link to elsewhere is no view of ours, whoever wrote it there. */
const isView = (value: unknown): value is SavedView => text(value, 'name') && text(value, 'href') && /^\/(?![/\\])/.test((value as SavedView).href);

export const questions = new Kept<SavedQuestion>('tallybook.questions', isQuestion);
export const views = new Kept<SavedView>('tallybook.views', isView);
