/** `tollgate import --unload-sql`: what somebody who may read the account's views runs there, for those who may not. */
import { tryParseInstant } from '../../policies/control/instant.js';
import { USAGE_VIEWS, VIEWS } from '../../billing/usage/read-views.js';
import { viewQuery } from '../../billing/usage/view-reading.js';
import type { EpochMs, Period } from '../../base/time.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

/** As the first import of a view: the current month and the one before it. */
const UNLOADED_MS = 62 * 86_400_000;
const STAGE = '@~/tollgate/';
const FILE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Prints the statements that unload every view from an instant on, as the import would ask for them: instants as numbers, so
 * that no time zone is lost, and amounts as text, so that no digit is. @returns the exit code. Throws VerbError (usage) by option.
 */
export function runUnload(terminal: Terminal, from: string | undefined, now: EpochMs): number {
  const startsAt = from === undefined ? now - UNLOADED_MS : tryParseInstant(from);
  if (startsAt === undefined || startsAt >= now)
    throw new VerbError('--from must be an instant in the past, such as 2026-10-01.', 2);
  terminal.print(unloadSql({ startsAt, endsAt: now }));
  return 0;
}

/** The statements, with what follows them. */
export function unloadSql(period: Period): string {
  return [
    '-- Run as a role that may read database SNOWFLAKE, on any warehouse; then fetch the files and give them to Tollgate:',
    `--   GET ${STAGE} file://exports/;   REMOVE ${STAGE};`,
    '--   tollgate import --file exports/',
    "ALTER SESSION SET TIMEZONE = 'UTC';",
    ...USAGE_VIEWS.map(
      (view) =>
        `COPY INTO ${STAGE}${view} FROM (\n  ${viewQuery(view, VIEWS[view], period)}\n) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE MAX_FILE_SIZE = ${FILE_BYTES_MAX} OVERWRITE = TRUE;`,
    ),
  ].join('\n');
}
