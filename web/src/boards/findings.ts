import type { Board } from './board';

export const findings: Board = {
  name: 'findings',
  title: 'Findings',
  about: 'Where work went round in circles, found by rules that look at no content, with its price. A finding is a question to ask, not a verdict.',
  people: 'Tell it by person, too',
  panels: [
    { id: 'price', title: 'What it cost', about: 'At list prices. A figure says how it is computed, and shows the newest calls behind it with their prompts.',
      show: 'figures', width: 'whole', report: 'findings', by: ['day'], figures: ['wasted_usd', 'monthly_usd', 'findings', 'prompts', 'sessions'] },
    { id: 'flow', title: 'Where it went', about: 'From what was found over the tool to the team. Retry loops are fails_again and refused_again; a file read again is same_call_again to a tool that reads.',
      show: 'flow', width: 'whole', report: 'findings', by: ['pattern', 'tool', 'team'], figures: ['wasted_usd'] },
    { id: 'patterns', title: 'By pattern', show: 'table', width: 'whole', report: 'findings', by: ['pattern'],
      figures: ['wasted_usd', 'monthly_usd', 'findings', 'prompts', 'people'], order: '-wasted_usd' },
    { id: 'days', title: 'Cost by day', show: 'course', width: 'whole', report: 'findings', by: ['day'], figures: ['wasted_usd'] },
    { id: 'whose', title: 'Where, and in whose work', show: 'table', width: 'half', report: 'findings', by: ['tool'],
      choices: ['tool', 'team', 'model', 'product', 'app_version', 'cost_center'], named: ['person'], figures: ['wasted_usd', 'findings', 'prompts'], order: '-wasted_usd' },
    { id: 'sessions', title: 'Sessions to look at', show: 'table', width: 'half', report: 'findings', by: ['session_id', 'pattern'],
      figures: ['wasted_usd', 'findings'], order: '-wasted_usd' },
  ],
};
