/** The pages, who sees them, and links of refusals. */
import type { Role } from './roles.js';

export interface Place {
  readonly path: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** Of who is signed in: linked beside their name, not in the row of pages. */
  readonly isOwn?: true;
}

const EVERYBODY: readonly Role[] = ['platform', 'finance', 'team-lead', 'analyst'];

export const PLACES: readonly Place[] = [
  { path: '/', name: 'Budgets', roles: EVERYBODY },
  { path: '/live', name: 'Live', roles: EVERYBODY },
  { path: '/tiers', name: 'Tiers', roles: EVERYBODY },
  { path: '/tickets', name: 'Statements', roles: EVERYBODY },
  { path: '/price', name: 'Price', roles: ['platform', 'team-lead', 'analyst'] },
  { path: '/requests', name: 'Requests', roles: EVERYBODY },
  { path: '/costs', name: 'Costs', roles: ['platform', 'finance', 'team-lead'] },
  { path: '/months', name: 'Months', roles: ['platform', 'finance'] },
  { path: '/bills', name: 'Bills', roles: ['team-lead'] },
  { path: '/disputes', name: 'Disputes', roles: ['platform', 'finance', 'team-lead'] },
  { path: '/unusual', name: 'Unusual', roles: ['platform', 'finance', 'team-lead'] },
  { path: '/teams', name: 'Teams', roles: ['platform', 'finance', 'team-lead'] },
  { path: '/rules', name: 'Rules', roles: ['platform'] },
  { path: '/control', name: 'Control', roles: ['platform'] },
  { path: '/checks', name: 'Checks', roles: ['platform', 'finance'] },
  { path: '/audit', name: 'Audit', roles: ['platform'] },
  { path: '/sign-ins', name: 'Your sign-ins', roles: EVERYBODY, isOwn: true },
];

/** The places of a role in the row of pages, in their order. */
export function placesOf(role: Role): readonly Place[] {
  return PLACES.filter(({ roles, isOwn }) => roles.includes(role) && isOwn !== true);
}

/** The place that a path belongs to; undefined: none. */
export function placeOf(path: string): Place | undefined {
  const first = `/${path.split('/')[1] ?? ''}`;
  return PLACES.find((place) => place.path === first);
}

/** `#/tickets/1` → `/tickets/1`: refusals link so, because no server in between can lose it; null: no such link. */
export function pathOfHash(hash: string): string | null {
  return /^#\/[\w./?=&-]*$/.test(hash) && !hash.startsWith('#//') ? hash.slice(1) : null;
}
