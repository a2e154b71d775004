/**
 * Rounds of replica processes that are killed. Clients write the driver's wire protocol over plain HTTP: so many at one
 * barrier as real drivers would not fit into one machine. What is cancelled teaches the history nothing, so that every
 * statement of every round holds the tier's guess.
 */
import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { setBudgetLimit } from '../../../billing/control-writes.js';
import { formatAmount, parseCredits } from '../../../base/units.js';
import { must } from '../../../base/assert.js';
import { expectInvariants } from '../../support/database.js';
import { RawClient, type Reply } from '../../warehouse/support/raw-client.js';
import { eventually } from './eventually.js';
import { connectNode, type Client } from './node-driver.js';
import { SHARED_KEYS, startProxyProcess, type ProxyProcess } from './proxy-process.js';
import type { System } from './system.js';

/** Of the tier's guess: what every statement holds. */
export const ROUND_HOLD = '0.2';
const BUDGET = 'marketing-monthly';
/** A minute, and what it takes to see that it is over. */
export const RECOVERED_WITHIN_MS = 75_000;

export interface RoundFigures {
  readonly held: number;
  readonly refused: number;
  /** Holds of the replica that was killed, at that moment. */
  readonly orphans: number;
  readonly adopted: number;
  readonly settled: number;
  readonly voided: number;
  readonly recoveryMsMax: number;
}

export class ReplicaRounds {
  readonly #system: System;
  readonly #dataDir: string;
  readonly #replicas: ProxyProcess[] = [];
  readonly #clients: { readonly client: RawClient; readonly replica: number }[] = [];
  #service: Client | undefined;

  constructor(system: System, dataDir: string) {
    this.#system = system;
    this.#dataDir = dataDir;
  }

