/**
 * Notes what rules said of statements: hits by rule, team and day, warnings for their authors, and the literal-free
 * facts that a plan judges them by again. Nothing here is on the path of a statement: notes are collected in memory and
 * written once a second. Over its cap the oldest notes of tickets go, and are counted.
 */
import { Backlog, FlushLoop } from '#base/backlog.js';
import type { Occupancy } from '#base/metrics.js';
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import { addCredits, type Credits, formatAmount, NO_CREDITS } from '#base/units.js';
import type { RuleMode } from '#policies/control/choices.js';
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
    /** What its author is told beside what rules warn of; counted nowhere. */
    readonly told?: readonly Reason[];
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
  readonly #clock: Clock;
  readonly #loop: FlushLoop;
  readonly #keys = new WeakMap<readonly StatementFacts[], { key: string; text: string } | null>();
  readonly #written = new LRUCache<string, string>({ max: KEYS_MAX });
  readonly #waiting = new Backlog<Waiting>(WAITING_MAX);
  #hits = new Map<string, Hit>();
  #forgottenAtMs = -Infinity;
  #hitsDropped = 0;

  constructor(db: Database, log: Log, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#loop = new FlushLoop({
      write: () => this.#write(),
      everyMs: FLUSH_INTERVAL_MS,
      onProblem: (thrown) =>
        log.warn(
          { err: toError(thrown), waiting: this.#waiting.size, dropped: this.dropped },
          'what rules said could not be written yet',
        ),
    });
  }

  /** Tickets whose notes wait to be written, for the metric. */
  get occupancy(): Occupancy {
    return this.#waiting.occupancy;
  }

  /** Facts that are known to be written, for the metric. */
  get factsWritten(): Occupancy {
    return { used: this.#written.size, max: KEYS_MAX };
  }

  /** Notes that went because Postgres was away for too long; a plan says that it does not know these statements. */
  get dropped(): number {
    return this.#waiting.dropped + this.#hitsDropped;
  }

  note(judgement: Judgement): void {
    const at = this.#clock.now();
    const { decision, ticket } = judgement;
    this.#count(judgement, 'shadow', decision.shadow, at);
    this.#count(judgement, 'warn', decision.warnings, at);
    this.#count(judgement, 'enforce', decision.reasons, at);
    if (ticket === null) return;
    this.#waiting.add({
      ticketId: ticket.ticketId,
      statements: ticket.statements,
      context: ticket.context(),
      warnings: [...decision.warnings, ...(ticket.told ?? [])].slice(0, WARNINGS_MAX),
      at,
    });
  }

  /** Writes what was noted; what cannot be written waits for the next time. */
  flush(): Promise<void> {
    return this.#loop.flush();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
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
          this.#hitsDropped += 1;
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
    while (this.#waiting.size > 0 || this.#hits.size > 0) await this.#writeBatch();
    await this.#forget();
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#waiting.first(BATCH_MAX);
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
    this.#waiting.written(batch);
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
