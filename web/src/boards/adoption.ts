import type { Board } from './board';

export const adoption: Board = {
  name: 'adoption',
  title: 'Adoption',
  about: 'How many people work with it, how many stay, and when they set tasks.',
  panels: [
    { id: 'active', title: 'Active people', show: 'figures', width: 'whole', report: 'adoption', by: ['day'],
      figures: ['active_people', 'dau', 'wau', 'mau', 'stickiness', 'active_days'] },
    { id: 'days', title: 'Active people by day', about: 'Weekly and monthly: of the seven and of the thirty days that end with the day.',
      show: 'course', width: 'whole', report: 'adoption', by: ['day'], figures: ['dau', 'wau', 'mau'] },
    { id: 'weeks', title: 'Retention by week', show: 'table', width: 'two-thirds', report: 'retention', by: ['week'],
      figures: ['active_people', 'new_people', 'retained_people', 'resurrected_people', 'lost_people', 'retention_share'], order: '-week', rows: 12 },
    { id: 'teams', title: 'Where they belong', show: 'table', width: 'third', report: 'adoption', by: ['team'],
      choices: ['team', 'department', 'cost_center', 'product'], figures: ['active_people', 'active_days'], order: '-active_people' },
    { id: 'hours', title: 'When tasks are set', show: 'hours', width: 'whole', report: 'activity', by: ['weekday', 'hour'], figures: ['tasks'] },
    { id: 'off', title: 'Outside office hours', show: 'figures', width: 'whole', report: 'activity', by: ['weekday', 'hour'],
      figures: ['tasks', 'off_hours_tasks', 'off_hours_share', 'weekend_tasks', 'people'] },
    { id: 'features', title: 'Skills and plugins', show: 'table', width: 'whole', report: 'skills', by: ['skill_name', 'plugin_name'],
      figures: ['activations', 'loads', 'cost_usd', 'people', 'sessions'], order: '-activations' },
  ],
};
