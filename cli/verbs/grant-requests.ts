/** `tollgate grant request`, `list`, `approve`, `decline`, `withdraw`: what teams ask for after a refusal. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { HISTORY_ROWS, LIMIT, rowsMaxOf, tellOfMore } from '../list-options.js';
import { wrap } from '../plan-text.js';
import { freeText, minuteText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { amountFields, shortAmount } from './amount.js';

interface Options {
  readonly state?: string;
  readonly amount?: string;
  readonly runs?: string;
  readonly hours?: string;
  readonly until?: string;
  readonly shape?: boolean;
  readonly team?: boolean;
  readonly reason?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

// Only what is printed; the API says more.
const PASS = z.object({
  ticketId: z.string(),
  team: z.string(),
  principal: z.string().nullable(),
  isForShape: z.boolean(),
  passes: z.array(z.string()),
  leftCredits: z.string().nullable(),
  runsMax: z.int().nullable(),
  usedRuns: z.int(),
  expiresAt: z.string(),
});
const REQUEST = z.object({
  ticketId: z.string(),
  state: z.string(),
  team: z.string(),
  principal: z.string(),
  reason: z.string(),
  wants: z.string(),
  passes: z.array(z.string()),
  asked: z.object({
    credits: z.string().nullable(),
    runs: z.int().nullable(),
    hours: z.int().nullable(),
    shape: z.boolean(),
  }),
  refusalCode: z.string(),
  needsCredits: z.string(),
  needsAmount: z.string(),
  currency: z.string(),
  budgetId: z.string().nullable(),
  askedAt: z.string(),
  decision: z.object({ author: z.string(), grantedCredits: z.string().nullable() }).nullable(),
  pass: PASS.nullable(),
});
const RAISE = z.object({
  id: z.string(),
  budgetId: z.string(),
  credits: z.string(),
  amount: z.string().nullable(),
  currency: z.string().nullable(),
  endsAt: z.string(),
  reason: z.string(),
});
const ONE = z.object({ request: REQUEST });

export function registerRequestVerbs(grant: Command, terminal: Terminal): void {
  grant
    .command('request <ticket>')
    .description('ask for a refused statement of the own team')
    .requiredOption('--reason <text>', 'why')
    .option('--amount <amount>', '"250 USD" or "12.5 credits", for all its runs')
    .option('--runs <count>', 'how often it should run')
    .option('--hours <count>', 'for how long')
    .option('--shape', 'for its shape, with other literals too')
    .option('--json', 'print the answer of the API')
    .action((ticket: string, options: Options) => ask(terminal, ticket, options));
  grant
    .command('list')
    .description('what waits for a decision, and the passes and raises that last')
    .option('--state <state>', 'requests in another state: granted, declined, withdrawn, expired')
    .option(LIMIT, 'how many requests in another state, or `all`', HISTORY_ROWS)
    .option('--json', 'print the answers of the API')
    .action((options: Options) => list(terminal, options));
  grant
    .command('approve <ticket>')
    .description('grant what was asked for, or as the options say')
    .option('--amount <amount>', '"250 USD" or "12.5 credits"')
    .option('--runs <count>', 'of a pass: how often')
    .option('--until <day>', 'friday, 2026-12-01, 2026-12-01T18:00:00Z or 24h')
    .option('--shape', 'of a pass: for the shape, with other literals too')
    .option('--team', 'of a pass: for everybody in the team')
    .option('--reason <text>', 'why; kept with the decision')
    .option('--json', 'print the answer of the API')
    .action((ticket: string, options: Options) => approve(terminal, ticket, options));
  grant
    .command('decline <ticket>')
    .description('decline a request; whoever asked reads the reason')
    .requiredOption('--reason <text>', 'why')
    .option('--json', 'print the answer of the API')
    .action((ticket: string, { reason, json }: Options) =>
      decide(terminal, ticket, { decision: 'declined', reason }, json),
    );
  grant
    .command('withdraw <ticket>')
    .description('take back a request of the own team that waits')
    .option('--reason <text>', 'why')
    .option('--json', 'print the answer of the API')
    .action((ticket: string, { reason, json }: Options) =>
      send(terminal, `${pathOf(ticket)}/withdraw`, reason === undefined ? {} : { reason }, json),
    );
}

function pathOf(ticket: string): string {
  return `/api/v1/requests/${encodeURIComponent(ticket)}`;
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}

async function ask(terminal: Terminal, ticketId: string, options: Options): Promise<void> {
  const { reason, amount, runs, hours, shape, json } = options;
  const body = {
    ticketId,
    reason,
    ...(amount === undefined ? {} : amountFields(amount)),
    ...(runs === undefined ? {} : { runs: whole(runs, '--runs') }),
    ...(hours === undefined ? {} : { hours: whole(hours, '--hours') }),
    ...(shape === true ? { shape } : {}),
  };
  await send(terminal, '/api/v1/requests', body, json);
}

async function approve(terminal: Terminal, ticket: string, options: Options): Promise<void> {
  const { reason = 'granted on the command line', amount, runs, until, shape, team } = options;
  const body = {
    decision: 'granted',
    reason,
    ...(amount === undefined ? {} : amountFields(amount)),
    ...(runs === undefined ? {} : { runs: whole(runs, '--runs') }),
    ...(until === undefined ? {} : { until }),
    ...(shape === true ? { shape } : {}),
    ...(team === true ? { scope: 'team' } : {}),
  };
  await decide(terminal, ticket, body, options.json);
}

function decide(
  terminal: Terminal,
  ticket: string,
  body: object,
  isJson: boolean | undefined,
): Promise<void> {
  return send(terminal, `${pathOf(ticket)}/decision`, body, isJson);
}

async function send(
  terminal: Terminal,
  path: string,
  body: object,
  isJson: boolean | undefined,
): Promise<void> {
  const answer = await client().call(path, body);
  terminal.print(
    isJson === true ? answer.trim() : requestText(ONE.parse(JSON.parse(answer)).request),
  );
}

function whole(text: string, option: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new VerbError(`${option} takes a whole number from 1; ${text.slice(0, 40)} is none.`, 2);
  return Number(text);
}

/** One request as a sentence. */
function requestText(request: z.infer<typeof REQUEST>): string {
  const { ticketId, state, decision, pass, budgetId } = request;
  if (state === 'waiting') return `Asked for ${ticketId}: ${wantText(request)}; it waits.`;
  if (state !== 'granted') return `${ticketId} is ${state}, by ${decision?.author ?? ''}.`;
  const credits = decision?.grantedCredits ?? null;
  if (pass === null)
    return `Granted ${credits === null ? '' : `${shortAmount(credits)} credits on `}${budgetId ?? ''} for ${ticketId}.`;
  return `Granted ${ticketId}: ${passText(pass)}.`;
}

