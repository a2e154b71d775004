/** `tollgate notifications`: what teams and administrators were told, what did not arrive, and telling it again. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface NotificationOptions {
  readonly dead?: boolean;
  readonly retry?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

const LIST = z.object({
  notifications: z.array(
    z.object({
      id: z.string(),
      severity: z.string(),
      team: z.string().nullable(),
      title: z.string(),
      occurredAt: z.string(),
      deliveries: z.array(
        z.object({ channel: z.string(), state: z.string(), problem: z.string().nullable() }),
      ),
    }),
  ),
});

export function registerNotifications(program: Command, terminal: Terminal): void {
  program
    .command('notifications')
    .description('what teams and administrators were told, the newest first')
    .option('--dead', 'only what was given up')
    .option('--retry <id>', 'tell one again where it was given up')
    .option('--reason <text>', 'why, for the audit log', 'asked for on the command line')
    .option('--json', 'print the answer of the API')
    .action((options: NotificationOptions) => notifications(terminal, options));
}

async function notifications(terminal: Terminal, options: NotificationOptions): Promise<void> {
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  const { retry, reason, dead, json } = options;
  if (retry !== undefined) {
    const path = `/api/v1/notifications/${encodeURIComponent(retry)}/retry`;
    const answer = await client.call(path, { reason });
    return terminal.print(json === true ? answer.trim() : `Notification ${retry} is told again.`);
  }
  const answer = await client.call(`/api/v1/notifications${dead === true ? '?state=dead' : ''}`);
  terminal.print(json === true ? answer.trim() : layOutNotifications(answer, terminal.columns));
}

/** The list for people: one row each, with what became of it at each channel. */
export function layOutNotifications(answer: string, columns: number): string {
  const parsed = LIST.safeParse(JSON.parse(answer));
  if (!parsed.success)
    throw new VerbError(
      'The admin API answered with something that is not a list of notifications.',
    );
  const { notifications: listed } = parsed.data;
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
