/**
 * Traffic of many kinds from light clients at several replicas, and whether each refusal of a budget was right: the holds
 * and charges of the ledger say how much room there was at every moment, and at one moment of the statement's time it must
 * have been less than the statement needed. Idle leases are room: they are there for whoever is short.
 */
import { randomUUID } from 'node:crypto';
import { setBudgetLimit } from '../../../billing/control-writes.js';
import { parseCredits } from '../../../base/units.js';
import type { Credits } from '../../../base/units.js';
import type { Database } from '../../../base/postgres/pool.js';
import type { RawClient, Reply } from '../../warehouse/support/raw-client.js';

/** Commits become visible after the instants that Postgres writes into their rows. */
const SLACK_MS = 500;
const ROOM_EVERY_MS = 3_000;
/** Room that is made anew: a few holds of what nothing is known of, so that it is used up now and then. */
const ROOM = parseCredits('0.9');

export interface MixedFigures {
  readonly statements: number;
  readonly ran: number;
  readonly free: number;
  readonly cancelled: number;
  readonly refusedByBudget: number;
  readonly refusedByRule: number;
  readonly falseRefusals: number;
  /** Answers that none of these explains. */
  readonly others: number;
}

interface Refused {
  readonly budgetId: string;
  readonly needed: Credits;
  readonly fromMs: number;
  readonly toMs: number;
}

type Kind = 'small' | 'scan' | 'free' | 'cancel' | 'price' | 'ruled';
const KINDS: readonly Kind[] = [
  ...Array<Kind>(6).fill('small'),
  ...Array<Kind>(3).fill('scan'),
  ...Array<Kind>(3).fill('free'),
  ...Array<Kind>(4).fill('cancel'),
  'price',
  'ruled',
];

export class MixedTraffic {
  readonly #db: Database;
  readonly #limits = new Map<string, { readonly atMs: number; readonly limit: Credits }[]>();
  readonly #refused: Refused[] = [];
  readonly #counts = { statements: 0, ran: 0, free: 0, cancelled: 0, refusedByRule: 0, others: 0 };
  readonly strange: string[] = [];
  #random: number;

  constructor(db: Database, seed: number) {
    this.#db = db;
    this.#random = seed;
  }

