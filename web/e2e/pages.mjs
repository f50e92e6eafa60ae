// The pages, by their addresses: a new one is looked at by every test that goes through them.

/** Those that are descriptions: panels over reports. */
export const BOARDS = ['cost', 'tools', 'connectors', 'errors', 'performance', 'findings', 'adoption', 'productivity', 'workspaces', 'health'];

/** All that need no id. */
export const PAGES = ['', 'live', 'prompts', 'sessions', ...BOARDS, 'explore', 'reports', 'reports/cost', 'connect', 'tokens', 'access', 'audit', 'privacy'];
