import type { Board } from './board';

export const productivity: Board = {
  name: 'productivity',
  title: 'Productivity',
  about: 'Lines, commits, pull requests and accepted edits, as clients with metrics tell them, and what each cost.',
  people: 'Tell it by person, too',
  panels: [
    { id: 'made', title: 'Made', show: 'figures', width: 'whole', report: 'productivity', by: ['day'],
      figures: ['lines_added', 'lines_removed', 'commits', 'pull_requests', 'edit_acceptance_share', 'active_s'] },
    { id: 'costs', title: 'What each cost', show: 'figures', width: 'whole', report: 'productivity', by: ['day'],
      figures: ['cost_per_commit_usd', 'cost_per_pull_request_usd', 'cost_per_line_usd', 'cost_per_active_hour_usd', 'cost_per_edit_usd'] },
    { id: 'commits', title: 'Commits by day', show: 'course', width: 'half', report: 'productivity', by: ['day'], figures: ['commits'] },
    { id: 'lines', title: 'Lines added by day', show: 'course', width: 'half', report: 'productivity', by: ['day'], figures: ['lines_added'] },
    { id: 'teams', title: 'Where it was made', show: 'table', width: 'whole', report: 'productivity', by: ['team'],
      choices: ['team', 'department', 'cost_center', 'project', 'product'],
      figures: ['commits', 'pull_requests', 'lines_added', 'edit_acceptance_share', 'active_s', 'cost_usd', 'cost_per_commit_usd'], order: '-commits', rows: 15 },
  ],
};
