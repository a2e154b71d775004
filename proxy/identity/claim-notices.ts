/**
 * Claims that were not believed, for people: how often, since when and with which ticket, one row a principal and
 * problem. Gathered in memory and written once a moment, so that a tool whose key is wrong costs no write a statement.
 */
import { FlushLoop } from '#base/backlog.js';
import { toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { ClaimProblem } from '#policies/claim.js';

const FLUSH_INTERVAL_MS = 2000;
/** Principals and problems between two writes; of more, only the metric knows. */
const NOTICES_MAX = 1000;
/** A problem that goes on is logged again after this long. */
const LOG_AGAIN_MS = 60_000;

export interface UnbelievedClaim {
  readonly principalId: string;
  readonly problem: ClaimProblem;
  readonly ticketId: TicketId;
}

interface Notice {
  readonly principal_id: string;
  readonly problem: ClaimProblem;
  statements: number;
  readonly first_at: string;
  last_at: string;
  ticket_id: TicketId;
}

export class ClaimNotices {
  readonly #db: Queryable;
  readonly #log: Log;
  readonly #now: () => EpochMs;
  readonly #loop: FlushLoop;
  readonly #loggedAt = new Map<string, EpochMs>();
  #waiting = new Map<string, Notice>();

  constructor(db: Queryable, log: Log, now: () => EpochMs) {
    this.#db = db;
    this.#log = log;
    this.#now = now;
    this.#loop = new FlushLoop({
      write: () => this.#write(),
      everyMs: FLUSH_INTERVAL_MS,
      onProblem: (thrown) =>
        log.warn({ err: toError(thrown) }, 'notices of claims could not be written yet'),
    });
  }

  /** Notes one statement; never throws. */
  add({ principalId, problem, ticketId }: UnbelievedClaim): void {
    const key = `${principalId}\n${problem}`;
    const now = this.#now();
    const at = new Date(now).toISOString();
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      known.statements += 1;
      known.last_at = at;
      known.ticket_id = ticketId;
    } else if (this.#waiting.size < NOTICES_MAX) {
      this.#waiting.set(key, {
        principal_id: principalId,
        problem,
        statements: 1,
        first_at: at,
        last_at: at,
        ticket_id: ticketId,
      });
    }
    if (now - (this.#loggedAt.get(key) ?? 0) < LOG_AGAIN_MS) return;
    if (this.#loggedAt.size >= NOTICES_MAX) this.#loggedAt.clear();
    this.#loggedAt.set(key, now);
    this.#log.warn(
      { principalId, problem, ticketId },
      'a claim was not believed; its principal pays for its statements itself',
    );
  }

  /** Writes what is waiting; a failed write waits for the next. */
  flush(): Promise<void> {
    return this.#loop.flush();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #write(): Promise<void> {
    const batch = this.#waiting;
    if (batch.size === 0) return;
    this.#waiting = new Map();
    try {
      await this.#db.query(
        `INSERT INTO claim_notice AS n (principal_id, problem, statements, first_at, last_at, last_ticket_id)
         SELECT principal_id, problem, statements, first_at, last_at, ticket_id
         FROM jsonb_to_recordset($1::jsonb) AS r (principal_id text, problem text, statements bigint,
           first_at timestamptz, last_at timestamptz, ticket_id uuid)
         ON CONFLICT (principal_id, problem) DO UPDATE SET statements = n.statements + excluded.statements,
           last_at = greatest(n.last_at, excluded.last_at), last_ticket_id = excluded.last_ticket_id`,
        [JSON.stringify([...batch.values()])],
      );
    } catch (thrown) {
      for (const [key, notice] of batch) {
        const newer = this.#waiting.get(key);
        if (newer === undefined) this.#waiting.set(key, notice);
        else newer.statements += notice.statements;
      }
      throw thrown;
    }
  }
}
