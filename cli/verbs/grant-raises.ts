/** `tollgate grant raise` and `revoke`: more credits on any budget until a day, and the end of what was granted. */
import type { Command } from 'commander';
import { z } from 'zod';
import { tryParseTicketId } from '../../base/ids.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { amountFields, shortAmount } from './amount.js';

interface RaiseOptions {
  readonly until?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

const RAISED = z.object({
  budgetId: z.string(),
  credits: z.string(),
  amount: z.string().nullable(),
  currency: z.string().nullable(),
  endsAt: z.string().nullable(),
  timeZone: z.string(),
});

const REVOKED = z.union([
  z.object({ raise: z.object({ budgetId: z.string(), credits: z.string() }) }),
  z.object({ pass: z.object({ ticketId: z.string() }) }),
]);

/** Of `--until`, wherever credits are given; the API reads it, in the zone of the budget. */
export const UNTIL_HELP =
  'friday, 2026-12-01, 2026-12-01T18:00:00Z or 3d; with its period unless given';

export function registerRaiseVerbs(grant: Command, terminal: Terminal): void {
  grant
    .command('raise <budget> <amount> [unit]')
    .description(
      'add credits to a budget, or to that of a team: `raise data-science 250 USD --until friday`',
    )
    .option('--until <day>', UNTIL_HELP)
    .option('--reason <text>', 'why; kept with it')
    .option('--json', 'print the answer of the API')
    .action((budget: string, amount: string, unit: string | undefined, options: RaiseOptions) =>
      raise(terminal, budget, unit === undefined ? amount : `${amount} ${unit}`, options),
    );
  grant
    .command('revoke <id>')
    .description('end a pass (its ticket) or a raise (its number) before its time')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: RaiseOptions) => revoke(terminal, id, options));
}

async function raise(
  terminal: Terminal,
  budget: string,
  amount: string,
  { until, reason, json }: RaiseOptions,
): Promise<void> {
  const body = {
    budget,
    ...amountFields(amount),
    ...(until === undefined ? {} : { until }),
    reason: reason ?? 'raised on the command line',
  };
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call('/api/v1/raises', body);
  if (json === true) return terminal.print(answer.trim());
  const raised = RAISED.parse(JSON.parse(answer));
  const money =
    raised.amount === null || raised.currency === null
      ? ''
      : ` (${shortAmount(raised.amount, raised.currency)})`;
  const end = raised.endsAt === null ? '' : ` until ${whenText(raised.endsAt, raised.timeZone)}`;
  terminal.print(
    `Raised ${raised.budgetId} by ${shortAmount(raised.credits)} credits${money}${end}.`,
  );
}

/** `Sat 28 Nov 2026 00:00 Europe/Berlin`. */
function whenText(instant: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(Date.parse(instant));
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('weekday')} ${part('day')} ${part('month')} ${part('year')} ${part('hour')}:${part('minute')} ${timeZone}`;
}

async function revoke(
  terminal: Terminal,
  id: string,
  { reason, json }: RaiseOptions,
): Promise<void> {
  const isPass = tryParseTicketId(id) !== undefined;
  if (!isPass && !/^\d{1,18}$/.test(id))
    throw new VerbError(
      `"${id.slice(0, 60)}" is neither the ticket of a pass nor the number of a raise; \`tollgate grant list\` shows both.`,
      2,
    );
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(
    `/api/v1/${isPass ? 'passes' : 'raises'}/${id}/revoke`,
    { reason: reason ?? 'revoked on the command line' },
  );
  if (json === true) return terminal.print(answer.trim());
  const revoked = REVOKED.parse(JSON.parse(answer));
  terminal.print(
    'pass' in revoked
      ? `Revoked the pass ${revoked.pass.ticketId}; statements that run by it run on.`
      : `Took back ${shortAmount(revoked.raise.credits)} credits of ${revoked.raise.budgetId}; what was spent of them stays spent.`,
  );
}
