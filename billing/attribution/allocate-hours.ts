/**
 * Allocates every stale warehouse-hour: reads what bears on it, splits what was metered, and writes the lines of the hour
 * anew as a whole, with who pays for each. What an hour cannot be allocated for (a rate that nobody has entered) is
 * written to it, and no other hour waits for it.
 */
import { must } from '#base/assert.js';
import type { Database, Transaction } from '#base/postgres/pool.js';
import { formatAmount } from '#base/units.js';
import { lockUsage } from '../usage/import-lock.js';
import { readHourInputs } from './hour-inputs.js';
import type { MeteredRow, QueryPayer, RateOf } from './hour-inputs.js';
import { methodFor } from './methods.js';
import { CLEAR_SHARES } from './policies/share-idle-time.js';
import { HOUR_MS } from './warehouse-hour.js';
import type { AllocationLine, AllocationMethod } from './warehouse-hour.js';

/** Who pays for a statement that did not come through Tollgate; undefined: nobody is known. */
export type PayerOf = (caller: {
  readonly account: string;
  readonly snowflakeUser: string;
  readonly role: string | null;
}) => { readonly teamId: string; readonly principalId: string } | undefined;

export interface AllocationOptions {
  readonly account: string;
  readonly rateOf: RateOf;
  readonly payerOf: PayerOf;
  /** The method of every hour; absent: that of `methodFor`. */
  readonly method?: AllocationMethod;
}

export interface AllocationSummary {
  readonly allocated: number;
  /** Hours with a problem, which stay stale. */
  readonly problems: number;
}

interface HourKey {
  readonly warehouse_id: string;
  readonly starts_at: Date;
}

interface ProblemRow {
  readonly starts_at: Date;
  readonly problem: string;
}

interface AllocatedRow {
  readonly starts_at: Date;
  readonly method: string;
  readonly method_version: number;
}

/** Allocates what is stale, oldest first, warehouse by warehouse, until nothing is. Faults of Postgres propagate. */
export async function allocateStaleHours(
  db: Database,
  options: AllocationOptions,
): Promise<AllocationSummary> {
  let allocated = 0;
  let problems = 0;
  let after: readonly [string, Date] = ['', new Date(0)];
  for (;;) {
    const { rows: hours } = await db.query<HourKey>(STALE, [options.account, ...after]);
    const last = hours.at(-1);
    if (last === undefined) return { allocated, problems };
    after = [last.warehouse_id, last.starts_at];
    const refused = await db.transaction(async (tx) => {
      await lockUsage(tx, options.account);
      return allocateHours(tx, hours, options);
    });
    problems += refused;
    allocated += hours.length - refused;
  }
}

// Hours of one warehouse within one day of the first, which are worked on together.
const STALE = `/* prepared: billing.stale_hours */
WITH first AS (
  SELECT warehouse_id, starts_at FROM usage_warehouse_hour
  WHERE account = $1 AND is_stale AND (warehouse_id, starts_at) > ($2, $3)
  ORDER BY warehouse_id, starts_at LIMIT 1
)
SELECT h.warehouse_id, h.starts_at FROM usage_warehouse_hour h JOIN first f USING (warehouse_id)
WHERE h.account = $1 AND h.is_stale AND h.starts_at >= f.starts_at AND h.starts_at < f.starts_at + interval '1 day'
ORDER BY h.starts_at`;

// Claimed first: an import that comes later makes it stale again. One that is at it was waited for.
const CLAIM = `/* prepared: billing.claim_hours */
WITH claimed AS (
  UPDATE usage_warehouse_hour SET is_stale = false, problem = NULL
  WHERE account = $1 AND warehouse_id = $2 AND starts_at = ANY($3::timestamptz[])
  RETURNING warehouse_id, warehouse, starts_at, metered_credits, attributed_credits
)
SELECT * FROM claimed ORDER BY starts_at`;

