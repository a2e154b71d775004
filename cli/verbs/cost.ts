/** `tollgate cost`: what a period cost by Snowflake's metering, and how far that is accounted for. */
import type { Command } from 'commander';
import { z } from 'zod';
import {
  NO_CREDITS,
  sumCredits,
  compareAmounts,
  formatAmount,
  formatAmountTo,
  parseCredits,
  parseMoney,
  subtractCredits,
} from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { csvRecord } from '../../base/csv.js';
import { coveragePercent } from '../../billing/attribution/read-bypass.js';
import { BUCKETS } from '../../billing/attribution/warehouse-hour.js';
import { adminClient } from '../admin-client.js';
import { costOfHour, costOfServices, costPastTollgate } from './cost-parts.js';
import { configuration } from '../configuration.js';
import { detail, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface CostOptions {
  readonly month?: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly team?: string;
  readonly rows?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly why?: readonly string[];
  readonly services?: boolean;
  readonly bypass?: boolean;
  readonly address?: string;
}

interface CostRow {
  readonly key: string | null;
  readonly credits: string;
  readonly amount: string | null;
  readonly statements: number;
  readonly buckets: Readonly<Record<string, string>>;
}

interface Reconciliation {
  readonly meteredCredits: string;
  readonly allocatedCredits: string;
  readonly hours: number;
  readonly staleHours: number;
  readonly problems: readonly string[];
  /** Hours whose lines are not what was metered; absent where the API is of before. */
  readonly differences?: readonly Difference[] | undefined;
}

interface Difference {
  readonly warehouse: string;
  readonly startsAt: string;
  readonly meteredCredits: string;
  readonly allocatedCredits: string;
}

/** What of the API's answer is printed; it may say more. */
export interface CostReply {
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly team: string | null;
  readonly currency: string;
  readonly rows: readonly CostRow[];
  readonly totalCredits: string;
  readonly totalAmount: string | null;
  readonly reconciliation: Reconciliation | null;
}

const COST: z.ZodType<CostReply> = z.object({
  from: z.string(),
  to: z.string(),
  by: z.string(),
  team: z.string().nullable(),
  currency: z.string(),
  rows: z.array(
    z.object({
      key: z.string().nullable(),
      credits: z.string(),
      amount: z.string().nullable(),
      statements: z.number(),
      buckets: z.record(z.string(), z.string()),
    }),
  ),
  totalCredits: z.string(),
  totalAmount: z.string().nullable(),
  reconciliation: z
    .object({
      meteredCredits: z.string(),
      allocatedCredits: z.string(),
      hours: z.number(),
      staleHours: z.number(),
      problems: z.array(z.string()),
      differences: z
        .array(
          z.object({
            warehouse: z.string(),
            startsAt: z.string(),
            meteredCredits: z.string(),
            allocatedCredits: z.string(),
          }),
        )
        .optional(),
    })
    .nullable(),
});

const ROWS_SHOWN = '50';
/** As many as the API tells. */
const ROWS_OF_CSV = '10000';

export function registerCost(program: Command, terminal: Terminal): void {
  program
    .command('cost')
    .description("what a period cost by Snowflake's metering, by team unless asked otherwise")
    .option('--month <yyyy-mm>', 'a month, UTC; the current one unless given')
    .option('--from <instant>', 'a UTC date or whole hour, with --to')
    .option('--to <instant>', 'until then, not included')
    .option(
      '--by <what>',
      'team, principal, warehouse, tier, workload, model, run, dag, dashboard, user, shape, query, reason, bucket or day',
    )
    .option('--team <team>', "only what this team's statements took")
    .option(
      '--rows <count>',
      `rows at most; what is beyond them is one row; ${ROWS_SHOWN} unless given, ${ROWS_OF_CSV} as CSV`,
    )
    .option('--why <warehouse-and-hour...>', 'every line of one warehouse-hour, and who bears it')
    .option('--services', 'services beside the compute of warehouses')
    .option('--bypass', 'what ran past Tollgate, by whom, and the SQL that closes the way')
    .option('--address <network>', 'with --bypass: from where Tollgate reaches Snowflake')
    .option('--json', 'as JSON')
    .option('--csv', 'as CSV, each row with the credits of every bucket; no sums')
    .action((options: CostOptions) => cost(terminal, options));
}

async function cost(terminal: Terminal, options: CostOptions): Promise<void> {
  const { month, from, to, by, team, why, services, bypass, address } = options;
  const isCsv = options.csv === true;
  if (isCsv && (options.json === true || why !== undefined || bypass === true || services === true))
    throw new VerbError(
      '--csv is of costs by something; choose it or --json, --why, --services, --bypass.',
      2,
    );
  const rows = options.rows ?? (isCsv ? ROWS_OF_CSV : ROWS_SHOWN);
  if (why !== undefined) return costOfHour(terminal, why, options.json === true);
  if (bypass === true)
    return costPastTollgate(
      terminal,
      { month, from, to, addresses: address },
      options.json === true,
    );
  if (services === true)
    return costOfServices(terminal, { month, from, to, by, team, rows }, options.json === true);
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries({ month, from, to, by, team, rows }))
    if (value !== undefined) asked.set(name, value);
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(`/api/v1/costs?${asked.toString()}`);
  if (options.json === true) return terminal.print(answer.trim());
  const parsed = COST.safeParse(JSON.parse(answer));
  if (!parsed.success)
    throw new VerbError('The admin API answered with something that is not a cost.');
  terminal.print(isCsv ? costCsv(parsed.data) : layOutCost(parsed.data, terminal.columns));
}