function wantText({
  wants,
  budgetId,
  passes,
  needsCredits,
  needsAmount,
  currency,
}: z.infer<typeof REQUEST>): string {
  const needs = `${shortAmount(needsCredits)} credits (${shortAmount(needsAmount, currency)})`;
  return wants === 'credits'
    ? `${needs} on ${budgetId ?? ''}`
    : `${needs}, past ${passes.join(', ')}`;
}

function passText(pass: z.infer<typeof PASS>): string {
  const { principal, team, isForShape, passes, leftCredits, runsMax, usedRuns, expiresAt } = pass;
  const bounds = [
    ...(runsMax === null ? [] : [`${Math.max(0, runsMax - usedRuns)} of ${runsMax} runs left`]),
    ...(leftCredits === null ? [] : [`${shortAmount(leftCredits)} credits left`]),
  ];
  return `${isForShape ? 'its shape' : 'its text'} by ${principal ?? `team ${team}`}, past ${passes.join(', ')}, ${bounds.join(', ')}, until ${minuteText(expiresAt)}`;
}

async function list(
  terminal: Terminal,
  { state = 'waiting', limit = HISTORY_ROWS, json }: Options,
): Promise<void> {
  const api = client();
  const isWaiting = state === 'waiting';
  const path = `/api/v1/requests?state=${encodeURIComponent(state)}`;
  // What waits for somebody is never cut.
  const rowsMax = isWaiting ? undefined : rowsMaxOf(limit);
  const requests = await api.list(path, 'requests', z.unknown(), rowsMax);
  tellOfMore(terminal, requests);
  const listed: Listed = {
    requests: requests.rows,
    ...(isWaiting
      ? {
          passes: (await api.list('/api/v1/passes', 'passes', z.unknown())).rows,
          raises: await raisesOrNone(api),
        }
      : {}),
  };
  terminal.print(
    json === true
      ? JSON.stringify({ ...listed, nextCursor: requests.nextCursor })
      : listText(listed, terminal.columns, state),
  );
}