/** How many of the hours cannot be allocated; each says why. */
async function allocateHours(
  tx: Transaction,
  stale: readonly HourKey[],
  options: AllocationOptions,
): Promise<number> {
  const { account } = options;
  const [first, last] = [must(stale[0], 'an hour'), must(stale.at(-1), 'an hour')];
  const key = [account, first.warehouse_id] as const;
  const { rows: hours } = await tx.query<MeteredRow>(CLAIM, [
    ...key,
    stale.map(({ starts_at: at }) => at),
  ]);
  const to = new Date(last.starts_at.getTime() + HOUR_MS);
  const inputs = await readHourInputs(tx, key, { from: first.starts_at, to }, options.rateOf);
  const problems: ProblemRow[] = [];
  const done: AllocatedRow[] = [];
  const lines: Readonly<Record<string, string | number | null>>[] = [];
  for (const row of hours) {
    const hour = inputs.hourOf(row);
    if ('problem' in hour) {
      problems.push({ starts_at: row.starts_at, problem: hour.problem });
      continue;
    }
    const method = options.method ?? methodFor(hour);
    done.push({ starts_at: row.starts_at, method: method.name, method_version: method.version });
    for (const [ordinal, line] of method.allocate(hour).entries())
      lines.push({
        starts_at: row.starts_at.toISOString(),
        ordinal,
        ...lineRow(line, inputs.queries, options),
      });
  }
  const written = [...key, done.map(({ starts_at: at }) => at)];
  await tx.query(CLEAR_SHARES, written);
  await tx.query(CLEAR, written);
  await tx.query(WRITE, [...key, JSON.stringify(lines), JSON.stringify(done)]);
  if (problems.length > 0) await tx.query(REFUSE, [...key, JSON.stringify(problems)]);
  return problems.length;
}

function lineRow(
  line: AllocationLine,
  byId: ReadonlyMap<string, QueryPayer>,
  options: AllocationOptions,
): Readonly<Record<string, string | number | null>> {
  const query = line.queryId === null ? undefined : byId.get(line.queryId);
  const isRun = line.bucket === 'direct' || line.bucket === 'bypass';
  const known = query === undefined ? undefined : knownPayer(query, options);
  const payer = isRun ? known : undefined;
  return {
    bucket: line.bucket,
    reason: line.reason,
    query_id: line.queryId,
    ticket_id: isRun ? (query?.ticket_id ?? null) : null,
    team_id: payer?.teamId ?? null,
    principal_id: payer?.principalId ?? null,
    statement_team_id: known?.teamId ?? null,
    credits: formatAmount(line.credits),
  };
}

/** Whom a ticket charged, else whom the mapping names. */
function knownPayer(
  query: QueryPayer,
  { account, payerOf }: AllocationOptions,
): { readonly teamId: string; readonly principalId: string | null } | undefined {
  const { team_id: teamId, principal_id: principalId, snowflake_user: snowflakeUser } = query;
  if (teamId !== null) return { teamId, principalId };
  return snowflakeUser === null
    ? undefined
    : payerOf({ account, snowflakeUser, role: query.role_name });
}

const CLEAR = `/* prepared: billing.clear_allocation */
DELETE FROM allocation_line WHERE account = $1 AND warehouse_id = $2 AND starts_at = ANY($3::timestamptz[])`;

const WRITE = `/* prepared: billing.write_allocation */
WITH lines AS (
  INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, reason, query_id, ticket_id, team_id,
    principal_id, statement_team_id, credits)
  SELECT $1, $2, r.* FROM jsonb_to_recordset($3::jsonb) AS r (starts_at timestamptz, ordinal integer, bucket text,
    reason text, query_id text, ticket_id uuid, team_id text, principal_id text, statement_team_id text, credits numeric)
)
UPDATE usage_warehouse_hour h SET method = r.method, method_version = r.method_version, allocated_at = now(),
  idle_key = NULL, idle_entry = NULL, idle_policy = NULL, idle_policy_version = NULL, idle_reach = NULL
FROM jsonb_to_recordset($4::jsonb) AS r (starts_at timestamptz, method text, method_version integer)
WHERE h.account = $1 AND h.warehouse_id = $2 AND h.starts_at = r.starts_at`;

// Lines of earlier figures stay until the hour can be allocated by its newest.
const REFUSE = `/* prepared: billing.refuse_allocation */
UPDATE usage_warehouse_hour h SET is_stale = true, problem = r.problem
FROM jsonb_to_recordset($3::jsonb) AS r (starts_at timestamptz, problem text)
WHERE h.account = $1 AND h.warehouse_id = $2 AND h.starts_at = r.starts_at`;