/** What has no payer is of nobody; what has no model, run or dashboard said none, and may well be a team's. */
function withoutKey(by: string): string {
  return by === 'team' || by === 'principal' || by === 'user' ? '(nobody)' : `(no ${by})`;
}

/** Buckets with a column of their own; what the others have is one more. */
const SHOWN_BUCKETS = ['directCredits', 'bypassCredits', 'idleCredits'] as const;

/** The cost for people: rows, their sum, and whether it is all that was metered. */
export function layOutCost(cost: CostReply, columns: number): string {
  const { by, currency, rows, reconciliation } = cost;
  const of = cost.team === null ? '' : ` of ${cost.team}`;
  const head = `Cost${of} by ${by}, ${shortInstant(cost.from)} to ${shortInstant(cost.to)} (UTC)`;
  const body =
    rows.length === 0
      ? 'Nothing was metered, or nothing is imported yet.'
      : table(
          [
            by,
            detail('statements', 2),
            detail('direct', 5),
            detail('bypass', 4),
            detail('idle', 3),
            detail('other', 1),
            'credits',
            currency,
          ],
          [...inOrder(rows, by).map((row) => cells(row, by)), totals(cost)],
          columns,
        );
  const unpriced =
    cost.totalAmount === null
      ? [`A day of it has no price in ${currency}: enter it under prices.`]
      : [];
  const below = [
    ...unpriced,
    ...covered(cost),
    ...(reconciliation === null ? [] : told(reconciliation)),
  ];
  return [head, '', body, ...(below.length === 0 ? [] : ['', ...below])].join('\n');
}

/** The dearest first, as the API has them; days as they follow each other. */
function inOrder(rows: readonly CostRow[], by: string): readonly CostRow[] {
  if (by !== 'day') return rows;
  return rows.toSorted((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
}

function cells({ key, credits, amount, statements, buckets }: CostRow, by: string): string[] {
  const [direct, bypass, idle] = SHOWN_BUCKETS.map((name) => parseCredits(buckets[name] ?? '0'));
  const shown = sumCredits([direct, bypass, idle].map((each) => each ?? NO_CREDITS));
  const all = parseCredits(credits);
  return [
    key ?? withoutKey(by),
    statements === 0 ? '' : String(statements),
    ...[direct, bypass, idle, subtractCredits(all, shown), all].map((each) =>
      formatAmountTo(each ?? NO_CREDITS, 3),
    ),
    // Without a price of a day the column stays empty, and a line below says so.
    amount === null ? '' : formatAmountTo(parseMoney(amount), 2),
  ];
}

function totals({ by, rows, totalCredits, totalAmount }: CostReply): string[] {
  const buckets = Object.fromEntries(
    SHOWN_BUCKETS.map((name) => [
      name,
      formatAmount(sumCredits(rows.map((row) => parseCredits(row.buckets[name] ?? '0')))),
    ]),
  );
  const statements = rows.reduce((sum, row) => sum + row.statements, 0);
  const total = { key: 'total', credits: totalCredits, amount: totalAmount, statements, buckets };
  return cells(total, by);
}

/** How much of what ran came through Tollgate; of a team's own statements all did that are known to be its own. */
function covered({ team, rows }: CostReply): readonly string[] {
  const of = (bucket: string): Credits =>
    sumCredits(rows.map(({ buckets }) => parseCredits(buckets[bucket] ?? '0')));
  const bypassCredits = of('bypassCredits');
  const percent = coveragePercent([{ governedCredits: of('directCredits'), bypassCredits }]);
  if (team !== null || percent === null) return [];
  const past =
    bypassCredits === 0n
      ? ''
      : `; ${formatAmountTo(bypassCredits, 3)} ran past it (tollgate cost --bypass)`;
  return [
    `Coverage: ${percent} % of the credits that statements took came through Tollgate${past}.`,
  ];
}

function told(of: Reconciliation): readonly string[] {
  const [metered, allocated] = [parseCredits(of.meteredCredits), parseCredits(of.allocatedCredits)];
  const hours = `${of.hours} warehouse-hours, ${formatAmountTo(metered, 9)} credits metered`;
  const differences = of.differences ?? [];
  if (compareAmounts(metered, allocated) === 0 && of.staleHours === 0 && differences.length === 0)
    return [`Reconciled: ${hours}, all allocated, difference 0.`];
  return [
    `Not reconciled: ${hours}, ${formatAmountTo(allocated, 9)} allocated; ${of.staleHours} hours are not allocated by their newest figures.`,
    ...of.problems.map((problem) => `  ${problem}`),
    ...(of.differences ?? []).map(
      ({ warehouse, startsAt, meteredCredits, allocatedCredits }) =>
        `  ${warehouse} ${shortInstant(startsAt)}: ${meteredCredits} metered, ${allocatedCredits} allocated.`,
    ),
  ];
}

/** A record a row, without its last line end; a key that is not there is an empty field. */
export function costCsv({ by, currency, rows }: CostReply): string {
  const head = [by, 'statements', 'credits', 'amount', 'currency'];
  const buckets = BUCKETS.map((bucket) => `${bucket}Credits`);
  const names = BUCKETS.map(
    (bucket) => `${bucket.replace(/[A-Z]/g, (each) => `_${each.toLowerCase()}`)}_credits`,
  );
  const records = rows.map((row) => [
    row.key ?? '',
    String(row.statements),
    row.credits,
    row.amount ?? '',
    currency,
    ...buckets.map((bucket) => row.buckets[bucket] ?? '0'),
  ]);
  return [[...head, ...names], ...records].map(csvRecord).join('').trimEnd();
}

function shortInstant(text: string): string {
  return text.replace('T00:00:00.000Z', '').replace(':00.000Z', 'Z');
}
