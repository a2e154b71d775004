/** `tollgate close adjust`, `decide`, `adjustments`, `dispute`, `resolve`, `disputes`: what is found wrong on closed bills. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { listJson } from '../list-options.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { shortAmount } from './amount.js';

interface Options {
  readonly on?: string;
  readonly corrects?: string;
  readonly line?: string;
  readonly owner?: string;
  readonly due?: string;
  readonly accept?: boolean;
  readonly refuse?: boolean;
  readonly withdraw?: boolean;
  readonly approve?: boolean;
  readonly decline?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

// Only what is printed; the API says more.
const ADJUSTMENT = z.object({
  id: z.string(),
  creditedTeam: z.string(),
  debitedTeam: z.string(),
  amount: z.string(),
  currency: z.string(),
  corrects: z.object({ month: z.string() }).nullable(),
  state: z.string(),
  bookedIn: z.string().nullable(),
  proposedBy: z.string(),
  reason: z.string(),
});
const DISPUTE = z.object({
  id: z.string(),
  team: z.string(),
  month: z.string(),
  amount: z.string(),
  currency: z.string(),
  state: z.string(),
  owner: z.string(),
  dueOn: z.string(),
  isOverdue: z.boolean(),
  adjustmentId: z.string().nullable(),
  reason: z.string(),
});

export function registerBookingVerbs(close: Command, terminal: Terminal): void {
  registerAdjustments(close, terminal);
  registerDisputes(close, terminal);
}

function registerAdjustments(close: Command, terminal: Terminal): void {
  close
    .command('adjust <team> <amount>')
    .description("take an amount off a team's bill and put it on another's, in the open month")
    .requiredOption('--reason <text>', 'why; it stands on both bills')
    .option('--on <team>', 'who bears it; absent: the team that bears rounding')
    .option('--corrects <month>', 'the closed month that it mends')
    .option('--line <id>', 'the line of that month')
    .option('--json', 'print the answer of the API')
    .action((team: string, amount: string, options: Options) =>
      adjust(terminal, team, amount, options),
    );
  close
    .command('decide <adjustment>')
    .description('approve or decline an adjustment that somebody else proposed')
    .option('--approve', 'it is booked in the open month')
    .option('--decline', 'it is not')
    .requiredOption('--reason <text>', 'why')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: Options) =>
      send(terminal, `/adjustments/${encodeURIComponent(id)}/decision`, options, {
        decision: oneOf(options, { approve: 'approved', decline: 'declined' }),
        reason: options.reason,
      }),
    );
  close
    .command('adjustments')
    .description('the adjustments, the latest first')
    .option('--json', 'print the answer of the API')
    .action((options: Options) => list(terminal, 'adjustments', options));
}

function registerDisputes(close: Command, terminal: Terminal): void {
  close
    .command('dispute <team> <month> <amount>')
    .description('say what is wrong on a bill, who decides it and until when')
    .requiredOption('--reason <text>', 'what is wrong')
    .option('--line <id>', 'the line of the bill; absent: the bill as a whole')
    .option('--owner <name>', 'who decides it; absent: finance')
    .option('--due <day>', 'until when')
    .option('--json', 'print the answer of the API')
    .action((team: string, month: string, amount: string, options: Options) =>
      send(terminal, '/disputes', options, {
        team,
        month,
        amount,
        reason: options.reason,
        ...(options.line === undefined ? {} : { lineId: options.line }),
        ...(options.owner === undefined ? {} : { owner: options.owner }),
        ...(options.due === undefined ? {} : { dueOn: options.due }),
      }),
    );
  close
    .command('resolve <dispute>')
    .description('accept a dispute (an adjustment in the open month), refuse it, or take it back')
    .option('--accept', 'the team is credited')
    .option('--refuse', 'the bill stays as it is')
    .option('--withdraw', 'by who raised it')
    .option('--on <team>', 'who bears an accepted one; absent: the team that bears rounding')
    .requiredOption('--reason <text>', 'why')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: Options) =>
      send(terminal, `/disputes/${encodeURIComponent(id)}/decision`, options, {
        outcome: oneOf(options, { accept: 'accepted', refuse: 'refused', withdraw: 'withdrawn' }),
        reason: options.reason,
        ...(options.on === undefined ? {} : { debitedTeam: options.on }),
      }),
    );
  close
    .command('disputes')
    .description('the disputes, the latest first')
    .option('--json', 'print the answer of the API')
    .action((options: Options) => list(terminal, 'disputes', options));
}

function adjust(
  terminal: Terminal,
  creditedTeam: string,
  amount: string,
  options: Options,
): Promise<void> {
  const { corrects, line, on, reason } = options;
  if (line !== undefined && corrects === undefined)
    throw new VerbError('--line is of a month: name it by --corrects.', 2);
  return send(terminal, '/adjustments', options, {
    creditedTeam,
    amount,
    reason,
    ...(on === undefined ? {} : { debitedTeam: on }),
    ...(corrects === undefined
      ? {}
      : { corrects: { month: corrects, ...(line === undefined ? {} : { lineId: line }) } }),
  });
}

/** The word of the one flag that stands. */
function oneOf(options: Options, words: Partial<Record<keyof Options, string>>): string {
  const names = Object.keys(words) as (keyof Options)[];
  const [named, other] = names.filter((name) => options[name] === true);
  if (named === undefined || other !== undefined)
    throw new VerbError(`Say one of ${names.map((name) => `--${name}`).join(', ')}.`, 2);
  return words[named] ?? named;
}

