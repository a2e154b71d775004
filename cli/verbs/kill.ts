/** `tollgate kill`: ends one statement that waits, runs or is in doubt, with a reason that its author is told; or freezes. */
import type { Command } from 'commander';
import { z } from 'zod';
import { tryParseTicketId } from '../../base/ids.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { freezeVerb } from './kill-freeze.js';
import type { FreezeOptions } from './kill-freeze.js';

export function registerKill(program: Command, terminal: Terminal): void {
  program
    .command('kill [ticket]')
    .description(
      'end a statement that waits, runs or is in doubt; what it used so far is charged. Or freeze what sends them',
    )
    .option(
      '--freeze <what>',
      'admit nothing new of team:<id>, principal:<id>, warehouse:<name>, tier:<id> or everything',
    )
    .option('--thaw <what>', 'end a freeze, by what is frozen or by its number')
    .option('--frozen', 'list what is frozen')
    .option('--until <time>', 'when a freeze ends by itself: 30m, 4h, friday, 2026-12-01T18:00:00Z')
    .option('--reason <text>', 'why; authors are told, and the audit log keeps it')
    .option('--json', 'print the answer of the API')
    .action((ticket: string | undefined, options: FreezeOptions) => {
      const freezing = [options.freeze, options.thaw, options.frozen].filter(
        (each) => each !== undefined,
      );
      if (freezing.length + (ticket === undefined ? 0 : 1) !== 1)
        throw new VerbError(
          'Say one thing to end: a ticket, or --freeze, --thaw or --frozen; `tollgate top` lists what runs.',
          2,
        );
      return ticket === undefined ? freezeVerb(terminal, options) : kill(terminal, ticket, options);
    });
}

async function kill(terminal: Terminal, ticket: string, options: FreezeOptions): Promise<void> {
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
  terminal.print(options.json === true ? answer.trim() : killText(ticketId, answer));
}

const ANSWER = z.object({ isInDoubt: z.boolean() });

/** What becomes of a statement, from the answer of the API to its kill. ZodError for an answer of another form. */
export function killText(ticketId: string, answer: string): string {
  const { isInDoubt } = ANSWER.parse(JSON.parse(answer));
  return isInDoubt
    ? `${ticketId} is in doubt: no replica has it. It is cancelled as soon as Snowflake's query history shows that it runs.`
    : `${ticketId} is ended by the replica that has it.`;
}