  async start(replicas: number, clients: number): Promise<void> {
    this.#service = await connectNode(this.#system.warehouseUrl, {
      username: this.#system.service.user,
      password: this.#system.service.password,
    });
    const begun = Array.from({ length: replicas }, (_each, index) => this.#begin(index));
    this.#replicas.push(...(await Promise.all(begun)));
    for (let index = 0; index < clients; index += 1) {
      const replica = index % replicas;
      const client = this.#at(replica);
      expect(
        (await client.login('marketing_analyst', 'demo', '&warehouse=STANDARD_WH')).body.success,
      ).toBe(true);
      // The first statement of a replica waits for its parser, which must not spread the barrier.
      if (index < replicas) await client.run('SELECT 1');
      this.#clients.push({ client, replica });
    }
  }

  async stop(): Promise<void> {
    await this.#service?.close();
    await Promise.all(this.#replicas.map((replica) => replica.kill()));
    await Promise.all(
      this.#replicas.map(({ dataDir }) => rm(dataDir, { recursive: true, force: true })),
    );
  }

  /**
   * Room for exactly `room` of all clients' statements; then replica `victim` is killed, and everything ends.
   * `isSilentAtOnce`: the database says that it was heard last ten seconds ago, which nobody has to wait for then.
   */
  async round(
    room: number,
    { victim, isSilentAtOnce }: { readonly victim: number; readonly isSilentAtOnce: boolean },
  ): Promise<RoundFigures> {
    await this.#makeRoom(room);
    const text = `SELECT SYSTEM$WAIT(600) AS R_${randomUUID().slice(0, 8)}`;
    let refused = 0;
    const replies = this.#clients.map(({ client }) =>
      client.query(text).then(
        (reply) => {
          if (isRefusal(reply)) refused += 1;
        },
        // The connection of the replica that is killed.
        () => undefined,
      ),
    );
    await eventually(async () => expect(await this.#answered(text)).toBe(this.#clients.length), {
      withinMs: 60_000,
    });
    const held = await this.#open(text);
    expect(held).toHaveLength(room);
    // A refusal is in the ledger before it is on the wire: the kill would cut off those under way.
    await eventually(() => expect(refused).toBe(this.#clients.length - room), {
      withinMs: 60_000,
    });
    // The unit that is left is not enough for one more, and no commit ever passed the limit.
    await expectInvariants(this.#system.database.db);

    const killed = must(this.#replicas[victim], 'there is such a replica');
    const orphans = held.filter(({ replica }) => replica.startsWith(`${nameOf(killed)}#`));
    // Every second of what either has ends in the moment of the kill: its outcome may be on its way.
    const isOrphan = (tag: string): boolean => orphans.some(({ id }) => tag.includes(id));
    const ending = [
      ...this.#runningUpstream(text, isOrphan),
      ...this.#runningUpstream(text, (tag) => !isOrphan(tag)),
    ].filter((_id, index) => index % 2 === 0);
    const cancelled = ending.map((id) => this.#cancel(id));
    await killed.kill();
    const killedAt = performance.now();
    if (isSilentAtOnce) await makeSilent(this.#system, killed);
    await Promise.all(cancelled);
    const fates = await this.#fates(orphans.map(({ id }) => id));
    const recoveryMsMax = performance.now() - killedAt;

    for (const id of this.#runningUpstream(text)) await this.#cancel(id);
    this.#replicas[victim] = await this.#begin(victim);
    await eventually(async () => expect(await this.#open(text)).toEqual([]), {
      withinMs: RECOVERED_WITHIN_MS,
    });
    await Promise.all(replies);
    expect(refused).toBe(this.#clients.length - room);
    await this.#expectChargedOnce(text);
    await eventually(async () => expect(await this.#setAside()).toBe('0.000000000000'), {
      withinMs: 30_000,
    });
    await expectInvariants(this.#system.database.db);
    await this.#moveClients(victim);
    return { held: room, refused, orphans: orphans.length, ...fates, recoveryMsMax };
  }

  #begin(index: number): Promise<ProxyProcess> {
    return startProxyProcess(this.#system, join(this.#dataDir, `replica-${index}`), SHARED_KEYS);
  }

  /** One more client at a replica, not logged in. */
  client(replica: number): RawClient {
    return this.#at(replica);
  }

  #at(replica: number, of?: RawClient): RawClient {
    const { url } = must(this.#replicas[replica], 'there is such a replica');
    const client = new RawClient(Number(new URL(url).port));
    if (of !== undefined) client.token = of.token;
    return client;
  }

  /** The killed replica is at another port now; sessions live on. */
  async #moveClients(replica: number): Promise<void> {
    for (const [index, each] of this.#clients.entries())
      if (each.replica === replica)
        this.#clients[index] = { replica, client: this.#at(replica, each.client) };
    await this.#at(replica, this.#clients[0]?.client).run('SELECT 1');
  }

  /** A tenth of a hold more than `room` holds, on top of what is spent. */
  async #makeRoom(room: number): Promise<void> {
    const { db } = this.#system.database;
    const { rows } = await db.query<{ spent: string }>(
      `SELECT spent_credits AS spent FROM budget_period WHERE budget_id = $1 ORDER BY starts_at DESC LIMIT 1`,
      [BUDGET],
    );
    const spent = parseCredits(rows[0]?.spent ?? '0');
    const hold = parseCredits(ROUND_HOLD);
    const limit = spent + hold * BigInt(room) + hold / 10n;
    await db.transaction((tx) =>
      setBudgetLimit(tx, {
        budgetId: BUDGET,
        limitCredits: parseCredits(formatAmount(limit as typeof hold)),
        author: 'test',
        reason: 'the next round',
        at: Date.now(),
      }),
    );
  }

  async #answered(text: string): Promise<number> {
    const { rows } = await this.#tickets<{ n: number }>(
      `SELECT count(*)::integer AS n FROM ticket WHERE statement_shape ILIKE $1
        AND (refusal_code IS NOT NULL OR state IN ('SENT', 'RUNNING'))`,
      text,
    );
    return rows[0]?.n ?? 0;
  }

  async #open(text: string): Promise<readonly { readonly id: string; readonly replica: string }[]> {
    const { rows } = await this.#tickets<{ id: string; replica: string }>(
      `SELECT id, replica FROM ticket WHERE statement_shape ILIKE $1
        AND state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT')`,
      text,
    );
    return rows;
  }

  #tickets<Row extends object>(query: string, text: string): Promise<{ readonly rows: Row[] }> {
    // Its shape has the alias, which no other round has.
    return this.#system.database.db.query<Row & Record<string, unknown>>(query, [
      `%${text.slice(text.indexOf('R_'))}%`,
    ]) as Promise<{ readonly rows: Row[] }>;
  }

  #runningUpstream(text: string, isWanted = (_tag: string): boolean => true): readonly string[] {
    return this.#system.warehouse
      .queryHistory()
      .filter(({ started, ended }) => started.text === text && ended === undefined)
      .filter(({ started }) => isWanted(started.tag))
      .map((each) => each.started.id);
  }

  async #cancel(queryId: string): Promise<void> {
    await this.#service?.run(`SELECT SYSTEM$CANCEL_QUERY('${queryId}')`);
  }

  /** Until each orphan is void, settled, or in doubt while it runs upstream. */
  async #fates(
    ids: readonly string[],
  ): Promise<Pick<RoundFigures, 'adopted' | 'settled' | 'voided'>> {
    let fates = { adopted: 0, settled: 0, voided: 0 };
    await eventually(
      async () => {
        const { rows } = await this.#system.database.db.query<{ id: string; state: string }>(
          'SELECT id, state FROM ticket WHERE id = ANY($1::uuid[])',
          [ids],
        );
        const going = this.#system.warehouse
          .queryHistory()
          .filter((each) => each.ended === undefined)
          .map((each) => each.started.tag);
        const runs = (id: string): boolean => going.some((tag) => tag.includes(id));
        fates = {
          adopted: rows.filter(({ id, state }) => state === 'IN_DOUBT' && runs(id)).length,
          settled: rows.filter(({ state }) => state === 'SETTLED').length,
          voided: rows.filter(({ state }) => state === 'VOID').length,
        };
        expect(fates.adopted + fates.settled + fates.voided).toBe(ids.length);
      },
      { withinMs: RECOVERED_WITHIN_MS },
    );
    return fates;
  }

  /** What ran is charged once; what did not is void. */
  async #expectChargedOnce(text: string): Promise<void> {
    const ran = this.#system.warehouse
      .queryHistory()
      .filter((each) => each.started.text === text)
      .map((each) => each.started.id);
    const { rows } = await this.#tickets<{ id: string | null }>(
      `SELECT c.snowflake_query_id AS id FROM charge c JOIN ticket t ON t.id = c.ticket_id WHERE t.statement_shape ILIKE $1`,
      text,
    );
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(ran));
    expect(rows).toHaveLength(ran.length);
  }

  async #setAside(): Promise<string> {
    const { rows } = await this.#system.database.db.query<{ credits: string }>(
      'SELECT sum(held_credits + leased_credits) AS credits FROM budget_period',
    );
    return rows[0]?.credits ?? '';
  }
}

const isRefusal = (reply: Reply): boolean => reply.body.code === '712001';

/** The database says that it was heard last eleven seconds ago: after ten others take up what it had. */
export async function makeSilent({ database }: System, killed: ProxyProcess): Promise<void> {
  const id = `${nameOf(killed)}#%`;
  await database.db.query(
    "UPDATE replica SET seen_at = seen_at - interval '11 seconds' WHERE id LIKE $1",
    [id],
  );
  await database.db.query(
    "UPDATE lease SET expires_at = expires_at - interval '11 seconds' WHERE replica LIKE $1 AND ended_at IS NULL",
    [id],
  );
}

/** As `cli/serve.ts` names the replica of a data directory. */
function nameOf({ dataDir }: ProxyProcess): string {
  return `${hostname()}:${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
}
