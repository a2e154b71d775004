/**
 * What the statements of this replica have used so far, written for whoever asks elsewhere: the API, other replicas. In
 * one statement every few seconds, and nothing while nothing runs.
 */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { TicketId } from '#base/ids.js';
import type { Clock, EpochMs } from '#base/time.js';
import { formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { RunningStatements } from './running.js';

const EVERY_MS = 2000;
/** Rows of one replica; of more, those that began last are not shown. */
const ROWS_MAX = 10_000;

const WRITE = `/* prepared: proxy.write_uses */
WITH now_running AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($1::jsonb)
    AS r (ticket_id uuid, used_credits numeric, hold_credits numeric, ceiling_credits numeric)
), gone AS (
  DELETE FROM running_use u WHERE u.replica = $2 AND NOT EXISTS (SELECT FROM now_running r WHERE r.ticket_id = u.ticket_id)
)
INSERT INTO running_use (ticket_id, replica, used_credits, hold_credits, ceiling_credits, used_at, updated_at)
SELECT ticket_id, $2, used_credits, hold_credits, ceiling_credits, $3, now() FROM now_running ORDER BY ticket_id
ON CONFLICT (ticket_id) DO UPDATE SET replica = excluded.replica, used_credits = excluded.used_credits,
  hold_credits = excluded.hold_credits, ceiling_credits = excluded.ceiling_credits, used_at = excluded.used_at,
  updated_at = excluded.updated_at`;

export interface UsesOptions {
  readonly db: Queryable;
  readonly log: Log;
  readonly clock: Clock;
  readonly replica: string;
  readonly running: RunningStatements;
}

/** What one statement has used so far. */
export interface Use {
  readonly ticketId: TicketId;
  readonly usedCredits: Credits;
  readonly holdCredits: Credits;
  readonly ceilingCredits: Credits;
}

/** Writes what the statements of a replica have used at `at`, in place of what was last written of its own. */
export async function writeUses(
  db: Queryable,
  replica: string,
  uses: readonly Use[],
  at: EpochMs,
): Promise<void> {
  const rows = uses.map((use) => ({
    ticket_id: use.ticketId,
    used_credits: formatAmount(use.usedCredits),
    hold_credits: formatAmount(use.holdCredits),
    ceiling_credits: formatAmount(use.ceilingCredits),
  }));
  await db.query(WRITE, [JSON.stringify(rows), replica, new Date(at)]);
}

export class Uses {
  readonly #options: UsesOptions;
  readonly #timer: NodeJS.Timeout;
  #written = 0;
  #turn: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(options: UsesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (!this.#isBusy) void this.write();
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Writes what runs now in place of what was written last. Never rejects. */
  write(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#write());
    return this.#turn;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  async #write(): Promise<void> {
    const { db, log, clock, replica, running } = this.#options;
    if (running.size === 0 && this.#written === 0) return;
    this.#isBusy = true;
    const now = clock.now();
    const uses = running
      .list()
      .slice(0, ROWS_MAX)
      .map((statement) => ({
        ticketId: statement.ticketId,
        usedCredits: running.usedCredits(statement, now),
        holdCredits: statement.holdCredits,
        ceilingCredits: statement.ceilingCredits,
      }));
    try {
      await writeUses(db, replica, uses, now);
      this.#written = uses.length;
    } catch (thrown) {
      log.warn({ err: toError(thrown) }, 'what statements have used so far could not be written');
    } finally {
      this.#isBusy = false;
    }
  }
}
