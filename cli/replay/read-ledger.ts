/**
 * Tollgate's own ledger as a history: every ticket of a span, with its charge where it ran. The ledger keeps no text of
 * a statement, so rows carry the fingerprint it had; those that never ran are given too, with what stopped them.
 */
import { CHOSE_OFF_PEAK } from '../../admin/stores/past-statements.js';
import { deferred, type Deferred } from '../../base/deferred.js';
import type { Database } from '../../base/postgres/pool.js';
import type { Period } from '../../base/time.js';
import type { HistorySource } from './history-source.js';
import type { ReplayRow } from './row.js';

/** Tickets fetched at once. */
const PAGE_ROWS = 2_000;

const COUNTS = `SELECT count(*) FILTER (WHERE state IN ('SETTLED', 'VOID')) AS ended,
  count(*) FILTER (WHERE state NOT IN ('SETTLED', 'VOID')) AS open
FROM ticket WHERE occurred_at >= $1 AND occurred_at < $2`;

// One cursor in one transaction: the tickets are sorted once, and what settles meanwhile changes no page.
const CURSOR = `DECLARE history NO SCROLL CURSOR FOR
SELECT t.id, t.state, t.account, t.principal_id, t.team_id, t.snowflake_user, t.role_name, t.workload, t.tier, t.warehouse,
  t.warehouse_size, t.statement_class, t.fingerprint, t.basis, t.expected_credits, t.expected_seconds, t.hold_credits,
  t.refusal_code, t.ending, t.occurred_at,
  coalesce(t.started_at, t.sent_at, t.occurred_at) AS started_at,
  coalesce(t.ended_at, t.started_at, t.sent_at, t.occurred_at) AS ended_at,
  coalesce(c.bytes_scanned, t.bytes_scanned) AS bytes_scanned, c.credits, j.context->>'client' AS client,
  ${CHOSE_OFF_PEAK} AS is_off_peak
FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id LEFT JOIN ticket_judgement j ON j.ticket_id = t.id
WHERE t.state IN ('SETTLED', 'VOID') AND t.occurred_at >= $1 AND t.occurred_at < $2
ORDER BY t.occurred_at, t.id`;

interface TicketRow {
  readonly id: string;
  readonly state: 'SETTLED' | 'VOID';
  readonly account: string;
  readonly principal_id: string;
  readonly team_id: string;
  readonly snowflake_user: string;
  readonly role_name: string | null;
  readonly workload: string | null;
  readonly tier: string;
  readonly warehouse: string | null;
  readonly warehouse_size: string | null;
  readonly statement_class: string;
  readonly fingerprint: string;
  readonly basis: string;
  readonly expected_credits: string;
  readonly expected_seconds: number;
  readonly hold_credits: string;
  readonly refusal_code: string | null;
  readonly ending: string | null;
  readonly occurred_at: Date;
  readonly started_at: Date;
  readonly ended_at: Date;
  readonly bytes_scanned: string | null;
  readonly credits: string | null;
  readonly client: string | null;
  readonly is_off_peak: boolean;
}

/**
 * Opens the tickets that arrived in `span`. Those that have not ended when they are counted are left out.
 * @param database a pool of at least two connections whose statements may take as long as sorting the span does.
 * @throws what the database throws when it is away; the schema is not asked for its version.
 */
export async function readLedger(database: Database, span: Period): Promise<HistorySource> {
  const values = [new Date(span.startsAt), new Date(span.endsAt)];
  const { rows } = await database.query<{ ended: string; open: string }>(COUNTS, values);
  const counts = rows[0] ?? { ended: '0', open: '0' };
  return {
    intake: {
      rows: Number(counts.ended),
      leftOut: { unreadable: 0, unfinished: Number(counts.open), repeated: 0 },
      columns: [],
      consequences: [
        'The ledger keeps no text: a statement is known by its fingerprint; nothing is known of its tables, and rules over facts do not apply.',
      ],
      lastAt: span.endsAt,
    },
    batches: () => batchesOf(database, values),
    close: () => Promise.resolve(),
  };
}

async function* batchesOf(
  database: Database,
  values: readonly unknown[],
): AsyncGenerator<readonly ReplayRow[]> {
  const pages = new Handover<readonly TicketRow[]>();
  let isBegun = false;
  const reading = database
    .transaction(async (tx) => {
      // A transaction that is run again would give its first pages twice.
      if (isBegun) throw new Error('the database broke off reading the ledger; run it again');
      await tx.query(CURSOR, values);
      isBegun = true;
      for (;;) {
        const { rows } = await tx.query<TicketRow>(`FETCH ${PAGE_ROWS} FROM history`);
        if (rows.length === 0 || !(await pages.give(rows))) return;
      }
    })
    .finally(() => pages.end());
  // Whoever takes learns of a failure from `reading` itself; until then nobody listens to it.
  reading.catch(() => undefined);
  try {
    for (let page = await pages.take(); page !== undefined; page = await pages.take())
      yield page.map(rowOf);
  } finally {
    pages.refuse();
    await reading;
  }
}

/** One value at a time from a giver that waits until it was taken. */
class Handover<T> {
  #offered: Deferred<T | undefined> = deferred();
  #taken: Deferred<boolean> = deferred();

  /** Resolves when the next value is wanted; false: none is any more. */
  give(value: T): Promise<boolean> {
    this.#offered.resolve(value);
    return this.#taken.promise;
  }

  /** No further value comes. */
  end(): void {
    this.#offered.resolve(undefined);
  }

  /** The next value; undefined after the last. */
  async take(): Promise<T | undefined> {
    const value = await this.#offered.promise;
    if (value === undefined) return undefined;
    this.#offered = deferred();
    const taken = this.#taken;
    this.#taken = deferred();
    taken.resolve(true);
    return value;
  }

  /** No further value is wanted. */
  refuse(): void {
    this.#taken.resolve(false);
  }
}

function rowOf(row: TicketRow): ReplayRow {
  const ran = row.state === 'SETTLED';
  const submittedAt = row.occurred_at.getTime();
  const startedAt = ran ? row.started_at.getTime() : submittedAt;
  const endedAt = ran ? Math.max(startedAt, row.ended_at.getTime()) : submittedAt;
  return {
    queryId: row.id,
    queryText: null,
    shapeHash: row.fingerprint,
    textHash: null,
    queryType: null,
    database: null,
    schema: null,
    account: row.account,
    user: row.snowflake_user,
    role: row.role_name,
    warehouse: row.warehouse,
    warehouseSize: row.warehouse_size,
    cluster: null,
    sessionId: null,
    queryTag: null,
    client: row.client,
    isOffPeak: row.is_off_peak,
    submittedAt,
    startedAt,
    endedAt,
    executionMs: endedAt - startedAt,
    isSuccess: row.ending === 'succeeded',
    bytesScanned: row.bytes_scanned === null ? null : Number(row.bytes_scanned),
    credits: ran ? row.credits : null,
    ticket: {
      ticketId: row.id,
      state: row.state,
      team: row.team_id,
      principal: row.principal_id,
      workload: row.workload,
      tier: row.tier,
      statementClass: row.statement_class,
      basis: row.basis,
      expectedSeconds: row.expected_seconds,
      expectedCredits: row.expected_credits,
      holdCredits: row.hold_credits,
      refusalCode: row.refusal_code,
      ending: row.ending,
    },
  };
}
