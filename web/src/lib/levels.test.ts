import { describe, expect, test } from 'vitest';
import { countsOf, inSight, levelOf, toggled } from './levels';
import { densityOf } from './scrub';
import type { Row } from './replay';

const row = (index: number, event: string, kind: Row['kind'], attention = false): Row =>
  ({ index, kind, attention, event: { event, time_ms: index * 100 }, running_usd: 0, offset_ms: index * 100, agent: null, decided: null, withheld: null }) as unknown as Row;

const rows = [
  row(0, 'user_prompt', 'prompt'),
  row(1, 'api_request', 'request'),
  row(2, 'tool_decision', 'decision'),
  row(3, 'hook_execution_start', 'other'),
  row(4, 'tool_result', 'tool', true),
  row(5, 'api_error', 'failure', true),
  row(6, 'compaction', 'other'),
];

describe('levels', () => {
  test('each event has one', () => {
    expect(rows.map(levelOf)).toEqual(['text', 'request', 'permission', 'hook', 'tool', 'request', 'system']);
    expect(levelOf(row(0, 'permission_mode_changed', 'other'))).toBe('permission');
  });

  test('what is hidden is out of sight, but no failure is, and not what is selected', () => {
    const seen = (hidden: Parameters<typeof inSight>[1], selected: number | null = null) => inSight(rows, hidden, selected).map(({ index }) => index);
    expect(seen([])).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(seen(['request', 'tool'])).toEqual([0, 2, 3, 4, 5, 6]);
    expect(seen(['hook', 'system', 'permission'], 3)).toEqual([0, 1, 3, 4, 5]);
  });

  test('counts are of what there is, in a fixed order', () => {
    expect(countsOf(rows.slice(0, 3))).toEqual([{ level: 'text', events: 1 }, { level: 'request', events: 1 }, { level: 'permission', events: 1 }]);
  });

  test('a level is put out of sight and back, in one spelling', () => {
    expect(toggled(['tool'], 'text')).toEqual(['text', 'tool']);
    expect(toggled(['text', 'tool'], 'tool')).toEqual(['text']);
  });
});

describe('the scrubber', () => {
  test('shares its width among the moments, and says where to look', () => {
    const { slots, most } = densityOf(rows, { start_ms: 0, end_ms: 600 }, 3);
    expect(slots.map(({ events }) => events)).toEqual([2, 2, 3]);
    expect(slots.map(({ attention }) => attention)).toEqual([false, false, true]);
    expect(most).toBe(3);
  });
});
