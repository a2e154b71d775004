/** `tollgate cost --why`, `--services` and `--bypass`: one hour explained, services, and what ran past Tollgate. */
import { z } from 'zod';
import { formatAmountTo, parseCredits } from '../../base/units.js';
import { nameText } from '../../policies/rules/amount-text.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { detail, freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

const NOBODY = '(nobody)';
const NAME_MAX = 60;

/** What of the API's answers is printed; they may say more. */
export interface HourReply {
  readonly warehouse: string;
  readonly startsAt: string;
  readonly meteredCredits: string | null;
  readonly method: string | null;
  readonly methodVersion: number | null;
  readonly isStale: boolean;
  readonly problem: string | null;
  readonly idlePolicy: {
    readonly entry: string;
    readonly policy: string;
    readonly version: number;
    readonly reach: string;
  } | null;
  readonly lines: readonly {
    readonly bucket: string;
    readonly reason: string | null;
    readonly queryId: string | null;
    readonly team: string | null;
    readonly credits: string;
    readonly shares: readonly {
      readonly team: string | null;
      readonly basis: string;
      readonly queryId: string | null;
      readonly credits: string;
    }[];
  }[];
  readonly others: { readonly lines: number; readonly credits: string };
}

export interface ServicesReply {
  readonly firstDay: string;
  readonly lastDay: string;
  readonly by: string;
  readonly rows: readonly {
    readonly service: string;
    readonly kind: string;
    readonly key: string | null;
    readonly unit: string;
    readonly amount: string;
  }[];
  readonly rowsLeftOut: number;
  readonly totalCredits: string;
  readonly reconciliation: {
    readonly billedCredits: string;
    readonly allocatedCredits: string;
    readonly days: number;
    readonly staleDays: number;
    readonly variances: readonly {
      readonly day: string;
      readonly service: string;
      readonly part: string;
      readonly unit: string;
      readonly amount: string;
    }[];
  } | null;
}

export interface BypassReply {
  readonly governedStatements: number;
  readonly bypassStatements: number;
  readonly coveragePercent: string | null;
  readonly coverage: readonly {
    readonly warehouse: string;
    readonly day: string;
    readonly bypassStatements: number;
    readonly bypassCredits: string;
    readonly coveragePercent: string | null;
  }[];
  readonly callers: readonly {
    readonly application: string | null;
    readonly snowflakeUser: string | null;
    readonly role: string | null;
    readonly team: string | null;
    readonly statements: number;
    readonly credits: string;
  }[];
  /** Absent where the API is of before. */
  readonly callersLeftOut?: number | undefined;
  readonly sql: readonly string[];
}

const HOUR: z.ZodType<HourReply> = z.object({
  warehouse: z.string(),
  startsAt: z.string(),
  meteredCredits: z.string().nullable(),
  method: z.string().nullable(),
  methodVersion: z.number().nullable(),
  isStale: z.boolean(),
  problem: z.string().nullable(),
  idlePolicy: z
    .object({ entry: z.string(), policy: z.string(), version: z.number(), reach: z.string() })
    .nullable(),
  lines: z.array(
    z.object({
      bucket: z.string(),
      reason: z.string().nullable(),
      queryId: z.string().nullable(),
      team: z.string().nullable(),
      credits: z.string(),
      shares: z.array(
        z.object({
          team: z.string().nullable(),
          basis: z.string(),
          queryId: z.string().nullable(),
          credits: z.string(),
        }),
      ),
    }),
  ),
  others: z.object({ lines: z.number(), credits: z.string() }),
});

const SERVICES: z.ZodType<ServicesReply> = z.object({
  firstDay: z.string(),
  lastDay: z.string(),
  by: z.string(),
  rows: z.array(
    z.object({
      service: z.string(),
      kind: z.string(),
      key: z.string().nullable(),
      unit: z.string(),
      amount: z.string(),
    }),
  ),
  rowsLeftOut: z.number(),
  totalCredits: z.string(),
  reconciliation: z
    .object({
      billedCredits: z.string(),
      allocatedCredits: z.string(),
      days: z.number(),
      staleDays: z.number(),
      variances: z.array(
        z.object({
          day: z.string(),
          service: z.string(),
          part: z.string(),
          unit: z.string(),
          amount: z.string(),
        }),
      ),
    })
    .nullable(),
});