/** An analyst sees no raises; that is no failure of the list. */
async function raisesOrNone(api: AdminClient): Promise<readonly unknown[] | undefined> {
  try {
    return (await api.list('/api/v1/raises', 'raises', z.unknown())).rows;
  } catch (thrown) {
    if (thrown instanceof VerbError && /may not do this/.test(thrown.message)) return undefined;
    throw thrown;
  }
}

interface Listed {
  readonly requests: readonly unknown[];
  readonly passes?: readonly unknown[];
  readonly raises?: readonly unknown[] | undefined;
}

/** Up to three tables; a list without entries says so, or is left out. */
function listText(listed: Listed, columns: number, state: string): string {
  const requests = z.array(REQUEST).parse(listed.requests);
  const passes = z.array(PASS).parse(listed.passes ?? []);
  const raises = z.array(RAISE).parse(listed.raises ?? []);
  const waiting =
    requests.length === 0
      ? `No request is ${state}.`
      : requests.flatMap((each) => requestLines(each, columns)).join('\n');
  return [
    waiting,
    ...(passes.length === 0
      ? []
      : [
          `Passes that last\n${passes.map((each) => `${each.ticketId}  ${passText(each)}`).join('\n')}`,
        ]),
    ...(raises.length === 0 ? [] : [`Raises that last\n${raisesText(raises, columns)}`]),
  ].join('\n\n');
}

/** A ticket is typed again by whoever decides, and so is never cut: its request stands below it. */
function requestLines(request: z.infer<typeof REQUEST>, columns: number): readonly string[] {
  const { ticketId, principal, team, refusalCode, budgetId, passes, reason } = request;
  const needs = shortAmount(request.needsAmount, request.currency);
  const past = budgetId ?? passes.join(', ');
  return [
    ticketId,
    ...[
      `${principal} of ${team}, ${minuteText(request.askedAt)}`,
      `${refusalCode} ${past}, needs ${needs}`,
      ...askedLines(request),
      `“${reason}”`,
    ].flatMap((line) => wrap(line, columns, '  ', '    ')),
  ];
}

/** What was asked for beyond one run of this text: approving without options grants it. */
function askedLines({ asked }: z.infer<typeof REQUEST>): readonly string[] {
  const parts = [
    ...(asked.credits === null ? [] : [`${shortAmount(asked.credits)} credits`]),
    ...(asked.runs === null ? [] : [`runs: ${asked.runs}`]),
    ...(asked.hours === null ? [] : [`hours: ${asked.hours}`]),
    ...(asked.shape ? ['its shape, with other literals too'] : []),
  ];
  return parts.length === 0 ? [] : [`asks for ${parts.join(', ')}`];
}

function raisesText(raises: readonly z.infer<typeof RAISE>[], columns: number): string {
  return table(
    ['id', 'budget', 'credits', 'money', 'until', freeText('reason')],
    raises.map((each) => [
      each.id,
      each.budgetId,
      shortAmount(each.credits),
      each.amount === null || each.currency === null ? '' : shortAmount(each.amount, each.currency),
      minuteText(each.endsAt),
      each.reason,
    ]),
    columns,
  );
}
