// Where one can go: the navigation, the palette and the keys are made from this.

import type { Route } from '../state/url';

export const BOARD_NAMES = ['cost', 'tools', 'connectors', 'errors', 'performance', 'findings', 'adoption', 'productivity', 'workspaces', 'health'] as const;
export type BoardName = (typeof BOARD_NAMES)[number];

export interface Place {
  label: string;
  route: Route;
  /** The letter after `g`. */
  key: string;
  /** Pages that belong to it, beside its own. */
  pages?: ReadonlyArray<Route['page']>;
}

const board = (id: BoardName, label: string, key: string): Place => ({ label, route: { page: 'board', id }, key });

export const GROUPS: ReadonlyArray<{ title: string; places: ReadonlyArray<Place> }> = [
  {
    title: 'Now',
    places: [
      { label: 'Overview', route: { page: 'overview' }, key: 'o' },
      { label: 'Live', route: { page: 'live' }, key: 'l' },
    ],
  },
  {
    title: 'Work',
    places: [
      { label: 'Prompts', route: { page: 'prompts' }, key: 'p', pages: ['replay'] },
      { label: 'Sessions', route: { page: 'sessions' }, key: 's', pages: ['session'] },
      board('workspaces', 'Workspaces', 'w'),
    ],
  },
  {
    title: 'Money and use',
    places: [board('cost', 'Cost', 'c'), board('adoption', 'Adoption', 'a'), board('productivity', 'Productivity', 'y')],
  },
  {
    title: 'Control',
    places: [
      board('tools', 'Tools & permissions', 't'),
      board('connectors', 'Connectors', 'm'),
      board('errors', 'Errors', 'e'),
      board('performance', 'Performance', 'd'),
      board('findings', 'Findings', 'f'),
      board('health', 'Data health', 'h'),
    ],
  },
  {
    title: 'Ask',
    places: [
      { label: 'Explore', route: { page: 'explore' }, key: 'x' },
      { label: 'Reports', route: { page: 'reports' }, key: 'r', pages: ['report'] },
    ],
  },
  {
    title: 'Access',
    places: [
      { label: 'Connect', route: { page: 'connect' }, key: 'n' },
      { label: 'Tokens', route: { page: 'tokens' }, key: 'i' },
      { label: 'People & keys', route: { page: 'access' }, key: 'k' },
      { label: 'Audit', route: { page: 'audit' }, key: 'u' },
      { label: 'Privacy', route: { page: 'privacy' }, key: 'v' },
    ],
  },
];

export const PLACES: ReadonlyArray<Place> = GROUPS.flatMap(({ places }) => places);

/** Whether a page is the one that a place leads to, or belongs to it. */
export function isAt(place: Place, route: Route): boolean {
  if (place.pages?.includes(route.page)) return true;
  if (place.route.page !== route.page) return false;
  return place.route.page !== 'board' || (route.page === 'board' && place.route.id === route.id);
}