const BYPASS: z.ZodType<BypassReply> = z.object({
  governedStatements: z.number(),
  bypassStatements: z.number(),
  coveragePercent: z.string().nullable(),
  coverage: z.array(
    z.object({
      warehouse: z.string(),
      day: z.string(),
      bypassStatements: z.number(),
      bypassCredits: z.string(),
      coveragePercent: z.string().nullable(),
    }),
  ),
  callers: z.array(
    z.object({
      application: z.string().nullable(),
      snowflakeUser: z.string().nullable(),
      role: z.string().nullable(),
      team: z.string().nullable(),
      statements: z.number(),
      credits: z.string(),
    }),
  ),
  callersLeftOut: z.number().optional(),
  sql: z.array(z.string()),
});

type Asked = Readonly<Record<string, string | undefined>>;

/** @param why warehouse and hour. */
export async function costOfHour(
  terminal: Terminal,
  why: readonly string[],
  asJson: boolean,
): Promise<void> {
  const [warehouse, hour, ...rest] = why;
  if (warehouse === undefined || hour === undefined || rest.length > 0)
    throw new VerbError(
      '--why takes a warehouse and an hour, such as BATCH_WH 2026-11-02T09:00:00Z.',
    );
  const path = `/api/v1/costs/hours/${encodeURIComponent(warehouse)}/${encodeURIComponent(hour)}`;
  await print(terminal, path, {}, asJson, HOUR, layOutHour);
}

export async function costOfServices(
  terminal: Terminal,
  asked: Asked,
  asJson: boolean,
): Promise<void> {
  await print(terminal, '/api/v1/costs/services', asked, asJson, SERVICES, layOutServices);
}

export async function costPastTollgate(
  terminal: Terminal,
  asked: Asked,
  asJson: boolean,
): Promise<void> {
  await print(terminal, '/api/v1/bypass', asked, asJson, BYPASS, layOutBypass);
}

async function print<Reply>(
  terminal: Terminal,
  path: string,
  asked: Asked,
  asJson: boolean,
  shape: z.ZodType<Reply>,
  layOut: (reply: Reply, columns: number) => string,
): Promise<void> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined) query.set(name, value);
  const { config, secrets } = configuration();
  const whole = query.size === 0 ? path : `${path}?${query.toString()}`;
  const answer = await adminClient(config, secrets).call(whole);
  if (asJson) return terminal.print(answer.trim());
  const parsed = shape.safeParse(JSON.parse(answer));
  if (!parsed.success)
    throw new VerbError('The admin API answered with something else than a cost.');
  terminal.print(layOut(parsed.data, terminal.columns));
}

function credits(text: string): string {
  return formatAmountTo(parseCredits(text), 6);
}

function shown(name: string | null): string {
  return name === null ? NOBODY : nameText(name, NAME_MAX);
}

export function layOutHour(of: HourReply, columns: number): string {
  const metered =
    of.meteredCredits === null ? '' : `, ${credits(of.meteredCredits)} credits metered`;
  const policy =
    of.idlePolicy === null
      ? 'Nothing is moved: no idle policy holds for it.'
      : `Idle time by ${of.idlePolicy.policy} (${of.idlePolicy.entry}, version ${of.idlePolicy.version}).`;
  const rows = of.lines.flatMap((line) => [
    [
      line.reason === null ? line.bucket : `${line.bucket} ${line.reason}`,
      line.queryId ?? '',
      line.shares.length > 0 ? '' : shown(line.team),
      '',
      credits(line.credits),
    ],
    ...line.shares.map((share) => [
      '  borne by',
      share.queryId ?? '',
      shown(share.team),
      share.basis,
      credits(share.credits),
    ]),
  ]);
  return [
    `${of.warehouse}, hour of ${of.startsAt.replace(':00.000Z', 'Z')}${metered}; by ${of.method ?? 'nothing yet'} ${of.methodVersion ?? ''}`.trimEnd(),
    policy,
    ...(of.isStale
      ? ['Its figures have changed since; it is allocated anew with the next import.']
      : []),
    ...(of.problem === null ? [] : [of.problem]),
    '',
    table(['line', freeText('statement'), 'team', 'by', 'credits'], rows, columns),
    ...(of.others.lines === 0
      ? []
      : [`${of.others.lines} more lines of ${credits(of.others.credits)} credits.`]),
  ].join('\n');
}

