/** `tollgate notifications`: what teams and administrators were told, what did not arrive, and telling it again. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import {
  HISTORY_ROWS,
  LIMIT,
  LIMIT_HELP,
  listJson,
  rowsMaxOf,
  tellOfMore,
} from '../list-options.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface NotificationOptions {
  readonly dead?: boolean;
  readonly retry?: string;
  readonly reason?: string;
  readonly limit: string;
  readonly json?: boolean;
}

const NOTIFICATION = z.object({
  id: z.string(),
  severity: z.string(),
  team: z.string().nullable(),
  title: z.string(),
  occurredAt: z.string(),
  deliveries: z.array(
    z.object({ channel: z.string(), state: z.string(), problem: z.string().nullable() }),
  ),
});

export function registerNotifications(program: Command, terminal: Terminal): void {
  program
    .command('notifications')
    .description('what teams and administrators were told, the newest first')
    .option('--dead', 'only what was given up')
    .option('--retry <id>', 'tell one again where it was given up')
    .option('--reason <text>', 'why, for the audit log', 'asked for on the command line')
    .option(LIMIT, LIMIT_HELP, HISTORY_ROWS)
    .option('--json', 'print the answer of the API')
    .action((options: NotificationOptions) => notifications(terminal, options));
}

async function notifications(terminal: Terminal, options: NotificationOptions): Promise<void> {
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  const { retry, reason, dead, limit, json } = options;
  if (retry !== undefined) {
    const one = `/api/v1/notifications/${encodeURIComponent(retry)}`;
    const answer = await client.call(`${one}/retry`, { reason });
    return terminal.print(json === true ? answer.trim() : `Notification ${retry} is told again.`);
  }
  const path = `/api/v1/notifications${dead === true ? '?state=dead' : ''}`;
  const read = await client.list(path, 'notifications', z.unknown(), rowsMaxOf(limit));
  tellOfMore(terminal, read);
  terminal.print(
    json === true
      ? listJson('notifications', read)
      : layOutNotifications(read.rows, terminal.columns),
  );
}

/** The list for people: one row each, with what became of it at each channel. */
function layOutNotifications(rows: readonly unknown[], columns: number): string {
  const parsed = z.array(NOTIFICATION).safeParse(rows);
  if (!parsed.success)
    throw new VerbError(
      'The admin API answered with something that is not a list of notifications.',
    );
  const listed = parsed.data;
  if (listed.length === 0) return 'Nothing was told.';
  return table(
    ['id', 'when', 'severity', 'team', freeText('what'), freeText('channels')],
    listed.map(({ id, occurredAt, severity, team, title, deliveries }) => [
      id,
      occurredAt.slice(0, 16).replace('T', ' '),
      severity,
      team ?? '',
      title,
      deliveries
        .map(
          ({ channel, state, problem }) =>
            `${channel} ${problem === null ? state : `${state}: ${problem}`}`,
        )
        .join('; ') || 'none',
    ]),
    columns,
  );
}
