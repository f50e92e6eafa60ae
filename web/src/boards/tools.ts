import type { Board } from './board';

export const tools: Board = {
  name: 'tools',
  title: 'Tools & permissions',
  about: 'Which tools ran, who allowed it, and what ran although nobody is known to have decided.',
  people: 'Tell it by person, too',
  panels: [
    { id: 'decisions', title: 'Decisions', show: 'figures', width: 'whole', report: 'permissions', by: ['day'],
      figures: ['calls', 'refused', 'refusal_share', 'standing_grants', 'without_decision', 'not_reported'] },
    { id: 'refused', title: 'Refused calls by day', show: 'course', width: 'whole', report: 'permissions', by: ['day'], figures: ['refused'] },
    { id: 'audit', title: 'Who decided', about: 'Settings and decisions for good are standing grants: nobody was asked.',
      show: 'table', width: 'whole', report: 'permissions', by: ['decided_by', 'decision_source', 'decision'],
      figures: ['calls', 'allowed', 'refused', 'standing_grants', 'p50_time_to_approve_ms'], order: '-calls', rows: 20 },
    { id: 'grants', title: 'Standing grants', show: 'table', width: 'half', report: 'permissions', by: ['tool'],
      choices: ['tool', 'permission_mode', 'mcp_server_name', 'team', 'product'],
      figures: ['standing_grants', 'allowed'], order: '-standing_grants' },
    { id: 'undecided', title: 'Ran without a decision', about: 'Their client reports decisions, and reported none for these.',
      show: 'table', width: 'half', report: 'permissions', by: ['tool', 'product'], where: ['decision_state=without_decision'],
      figures: ['without_decision', 'people'], order: '-without_decision' },
    { id: 'failures', title: 'Failures of tools', show: 'table', width: 'two-thirds', report: 'tools', by: ['tool'],
      figures: ['calls', 'failures', 'failure_share', 'p95_duration_ms'], order: '-failures' },
    { id: 'why', title: 'Why they failed', show: 'table', width: 'third', report: 'tools', by: ['error_type'],
      where: ['outcome=failed'], figures: ['failures'], order: '-failures' },
  ],
};