export function layOutServices(of: ServicesReply, columns: number): string {
  const rows = of.rows.map((row) => [
    row.service,
    row.kind,
    shown(row.key),
    row.unit === 'credits' ? credits(row.amount) : '',
    row.unit === 'bytes' ? row.amount : '',
  ]);
  const { reconciliation } = of;
  return [
    `Services by ${of.by}, ${of.firstDay} to ${of.lastDay} (UTC), beside the compute of warehouses`,
    '',
    rows.length === 0
      ? 'No service was metered, or nothing is imported yet.'
      : table(['service', 'kind', of.by, 'credits', detail('byte-days', 1)], rows, columns),
    ...(of.rowsLeftOut === 0 ? [] : [`${of.rowsLeftOut} more rows: ask with more --rows.`]),
    '',
    `Total ${credits(of.totalCredits)} credits.`,
    ...(reconciliation === null ? [] : reconciled(reconciliation)),
  ].join('\n');
}

function reconciled(of: NonNullable<ServicesReply['reconciliation']>): readonly string[] {
  const isEqual = parseCredits(of.billedCredits) === parseCredits(of.allocatedCredits);
  return [
    isEqual && of.staleDays === 0
      ? `Reconciled: ${of.days} days, ${credits(of.billedCredits)} credits billed with compute, difference 0.`
      : `Not reconciled: ${of.days} days, ${credits(of.billedCredits)} credits billed, ${credits(of.allocatedCredits)} allocated; ${of.staleDays} days are not allocated by their newest figures.`,
    ...of.variances.map(
      ({ day, service, part, unit, amount }) =>
        `  ${day} ${service}: ${part} differs by ${amount} ${unit}`,
    ),
  ];
}

export function layOutBypass(of: BypassReply, columns: number): string {
  if (of.coveragePercent === null)
    return 'Nothing ran on governed warehouses, or nothing is imported yet.';
  // By credits: what began before the period has none of its statements in it.
  const past = of.coverage.filter(({ bypassCredits }) => parseCredits(bypassCredits) > 0n);
  const head = `${of.coveragePercent} % of the credits on governed warehouses came through Tollgate: ${of.governedStatements} statements did, ${of.bypassStatements} did not.`;
  if (past.length === 0) return head;
  return [
    head,
    '',
    table(
      ['warehouse', 'day', detail('statements past', 1), 'credits', 'coverage %'],
      past.map((each) => [
        each.warehouse,
        each.day,
        String(each.bypassStatements),
        credits(each.bypassCredits),
        each.coveragePercent ?? '',
      ]),
      columns,
    ),
    '',
    table(
      [
        freeText('application'),
        'user',
        detail('role', 1),
        'team',
        detail('statements', 2),
        'credits',
      ],
      of.callers.map((each) => [
        each.application === null ? '' : nameText(each.application, NAME_MAX),
        each.snowflakeUser === null ? '' : nameText(each.snowflakeUser, NAME_MAX),
        each.role === null ? '' : nameText(each.role, NAME_MAX),
        shown(each.team),
        String(each.statements),
        credits(each.credits),
      ]),
      columns,
    ),
    ...((of.callersLeftOut ?? 0) === 0
      ? []
      : [`${of.callersLeftOut} more callers: the API names the dearest.`]),
    ...closing(of.sql),
  ].join('\n');
}

function closing(sql: readonly string[]): readonly string[] {
  if (sql.length === 0) return [];
  const isOpen = sql.some((each) => each.includes('<address of Tollgate>'));
  return [
    '',
    'This closes the way for these users; read it, and run it yourself:',
    ...(isOpen ? ['(--address 203.0.113.10/32,… writes the addresses into it)'] : []),
    ...sql,
  ];
}
