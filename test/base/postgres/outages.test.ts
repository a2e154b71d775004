import { expect, test } from 'vitest';
import type { Log } from '#base/log.js';
import { followOutages, isDatabaseAway, type Outages } from '#base/postgres/outages.js';
import type { Database, Transaction } from '#base/postgres/pool.js';

/** A database that answers as it is told, the clock of its follower, and what was said. */
class Scene {
  readonly said: [level: string, message: string, fields: object][] = [];
  nowMs = 1_000;
  failure: Error | null = null;
  readonly outages: Outages;
  readonly db: Database;

  constructor() {
    const say = (level: string) => (fields: object, message: string) =>
      void this.said.push([level, message, fields]);
    const levels = { error: say('error'), warn: say('warn'), info: say('info') };
    const log: Log = { ...levels, debug: () => undefined, child: () => log };
    this.outages = followOutages(log, () => this.nowMs);
    const run = <T>(): Promise<T> =>
      this.failure === null ? Promise.resolve({ rows: [] } as T) : Promise.reject(this.failure);
    this.db = this.outages.watch({
      query: run,
      transaction: async (work) => await work({ query: run } as unknown as Transaction),
      listen: run,
      load: () => ({ connections: { used: 0, max: 1 }, waiting: 0 }),
      stop: () => Promise.resolve(),
    });
  }

  /** A loop of ours: asks, and warns of what went wrong, as its cause. */
  async look(message = 'a loop could not look'): Promise<void> {
    try {
      await this.db.query('SELECT 1');
    } catch (cause) {
      this.outages.log.warn({ err: new Error('the ledger does not answer', { cause }) }, message);
    }
  }

  messages(): string[] {
    return this.said.map(([level, message]) => `${level}: ${message}`);
  }
}

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const starting = Object.assign(new Error('the database system is starting up'), { code: '57P03' });
const standby = Object.assign(new Error('cannot execute INSERT'), { code: '25006' });
const BEGUN = 'warn: Postgres cannot be used; what fails of that is counted until it can';

test('an outage is told when it begins and when it is over, with its length and what was not told', async () => {
  const scene = new Scene();
  for (scene.failure = refused; scene.nowMs < 61_000; scene.nowMs += 1_000) {
    await scene.look();
    await scene.look('another could not');
  }
  scene.failure = starting;
  await scene.look();
  expect(scene.messages()).toEqual([BEGUN]);
  expect(scene.said[0]?.[2]).toEqual({ why: 'connect ECONNREFUSED', code: 'ECONNREFUSED' });
  scene.failure = null;
  for (let looks = 0; looks < 10; looks += 1) {
    scene.nowMs += 1_000;
    await scene.look();
  }
  expect(scene.said.slice(1)).toEqual([
    [
      'info',
      'Postgres can be used again',
      { outageMs: 61_000, untold: { 'a loop could not look': 61, 'another could not': 60 } },
    ],
  ]);
});

test('an outage that comes back before it has been quiet is the same one', async () => {
  const scene = new Scene();
  for (let looks = 0; looks < 20; looks += 1) {
    scene.failure = looks % 2 === 0 ? refused : null;
    await scene.look();
    scene.nowMs += 1_000;
  }
  expect(scene.messages()).toEqual([BEGUN]);
});

test('what has another cause is told in the middle of an outage, and so is another kind of outage', async () => {
  const scene = new Scene();
  scene.failure = refused;
  await scene.look();
  scene.outages.log.warn({ err: new Error('a bug') }, 'a loop could not look');
  // The same words of somebody else's connection.
  const upstream = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  scene.outages.log.child({ part: 1 }).error({ err: upstream }, 'upstream does not answer');
  scene.failure = standby;
  await scene.look();
  await scene.look();
  expect(scene.messages()).toEqual([
    BEGUN,
    'warn: a loop could not look',
    'error: upstream does not answer',
    BEGUN,
  ]);
});

test('an error of one statement begins no outage', async () => {
  const scene = new Scene();
  for (const code of ['57014', '23505', '40001']) {
    scene.failure = Object.assign(new Error(code), { code });
    await scene.look();
  }
  expect(scene.messages()).toEqual(Array(3).fill('warn: a loop could not look'));
});

test('a full disk is a problem until it is over, although reads are answered', async () => {
  const scene = new Scene();
  expect(scene.outages.diskProblem()).toBeNull();
  scene.failure = Object.assign(new Error('could not extend file'), { code: '53100' });
  await scene.look();
  scene.failure = null;
  scene.nowMs += 1_000;
  await scene.look();
  expect(scene.outages.diskProblem()).toBe('could not extend file');
  scene.nowMs += 5_000;
  await scene.look();
  expect(scene.outages.diskProblem()).toBeNull();
});

test('connections that break at once are one line', () => {
  const scene = new Scene();
  for (let broken = 0; broken < 16; broken += 1)
    scene.outages.connectionBroke(new Error('terminating connection'));
  scene.nowMs += 60_000;
  scene.outages.connectionBroke(new Error('terminating connection'));
  expect(scene.messages()).toEqual(Array(2).fill('warn: a connection to Postgres broke'));
});

test('what the driver and the server say of a database that is away', () => {
  for (const text of [
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
  ])
    expect(isDatabaseAway(new Error(text)), text).toBe(true);
  for (const code of ['08006', '28P01', '3D000', '53100', '53300', '57P01', '58030', '25006'])
    expect(isDatabaseAway(Object.assign(new Error('no'), { code })), code).toBe(true);
  expect(isDatabaseAway(new TypeError('x is not a function'))).toBe(false);
});

test('of a transaction its statements count, and what else its work throws does not', async () => {
  const scene = new Scene();
  const snowflake = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  await expect(scene.db.transaction(() => Promise.reject(snowflake))).rejects.toBe(snowflake);
  expect(scene.messages()).toEqual([]);
  scene.failure = refused;
  await expect(scene.db.transaction((tx) => tx.query('SELECT 1'))).rejects.toBe(refused);
  expect(scene.messages()).toEqual([BEGUN]);
});
