/** What every verb that prints a list of the API has in common: how much of it is printed, as what, and what is left out. */
import type { ApiList } from './admin-client.js';
import type { Terminal } from './terminal.js';
import { VerbError } from './verb-error.js';

/** Of lists that grow with every day; whoever wants more says so. */
export const LIMIT = '--limit <count>';
export const LIMIT_HELP = 'how many rows, or `all`';
/** Rows of a history when nobody says how many. */
export const HISTORY_ROWS = '100';

/**
 * Rows that `--limit` asks for.
 * @returns undefined for `all`, as {@link AdminClient.list} takes it.
 * @throws VerbError (usage) for anything that is neither `all` nor a whole number from 1.
 */
export function rowsMaxOf(limit: string): number | undefined {
  if (limit === 'all') return undefined;
  if (/^[1-9]\d{0,5}$/.test(limit)) return Number(limit);
  throw new VerbError(
    `--limit takes a whole number from 1 to 999999, or all; ${limit.slice(0, 40)} is neither.`,
    2,
  );
}

/** The list as the API tells it, in one page. */
export function listJson(name: string, { rows, nextCursor }: ApiList<unknown>): string {
  return JSON.stringify({ [name]: rows, nextCursor });
}

/** Says that a list goes on, where it does. It is no part of the list, and so does not stand in what is piped. */
export function tellOfMore(terminal: Terminal, list: ApiList<unknown>): void {
  if (list.nextCursor === null) return;
  terminal.complain(`These are the first ${list.rows.length}; --limit <count> or all prints more.`);
}
