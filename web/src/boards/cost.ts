import type { Board } from './board';

export const cost: Board = {
  name: 'cost',
  title: 'Cost',
  about: 'What was spent at list prices, and whom to charge for it. An estimate, not a bill.',
  people: 'Break the cost down by person, too',
  panels: [
    { id: 'spent', title: 'Spent', show: 'figures', width: 'whole', report: 'cost', by: ['day'],
      figures: ['cost_usd', 'net_cost', 'requests', 'recomputed_usd', 'unpriced_requests'] },
    { id: 'days', title: 'Cost by day', show: 'course', width: 'whole', report: 'cost', by: ['day'], figures: ['cost_usd'] },
    { id: 'chargeback', title: 'Chargeback', show: 'table', width: 'half', report: 'cost', by: ['cost_center'],
      choices: ['cost_center', 'department', 'team', 'project', 'product'], figures: ['cost_usd', 'net_cost', 'requests'],
      order: '-cost_usd', rows: 20 },
    { id: 'models', title: 'By model', show: 'table', width: 'half', report: 'cost', by: ['model'],
      figures: ['cost_usd', 'requests', 'unpriced_requests'], order: '-cost_usd' },
    { id: 'cache', title: 'What the cache saved', show: 'figures', width: 'whole', report: 'tokens', by: ['model'],
      figures: ['tokens', 'cache_hit_share', 'cache_saved_usd'] },
    { id: 'parts', title: 'By part of the agent', show: 'table', width: 'half', report: 'cost', by: ['query_category', 'agent_name'],
      figures: ['cost_usd', 'requests'], order: '-cost_usd' },
    { id: 'tokens', title: 'Tokens by model', show: 'table', width: 'half', report: 'tokens', by: ['model'],
      figures: ['input_tokens', 'output_tokens', 'cache_hit_share'], order: '-tokens' },
  ],
};
