/**
 * Whether the ledger answers. A call that failed is only a suspicion; a question of our own, asked until it is answered,
 * decides. Nothing that was asked of a ledger in doubt is asked again here: what became of it is not known.
 */
import { Fault } from '#base/errors.js';
import { isReadOnly, sqlStateOf } from '#base/postgres/pool.js';

/** How often the ledger is asked while it does not answer, and looked at while an outage is not over. */
const ASK_EVERY_MS = 500;

/**
 * `down`: nobody listens, or the server says that it starts or stops, so that no other replica reaches it either;
 * `unreachable`: it may be only this replica that is cut off, or that still has the former primary, which takes no writes.
 */
export type Away = 'down' | 'unreachable';

export interface AwayOptions {
  readonly ask: () => Promise<void>;
  readonly onAway: (away: Away) => void;
  /** The ledger answers; called with every look until it says that the outage is over. */
  readonly onAnswer: () => boolean;
  readonly intervalMs?: number;
}

export class LedgerWatch {
  readonly #options: AwayOptions;
  #away: Away | null = null;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: AwayOptions) {
    this.#options = options;
  }

  /** null: it answers, as far as is known. */
  get away(): Away | null {
    return this.#away;
  }

  /** A call of the ledger failed: if it may be away, it is asked. */
  suspect(thrown: unknown): void {
    if (this.#isStopped || this.#looking !== undefined || !mayBeAway(thrown)) return;
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#options.ask();
        const wasAway = this.#away !== null;
        this.#away = null;
        // A suspicion that nothing confirmed.
        if (this.#options.onAnswer() && !wasAway) return;
      } catch (thrown) {
        this.#away = isRefused(thrown) ? 'down' : 'unreachable';
        this.#options.onAway(this.#away);
      }
      await new Promise((resolve) => setTimeout(resolve, this.#options.intervalMs ?? ASK_EVERY_MS));
    }
  }
}

/** Connection exceptions, and a server that stops, crashes or starts (Postgres, "Error Codes": classes 08 and 57P). */
const AWAY_STATES = /^(?:08...|57P0[1-3])$/;

/** Not what one statement did, nor a queue of ours that is full. */
function mayBeAway(thrown: unknown): boolean {
  if (thrown instanceof Fault && thrown.code !== 'ledgerUnavailable') return false;
  const cause = thrown instanceof Fault ? thrown.cause : thrown;
  if (cause === undefined) return false;
  const state = sqlStateOf(cause);
  return state === undefined || AWAY_STATES.test(state) || isReadOnly(cause);
}

function isRefused(thrown: unknown): boolean {
  const code = (thrown as { readonly code?: unknown } | null)?.code;
  return code === 'ECONNREFUSED' || /^57P0[1-3]$/.test(sqlStateOf(thrown) ?? '');
}
