/**
 * `seal`: what sealing costs writers. One replica settles a stream of statements, each when it is due, while the keeper of
 * the ledger seals, follows and rolls up once a second as the worker does, in the same process, or does nothing. Slots come in
 * rounds in random order, with the idle keeper twice (A/A); before each slot everything written so far is sealed, so that a
 * slot has its own journals only. Beside it, settling as fast as it goes.
 */
import { randomBytes } from 'node:crypto';
import { must } from '../base/assert.js';
import type { Database } from '../base/postgres/pool.js';
import type { SealKey } from '../base/sealing.js';
import { rollUpHours } from '../billing/rollup/charge-hours.js';
import { sealLedger } from '../billing/seal/seal.js';
import { followCharges } from '../billing/true-up/follow-charges.js';
import { type LedgerUrls, withOwnLedger } from './own-ledger.js';
import { voidForOthers } from './processes.js';
import {
  failuresOf,
  open,
  othersBusyMs,
  prepare,
  settleAll,
  settleOne,
  startReplica,
  ticketOf,
  type Replica,
} from './reserve.js';
import { fixed, machine, table } from './report.js';
import {
  ascending,
  medianWithInterval,
  quantile,
  seededRandom,
  shuffled,
  type Interval,
} from './statistics.js';

/** Percent that sealing may add to the latency of writes: criterion 17 of docs/attribution.md. */
const BAR_PERCENT = 5;
const KEEP_EVERY_MS = 1_000;
/** Of `settling as fast as it goes`. */
const STATEMENTS_AT_ONCE = 2_000;
const HOLD_CLIENTS = 100;
const MODES = ['idle', 'idle again', 'sealing'] as const;
type Mode = (typeof MODES)[number];

export interface SealBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

interface Slot {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  readonly sealed: number;
}

export interface SealBenchReport {
  readonly options: Pick<SealBenchOptions, 'rounds' | 'seconds' | 'rate' | 'seed'>;
  readonly slots: Readonly<Record<Mode, readonly Slot[]>>;
  readonly failures: readonly string[];
  readonly voidReasons: readonly string[];
}

export function runSeal(options: SealBenchOptions): Promise<SealBenchReport> {
  return withOwnLedger({ isDurable: true }, (urls) => measureOn(urls, options));
}

async function measureOn(urls: LedgerUrls, options: SealBenchOptions): Promise<SealBenchReport> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const owner = open(urls.ownerUrl, 2);
    stops.push(() => owner.stop());
    await prepare(owner);
    const replica = await startReplica(urls.appUrl, 'bench-0');
    stops.push(() => replica.stop());
    const worker = open(urls.appUrl, 2);
    stops.push(() => worker.stop());
    const busy = othersBusyMs();
    const startedAt = performance.now();
    const slots = await measure(replica, worker, options);
    const others = (othersBusyMs() - busy) / (performance.now() - startedAt);
    await replica.leases.stop();
    const { rounds, seconds, rate, seed } = options;
    return {
      options: { rounds, seconds, rate, seed },
      slots,
      failures: await failuresOf(owner),
      voidReasons: voidForOthers(others),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function measure(
  replica: Replica,
  worker: Database,
  options: SealBenchOptions,
): Promise<Record<Mode, Slot[]>> {
  const keys: readonly SealKey[] = [{ id: 'bench', key: randomBytes(32) }];
  const random = seededRandom(options.seed);
  const slots: Record<Mode, Slot[]> = { idle: [], 'idle again': [], sealing: [] };
  for (let round = 0; round < options.rounds; round += 1) {
    options.log(`round ${round + 1} of ${options.rounds}`);
    for (const mode of shuffled(MODES, random))
      slots[mode].push(await measureSlot(replica, worker, keys, mode, options));
  }
  return slots;
}

/** What the worker does for the ledger once a second; how many journals were sealed. */
async function keep(worker: Database, keys: readonly SealKey[]): Promise<number> {
  const sealed = await sealLedger(worker, { keys, now: Date.now() });
  await followCharges(worker, Date.now());
  await rollUpHours(worker);
  return sealed;
}

async function keepAll(worker: Database, keys: readonly SealKey[]): Promise<void> {
  while ((await keep(worker, keys)) > 0) continue;
}

async function measureSlot(
  replica: Replica,
  worker: Database,
  keys: readonly SealKey[],
  mode: Mode,
  { seconds, rate }: SealBenchOptions,
): Promise<Slot> {
  await hold(replica, Math.ceil(seconds * rate));
  await keepAll(worker, keys);
  let sealed = 0;
  let keeping: Promise<void> = Promise.resolve();
  const run = (): void => {
    keeping = keeping.then(async () => {
      sealed += await keep(worker, keys);
    });
  };
  const timer = mode === 'sealing' ? setInterval(run, KEEP_EVERY_MS) : undefined;
  const latencies = ascending(await settleWhenDue(replica, rate));
  await hold(replica, STATEMENTS_AT_ONCE);
  const { perSecond } = await settleAll([replica]);
  clearInterval(timer);
  await keeping;
  return { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), perSecond, sealed };
}

