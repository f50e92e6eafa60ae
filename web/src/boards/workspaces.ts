import type { Board } from './board';

export const workspaces: Board = {
  name: 'workspaces',
  title: 'Workspaces',
  about: 'Folders of the host that were shared with the agent. Only Cowork and Claude Desktop say which.',
  panels: [
    { id: 'shared', title: 'Shared', show: 'figures', width: 'whole', report: 'workspaces', by: ['day'],
      figures: ['workspaces', 'sessions', 'prompts', 'people'] },
    { id: 'days', title: 'Sessions with a shared folder by day', show: 'course', width: 'whole', report: 'workspaces', by: ['day'], figures: ['sessions'] },
    { id: 'folders', title: 'By folder', show: 'table', width: 'whole', report: 'workspaces', by: ['workspace'],
      figures: ['sessions', 'prompts', 'people', 'first_seen', 'last_seen'], order: '-sessions', rows: 25 },
    { id: 'teams', title: 'Who shares', show: 'table', width: 'half', report: 'workspaces', by: ['team'],
      choices: ['team', 'department', 'cost_center'], figures: ['workspaces', 'sessions', 'people'], order: '-workspaces' },
    { id: 'clients', title: 'With which client', show: 'table', width: 'half', report: 'workspaces', by: ['product', 'app_version'],
      figures: ['workspaces', 'sessions', 'people'], order: '-sessions' },
  ],
};
