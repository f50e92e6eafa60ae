import { expect, test } from 'vitest';
import { found, isId, type Entry } from './palette';

const entry = (label: string, kind = 'page', hint?: string): Entry => ({ id: label, label, kind, href: '/', ...(hint ? { hint } : {}) });
const ENTRIES = [entry('Cost'), entry('Tools & permissions'), entry('Permissions', 'report', 'Which tool calls were allowed'), entry('ada.cost@example.com', 'person')];
const labels = (typed: string) => found(ENTRIES, typed).map(({ label }) => label);

test('the closest is first, and every word must be found', () => {
  expect(labels('cost')).toEqual(['Cost', 'ada.cost@example.com']);
  expect(labels('perm')).toEqual(['Permissions', 'Tools & permissions']);
  expect(labels('report allowed')).toEqual(['Permissions']);
  expect(labels('cost nowhere')).toEqual([]);
  expect(labels('')).toHaveLength(4);
});

test('what means something in a pattern is only text', () => {
  expect(labels('.*')).toEqual([]);
  expect(labels('[(\\')).toEqual([]);
  expect(labels('50a6-85/{}^$|?+')).toEqual([]);
  expect(labels('@example.com')).toEqual(['ada.cost@example.com']);
});

test('an id has no spaces and no quotes', () => {
  expect(['6a95d70b', 'a-b_c', 'abc', 'a b c d', "a'b'c"].map(isId)).toEqual([true, true, false, false, false]);
});