async function send(
  terminal: Terminal,
  path: string,
  { json }: Options,
  body: object,
): Promise<void> {
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(`/api/v1${path}`, body);
  terminal.print(json === true ? answer.trim() : oneText(JSON.parse(answer)));
}

function oneText(answer: unknown): string {
  const adjusted = z.object({ adjustment: ADJUSTMENT }).safeParse(answer);
  if (adjusted.success) return adjustmentText(adjusted.data.adjustment);
  const { dispute } = z.object({ dispute: DISPUTE }).parse(answer);
  const { id, state, owner, dueOn, adjustmentId } = dispute;
  if (state === 'waiting') return `Dispute ${id} waits for ${owner}, until ${dueOn}.`;
  const adjustment = adjustmentId === null ? '' : `; adjustment ${adjustmentId}`;
  return `Dispute ${id} is ${state}${adjustment}.`;
}

function adjustmentText(of: z.infer<typeof ADJUSTMENT>): string {
  const what = `${shortAmount(of.amount, of.currency)} off ${of.creditedTeam}, borne by ${of.debitedTeam}`;
  if (of.state === 'waiting')
    return `Adjustment ${of.id}: ${what}. Another person approves it: tollgate close decide ${of.id} --approve --reason "<why>"`;
  return of.bookedIn === null
    ? `Adjustment ${of.id} is ${of.state}.`
    : `Adjustment ${of.id}: ${what}, in ${of.bookedIn}.`;
}

async function list(
  terminal: Terminal,
  name: 'adjustments' | 'disputes',
  { json }: Options,
): Promise<void> {
  const { config, secrets } = configuration();
  const read = await adminClient(config, secrets).list(`/api/v1/${name}`, name, z.unknown());
  if (json === true) return terminal.print(listJson(name, read));
  if (read.rows.length === 0) return terminal.print(`There are no ${name}.`);
  terminal.print(
    name === 'adjustments'
      ? adjustmentsText(z.array(ADJUSTMENT).parse(read.rows), terminal.columns)
      : disputesText(z.array(DISPUTE).parse(read.rows), terminal.columns),
  );
}

function adjustmentsText(
  adjustments: readonly z.infer<typeof ADJUSTMENT>[],
  columns: number,
): string {
  return table(
    ['id', 'state', 'off', 'borne by', 'amount', 'mends', 'booked in', 'by', freeText('reason')],
    adjustments.map((each) => [
      each.id,
      each.state,
      each.creditedTeam,
      each.debitedTeam,
      shortAmount(each.amount, each.currency),
      each.corrects?.month ?? '',
      each.bookedIn ?? '',
      each.proposedBy,
      each.reason,
    ]),
    columns,
  );
}

function disputesText(disputes: readonly z.infer<typeof DISPUTE>[], columns: number): string {
  return table(
    ['id', 'state', 'team', 'month', 'amount', 'owner', 'due', freeText('reason')],
    disputes.map((each) => [
      each.id,
      each.isOverdue ? 'overdue' : each.state,
      each.team,
      each.month,
      shortAmount(each.amount, each.currency),
      each.owner,
      each.dueOn,
      each.reason,
    ]),
    columns,
  );
}
