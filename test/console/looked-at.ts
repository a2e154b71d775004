/** Every page by its name and address: what is looked at in all colours, and what is searched for other teams. */
import { PAST_MONTH } from './finance-tasks.js';

export const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['budgets', '/'],
  ['live', '/live'],
  ['statements', '/tickets'],
  ['price', '/price'],
  ['requests', '/requests'],
  ['costs', '/costs'],
  ['months', '/months'],
  ['month', `/months/${PAST_MONTH}`],
  ['bills', '/bills'],
  ['disputes', '/disputes'],
  ['tiers', '/tiers'],
  ['unusual', '/unusual'],
  ['teams', '/teams'],
  ['team', '/teams/growth'],
  ['rules', '/rules'],
  ['control', '/control'],
  ['checks', '/checks'],
  ['audit', '/audit'],
  ['sign-ins', '/sign-ins'],
];