async function hold(replica: Replica, count: number): Promise<void> {
  const wanted = replica.held.length + count;
  await Promise.all(
    Array.from({ length: HOLD_CLIENTS }, async (_, client) => {
      for (let n = client; n < count; n += HOLD_CLIENTS) {
        const ticket = ticketOf(replica.id);
        const request = { ticket, budgetIds: ['hot'], holdCredits: ticket.highCredits };
        const { kind } = await replica.exact.reserve(request);
        if (kind !== 'held') throw new Error(`a statement that fits was ${kind}`);
        replica.held.push(ticket.ticketId);
      }
    }),
  );
  if (replica.held.length !== wanted) throw new Error('statements are missing');
}

/** Open loop: counted from when each was due, so that a stall cannot hide itself. */
async function settleWhenDue(replica: Replica, rate: number): Promise<readonly number[]> {
  const startedAt = performance.now();
  const ids = replica.held.splice(0);
  return Promise.all(
    ids.map(async (id, index) => {
      const due = startedAt + (index * 1000) / rate;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      await settleOne(replica, id);
      return performance.now() - due;
    }),
  );
}

/** Percent by which `mode` differs from the idle keeper, over the rounds. */
function added(
  slots: SealBenchReport['slots'],
  mode: Mode,
  of: (slot: Slot) => number,
  seed: number,
): Interval {
  const percents = slots[mode].map((slot, round) => {
    const idle = of(must(slots.idle[round], 'a slot'));
    return (100 * (of(slot) - idle)) / idle;
  });
  return medianWithInterval(percents, seededRandom(seed));
}

/** Markdown of a run; a ledger that is wrong has no figures. */
export function sealText({ options, slots, failures, voidReasons }: SealBenchReport): string {
  if (failures.length > 0)
    return ['FAIL: the ledger is wrong after the run.', ...failures.map((why) => `- ${why}`)].join(
      '\n',
    );
  const percent = (mode: Mode, of: (slot: Slot) => number): string => {
    const { median, low, high } = added(slots, mode, of, options.seed);
    return `${fixed(median, 1)} (${fixed(low, 1)}–${fixed(high, 1)})`;
  };
  const middle = (mode: Mode, of: (slot: Slot) => number): number =>
    quantile(ascending(slots[mode].map(of)), 0.5);
  const rows = MODES.map((mode) => [
    mode,
    fixed(
      middle(mode, ({ p50Ms }) => p50Ms),
      2,
    ),
    percent(mode, ({ p50Ms }) => p50Ms),
    fixed(
      middle(mode, ({ p99Ms }) => p99Ms),
      1,
    ),
    fixed(
      middle(mode, ({ perSecond }) => perSecond),
      0,
    ),
    percent(mode, ({ perSecond }) => perSecond),
    fixed(
      middle(mode, ({ sealed }) => sealed),
      0,
    ),
  ]);
  const head = ['keeper', 'p50 ms', 'added %', 'p99 ms', 'at most a second', 'changed %', 'sealed'];
  return [
    voidReasons.length === 0
      ? 'Valid run.'
      : `**Void, not to be quoted:** ${voidReasons.join('; ')}.`,
    '',
    table(head, rows),
    '',
    `- ${options.rounds} rounds of ${options.seconds} s, ${options.rate} settlements a second when due, then ${STATEMENTS_AT_ONCE} as fast as they go; seed ${options.seed}; ${machine()}. The bar is ${BAR_PERCENT} % of the latency. Invariants and amounts held afterwards.`,
  ].join('\n');
}