  /** Runs every client's loop for so long, then judges the refusals. */
  async run(
    clients: readonly RawClient[],
    budgetIds: readonly string[],
    durationMs: number,
  ): Promise<MixedFigures> {
    const until = Date.now() + durationMs;
    const makingRoom = this.#makeRoom(budgetIds, until);
    await Promise.all(clients.map((client) => this.#loop(client, until)));
    await makingRoom;
    let falseRefusals = 0;
    for (const budgetId of budgetIds) falseRefusals += await this.#falseRefusals(budgetId);
    return { ...this.#counts, refusedByBudget: this.#refused.length, falseRefusals };
  }

  #pick(below: number): number {
    // Numerical Recipes' linear congruence: the same traffic for the same seed, as far as replies come alike.
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * below);
  }

  async #loop(client: RawClient, untilMs: number): Promise<void> {
    while (Date.now() < untilMs) {
      const kind = KINDS[this.#pick(KINDS.length)] ?? 'free';
      const fromMs = Date.now();
      this.#counts.statements += 1;
      this.#note(kind, await this.#send(client, kind), fromMs);
    }
  }

  async #send(client: RawClient, kind: Kind): Promise<Reply> {
    switch (kind) {
      case 'small':
        return client.query(`SELECT SYSTEM$WAIT(0) AS S_${this.#pick(5)}`);
      case 'scan':
        return client.query('SELECT COUNT(*) FROM ANALYTICS.TPCH.NATION WHERE N_NAME IS NOT NULL');
      case 'free':
        return client.query(
          this.#pick(2) === 0 ? 'SELECT 1' : 'SHOW TABLES IN SCHEMA ANALYTICS.TPCH',
        );
      case 'price':
        return client.query('EXPLAIN COST SELECT COUNT(*) FROM ANALYTICS.TPCH.ORDERS');
      case 'ruled':
        return client.query('SELECT * FROM ANALYTICS.WEB.EVENTS');
      case 'cancel': {
        const requestId = randomUUID();
        const reply = client.query('SELECT SYSTEM$WAIT(60) AS CANCELLED', {}, requestId);
        await new Promise((resolve) => setTimeout(resolve, 100 + this.#pick(400)));
        const abort = `/queries/v1/abort-request?requestId=${randomUUID()}`;
        await client.send('POST', abort, { requestId });
        return reply;
      }
    }
  }

  #note(kind: Kind, { body }: Reply, fromMs: number): void {
    const detail = body.data?.tollgate as Record<string, unknown> | undefined;
    const code = detail?.['code'];
    if (code === 'TG2001') {
      const budget = detail?.['budget'] as { readonly id: string };
      const needed = parseCredits(String(detail?.['neededCredits']));
      this.#refused.push({ budgetId: budget.id, needed, fromMs, toMs: Date.now() });
    } else if (kind === 'ruled' && (code === 'TG2101' || code === 'TG2201'))
      this.#counts.refusedByRule += 1;
    else if (kind === 'cancel' && (body.success || body.code === '000604'))
      this.#counts.cancelled += 1;
    else if (body.success && (kind === 'free' || kind === 'price')) this.#counts.free += 1;
    else if (body.success) this.#counts.ran += 1;
    // A statement that fails in a loop is not sent for a while: refusals of a budget, again and again, are one.
    else if (code === 'TG2111') this.#counts.cancelled += 1;
    else {
      this.#counts.others += 1;
      if (this.strange.length < 20) this.strange.push(`${kind}: ${body.message ?? ''}`);
    }
  }

  async #makeRoom(budgetIds: readonly string[], untilMs: number): Promise<void> {
    for (;;) {
      for (const budgetId of budgetIds) {
        const { rows } = await this.#db.query<{ spent: string }>(
          'SELECT spent_credits AS spent FROM budget_period WHERE budget_id = $1 ORDER BY starts_at DESC LIMIT 1',
          [budgetId],
        );
        const limit = (parseCredits(rows[0]?.spent ?? '0') + ROOM) as Credits;
        const at = Date.now();
        const change = { budgetId, limitCredits: limit, author: 'test', reason: 'room', at };
        await this.#db.transaction((tx) => setBudgetLimit(tx, change));
        const limits = this.#limits.get(budgetId) ?? [];
        limits.push({ atMs: at, limit });
        this.#limits.set(budgetId, limits);
      }
      if (Date.now() >= untilMs) return;
      await new Promise((resolve) => setTimeout(resolve, ROOM_EVERY_MS));
    }
  }

  async #falseRefusals(budgetId: string): Promise<number> {
    const moves = await this.#movesOf(budgetId);
    return this.#refused.filter(
      (refused) => refused.budgetId === budgetId && !this.#wasShort(refused, moves),
    ).length;
  }

  /** At some moment of its time there was less than it needed. */
  #wasShort({ budgetId, needed, fromMs, toMs }: Refused, moves: readonly Move[]): boolean {
    const limits = this.#limits.get(budgetId) ?? [];
    const from = fromMs - SLACK_MS;
    const to = toMs + SLACK_MS;
    let used = 0n;
    let most: bigint | undefined;
    for (const { atMs, credits } of moves) {
      if (atMs > to) break;
      if (atMs >= from) most = most === undefined || used > most ? used : most;
      used += credits;
    }
    most = most === undefined || used > most ? used : most;
    const inForce = limits.filter(
      ({ atMs }, index) => atMs <= to && (limits[index + 1]?.atMs ?? Infinity) >= from,
    );
    const least = inForce.reduce<bigint | undefined>(
      (low, { limit }) => (low === undefined || limit < low ? limit : low),
      undefined,
    );
    return least === undefined || least - most < needed;
  }

  /** What holds and charges added to what is used, by the instants of Postgres. */
  async #movesOf(budgetId: string): Promise<readonly Move[]> {
    const { rows } = await this.#db.query<{ at: Date; credits: string }>(
      `SELECT t.created_at AS at, h.credits FROM hold h JOIN ticket t ON t.id = h.ticket_id
         JOIN budget_period p ON p.id = h.budget_period_id WHERE p.budget_id = $1
       UNION ALL
       SELECT j.recorded_at, coalesce(c.credits, 0) - h.credits FROM hold h
         JOIN budget_period p ON p.id = h.budget_period_id
         JOIN journal j ON j.ticket_id = h.ticket_id AND j.kind IN ('settle', 'release')
         LEFT JOIN charge c ON c.ticket_id = h.ticket_id
       WHERE p.budget_id = $1 ORDER BY at`,
      [budgetId],
    );
    return rows.map(({ at, credits }) => ({ atMs: at.getTime(), credits: signed(credits) }));
  }
}

interface Move {
  readonly atMs: number;
  readonly credits: bigint;
}

function signed(text: string): bigint {
  return text.startsWith('-') ? 0n - parseCredits(text.slice(1)) : parseCredits(text);
}
