/** `tollgate kill`: ends one statement that waits or runs, with a reason that its author is told. */
import type { Command } from 'commander';
import { tryParseTicketId } from '../../base/ids.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface KillOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

export function registerKill(program: Command, terminal: Terminal): void {
  program
    .command('kill <ticket>')
    .description('end a statement that waits or runs; what it used so far is charged')
    .option('--reason <text>', 'why; its author is told, and the audit log keeps it')
    .option('--json', 'print the answer of the API')
    .action((ticket: string, options: KillOptions) => kill(terminal, ticket, options));
}

async function kill(terminal: Terminal, ticket: string, options: KillOptions): Promise<void> {
  const ticketId = tryParseTicketId(ticket);
  if (ticketId === undefined) {
    throw new VerbError(
      `${ticket.slice(0, 80)} is not a ticket id; \`tollgate top\` lists those of what runs.`,
      2,
    );
  }
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(`/api/v1/tickets/${ticketId}/kill`, {
    reason: options.reason ?? 'ended on the command line',
  });
  terminal.print(
    options.json === true
      ? answer.trim()
      : `Ticket ${ticketId} is ended by the replica that has it.`,
  );
}
