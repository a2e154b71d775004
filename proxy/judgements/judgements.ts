/**
 * Notes what rules said of statements: hits by rule, team and day, warnings for their authors, and the literal-free
 * facts that a plan judges them by again. Nothing here is on the path of a statement: notes are collected in memory and
 * written once a second. Over its cap the oldest notes of tickets go, and are counted.
 */
import type { Occupancy } from '#base/metrics.js';
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import { addCredits, type Credits, formatAmount, NO_CREDITS } from '#base/units.js';
import type { RuleMode } from '#policies/control/document.js';
import type { Decision, Reason } from '#policies/rules/decision.js';
import { type PastContext, toPastRecord } from '#policies/rules/past-record.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import { type FactsRow, forgetOld, type HitRow, type TicketRow, writeJudgements } from './rows.js';

const FLUSH_INTERVAL_MS = 1_000;
const FORGET_INTERVAL_MS = 3_600_000;
const BATCH_MAX = 500;
/** Tickets whose notes wait to be written, while Postgres is away. */
const WAITING_MAX = 20_000;
/** Rules × teams × modes that are counted between two writes. */
const HITS_MAX = 20_000;
/** Keys of records that are known to be written; they are not sent again on their day. */
const KEYS_MAX = 20_000;
/** Warnings of one statement that its author is told. */
const WARNINGS_MAX = 20;

/** What a decision said of one statement. */
export interface Judgement {
  readonly teamId: string;
  readonly decision: Decision;
  readonly expectedCredits: Credits;
  /** null: the statement leaves no ticket. */
  readonly ticket: {
    readonly ticketId: TicketId;
    readonly statements: readonly StatementFacts[];
    readonly context: () => PastContext;
  } | null;
}

interface Waiting {
  readonly ticketId: TicketId;
  readonly statements: readonly StatementFacts[];
  readonly context: PastContext;
  readonly warnings: readonly Reason[];
  readonly at: EpochMs;
}

interface Hit {
  readonly row: Omit<HitRow, 'hits' | 'expected_credits'>;
  hits: number;
  expectedCredits: Credits;
}

export class Judgements {
  readonly #db: Database;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  readonly #keys = new WeakMap<readonly StatementFacts[], { key: string; text: string } | null>();
  readonly #written = new LRUCache<string, string>({ max: KEYS_MAX });
  #waiting: Waiting[] = [];
  #hits = new Map<string, Hit>();
  #flushing: Promise<void> = Promise.resolve();
  #forgottenAtMs = -Infinity;
  #dropped = 0;

  constructor(db: Database, log: Log, clock: Clock) {
    this.#db = db;
    this.#log = log;
    this.#clock = clock;
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Tickets whose notes wait to be written, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#waiting.length, max: WAITING_MAX };
  }

  /** Notes that went because Postgres was away for too long; a plan says that it does not know these statements. */
  get dropped(): number {
    return this.#dropped;
  }

  note(judgement: Judgement): void {
    const at = this.#clock.now();
    const { decision, ticket } = judgement;
    this.#count(judgement, 'shadow', decision.shadow, at);
    this.#count(judgement, 'warn', decision.warnings, at);
    this.#count(judgement, 'enforce', decision.reasons, at);
    if (ticket === null) return;
    this.#waiting.push({
      ticketId: ticket.ticketId,
      statements: ticket.statements,
      context: ticket.context(),
      warnings: decision.warnings.slice(0, WARNINGS_MAX),
      at,
    });
    if (this.#waiting.length <= WAITING_MAX) return;
    this.#waiting.shift();
    this.#dropped += 1;
  }

  /** Writes what was noted; what cannot be written waits for the next time. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** A rule that several statements of a text fire is counted once. */
  #count(
    { teamId, expectedCredits }: Judgement,
    mode: RuleMode,
    reasons: readonly Reason[],
    at: EpochMs,
  ): void {
    if (reasons.length === 0) return;
    const day = new Date(at).toISOString().slice(0, 10);
    for (const source of new Set(reasons.map((reason) => reason.source))) {
      const key = JSON.stringify([day, source, teamId, mode]);
      let hit = this.#hits.get(key);
      if (hit === undefined) {
        if (this.#hits.size >= HITS_MAX) {
          this.#dropped += 1;
          continue;
        }
        const row = { day, rule_id: source, team_id: teamId, mode };
        hit = { row, hits: 0, expectedCredits: NO_CREDITS };
        this.#hits.set(key, hit);
      }
      hit.hits += 1;
      hit.expectedCredits = addCredits(hit.expectedCredits, expectedCredits);
    }
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0 || this.#hits.size > 0) await this.#writeBatch();
      await this.#forget();
    } catch (thrown) {
      this.#log.warn(
        { err: toError(thrown), waiting: this.#waiting.length, dropped: this.#dropped },
        'what rules said could not be written yet',
      );
    }
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#waiting.slice(0, BATCH_MAX);
    const hits = this.#hits;
    this.#hits = new Map();
    const facts = new Map<string, FactsRow>();
    const tickets = batch.map((each) => this.#rowOf(each, facts));
    try {
      await writeJudgements(this.#db, {
        facts: [...facts.values()],
        tickets,
        hits: [...hits.values()].map(({ row, ...hit }) => ({
          ...row,
          hits: hit.hits,
          expected_credits: formatAmount(hit.expectedCredits),
        })),
      });
    } catch (thrown) {
      this.#takeBack(hits);
      throw thrown;
    }
    for (const { key, used_on } of facts.values()) this.#written.set(key, used_on);
    const written = new Set(batch);
    // What is over the cap may have gone from the front meanwhile.
    this.#waiting = this.#waiting.filter((each) => !written.has(each));
  }

  /** Counts of a write that failed, added to what came meanwhile. */
  #takeBack(hits: ReadonlyMap<string, Hit>): void {
    for (const [key, hit] of hits) {
      const since = this.#hits.get(key);
      if (since === undefined) this.#hits.set(key, hit);
      else {
        since.hits += hit.hits;
        since.expectedCredits = addCredits(since.expectedCredits, hit.expectedCredits);
      }
    }
  }

  #rowOf(waiting: Waiting, facts: Map<string, FactsRow>): TicketRow {
    const { ticketId, statements, context, warnings, at } = waiting;
    const record = this.#recordOf(statements);
    const usedOn = new Date(at).toISOString().slice(0, 10);
    if (record !== null && this.#written.get(record.key) !== usedOn)
      facts.set(record.key, { key: record.key, record: record.text, used_on: usedOn });
    return {
      ticket_id: ticketId,
      facts_key: record?.key ?? null,
      context: record === null ? null : context,
      warnings: warnings.length === 0 ? null : warnings,
      occurred_at: new Date(at).toISOString(),
    };
  }

  /** Facts of a repeated text are one object, whose record is made once. */
  #recordOf(statements: readonly StatementFacts[]): { key: string; text: string } | null {
    const known = this.#keys.get(statements);
    if (known !== undefined) return known;
    const text = toPastRecord(statements);
    const made = text === undefined ? null : { key: hash('sha256', text), text };
    this.#keys.set(statements, made);
    return made;
  }

  async #forget(): Promise<void> {
    if (performance.now() - this.#forgottenAtMs < FORGET_INTERVAL_MS) return;
    await forgetOld(this.#db, this.#clock.now());
    this.#forgottenAtMs = performance.now();
  }
}
