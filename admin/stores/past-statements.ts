/** Statements that have run, from the ledger, with what is kept of their facts, in the order in which they came. */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import { BASES } from '#policies/estimate/estimate.js';
import type { PastStatement } from '#policies/rules/past.js';
import { pastEstimate, tryReadParts, tryReadRecord } from '#policies/rules/past-record.js';
import type { StatementFacts } from '#policies/sql/facts.js';

/** Statements that one look goes through: some seconds. */
const PAST_STATEMENTS_MAX = 200_000;
const PAGE_ROWS = 2_000;
/** Longest that one page, and the sorting before the first, may take. */
const STATEMENT_TIMEOUT_MS = 25_000;
/** Records that are kept parsed. */
const RECORDS_MAX = 20_000;

/** A statement with what it cost. */
export interface PastRun extends PastStatement {
  readonly ticketId: string;
  readonly endsAt: EpochMs;
  readonly credits: Credits;
  readonly money: Money;
  readonly currency: string;
}

/**
 * SQL: whether the ticket `t` with its judgement `j` chose to wait for the off-peak hours. One that came within them
 * did not wait, which its judgement alone tells.
 */
export const CHOSE_OFF_PEAK =
  "(t.runs_at IS NOT NULL OR coalesce((j.context->>'isOffPeak')::boolean, false))";

// The tickets are sorted once; what settles meanwhile changes no page.
const CURSOR = `DECLARE past NO SCROLL CURSOR FOR
SELECT t.id, t.account, t.team_id, t.principal_id, t.via_principal_id, t.role_name, t.workload, t.warehouse, t.basis,
  t.low_credits, t.expected_credits, t.high_credits, t.expected_seconds, t.estimated_bytes, t.occurred_at,
  ${CHOSE_OFF_PEAK} AS is_off_peak,
  greatest(c.ended_at, t.occurred_at) AS ended_at, c.credits, c.money, c.currency, j.facts_key, j.context
FROM ticket t JOIN charge c ON c.ticket_id = t.id LEFT JOIN ticket_judgement j ON j.ticket_id = t.id
WHERE t.occurred_at >= $1 AND t.occurred_at < $2
ORDER BY t.occurred_at, t.id LIMIT ${PAST_STATEMENTS_MAX + 1}`;

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly account: string;
  readonly team_id: string;
  readonly principal_id: string;
  readonly via_principal_id: string | null;
  readonly role_name: string | null;
  readonly workload: string | null;
  readonly warehouse: string | null;
  readonly basis: string;
  readonly low_credits: string;
  readonly expected_credits: string;
  readonly high_credits: string;
  readonly expected_seconds: number;
  readonly estimated_bytes: string | null;
  readonly is_off_peak: boolean;
  readonly occurred_at: Date;
  readonly ended_at: Date;
  readonly credits: string;
  readonly money: string;
  readonly currency: string;
  readonly facts_key: string | null;
  readonly context: unknown;
}

type Records = Map<string, readonly StatementFacts[] | undefined>;

/**
 * Hands every statement that came in `span` and was charged to `take`, at most {@link PAST_STATEMENTS_MAX}.
 * @returns whether there were more.
 * @throws what the database throws when it is away or too slow.
 */
export async function eachPastStatement(
  db: Database,
  span: Period,
  take: (statement: PastRun) => void,
): Promise<boolean> {
  return await db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION READ ONLY');
    await tx.query(`SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    await tx.query(CURSOR, [new Date(span.startsAt), new Date(span.endsAt)]);
    const records: Records = new Map();
    let count = 0;
    for (;;) {
      const { rows } = await tx.query<Row>(`FETCH ${PAGE_ROWS} FROM past`);
      if (rows.length === 0) return false;
      await readRecords(tx, rows, records);
      for (const row of rows) {
        count += 1;
        if (count > PAST_STATEMENTS_MAX) return true;
        take(toRun(row, records));
      }
    }
  });
}

async function readRecords(tx: Transaction, rows: readonly Row[], records: Records): Promise<void> {
  if (records.size > RECORDS_MAX) records.clear();
  const keys = new Set(rows.flatMap(({ facts_key: key }) => key ?? []));
  const missing = [...keys].filter((key) => !records.has(key));
  if (missing.length === 0) return;
  const found = await tx.query<{ key: string; record: unknown }>(
    'SELECT key, record FROM judged_facts WHERE key = ANY($1)',
    [missing],
  );
  for (const key of missing) records.set(key, undefined);
  for (const { key, record } of found.rows) records.set(key, tryReadRecord(record));
}

function toRun(row: Row, records: Records): PastRun {
  const facts = row.facts_key === null ? undefined : records.get(row.facts_key);
  return {
    ticketId: row.id,
    account: row.account,
    teamId: row.team_id,
    principalId: row.principal_id,
    viaPrincipalId: row.via_principal_id,
    role: row.role_name,
    workload: row.workload,
    warehouse: row.warehouse,
    estimate: pastEstimate({
      basis: BASES.find((basis) => basis === row.basis) ?? 'GUESS',
      low: parseCredits(row.low_credits),
      expected: parseCredits(row.expected_credits),
      high: parseCredits(row.high_credits),
      seconds: row.expected_seconds,
      bytes: row.estimated_bytes === null ? null : Number(row.estimated_bytes),
    }),
    at: row.occurred_at.getTime(),
    isOffPeak: row.is_off_peak,
    endsAt: row.ended_at.getTime(),
    credits: parseCredits(row.credits),
    money: parseMoney(row.money),
    currency: row.currency,
    text: facts === undefined ? null : (tryReadParts(facts, row.context) ?? null),
  };
}
