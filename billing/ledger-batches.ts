/** The moves of money that are made together: which calls share a transaction, and what happens when one of them is bad. */
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import { sqlStateOf } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { Batches, splitting } from './batches.js';
import type { Answer, BatchLimits } from './batches.js';
import type {
  ReleaseOutcome,
  ReserveRequest,
  SettleOutcome,
  Settlement,
  TicketFacts,
} from './ledger.js';
import type { Leases } from './leases.js';
import { ledgerCall } from './postgres/availability.js';
import { markSentBatch } from './postgres/mark-sent.js';
import type { SentMark } from './postgres/mark-sent.js';
import { recordShort } from './postgres/record-unheld.js';
import { releaseBatch } from './postgres/release.js';
import type { Release } from './postgres/release.js';
import { reserveBatch } from './postgres/reserve-batch.js';
import type { Reserved } from './postgres/reserve-batch.js';
import { reserveLeased } from './postgres/reserve-leased.js';
import type { LeasedOutcome, LeasedRequest } from './postgres/reserve-leased.js';
import { isChargedElsewhere, settleBatch } from './postgres/settle.js';
import { ticketState } from './postgres/ticket-state.js';

export const MOVES = ['reserve', 'refuse', 'send', 'settle', 'release'] as const;
export type Move = (typeof MOVES)[number];

export const DEFAULT_BATCH_LIMITS: BatchLimits = { sizeMax: 256, lanesMax: 4, waitingMax: 10_000 };

export interface LedgerBatches {
  readonly reserve: Batches<ReserveRequest, Reserved>;
  readonly refuse: Batches<TicketFacts, boolean>;
  readonly send: Batches<SentMark, boolean>;
  readonly settle: Batches<Settlement, SettleOutcome>;
  readonly release: Batches<Release, ReleaseOutcome>;
}

export interface LedgerBatchOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly limits: BatchLimits;
  readonly onBatch: (move: Move, size: number) => void;
  /** Of the replica; absent: every decision is made on the periods. */
  readonly leases: Leases | undefined;
}

/** One set for one replica; all of them on the same connections. */
export function createLedgerBatches(options: LedgerBatchOptions): LedgerBatches {
  const { db, clock, limits } = options;
  const onBatch = (move: Move) => (size: number) => options.onBatch(move, size);
  return {
    reserve: new Batches({
      limits,
      // A path is judged in the order in which its statements came.
      laneOf: lane,
      keysOf: ({ ticket }) => [
        ticket.ticketId,
        JSON.stringify([ticket.account, ticket.sessionId, ticket.requestId]),
      ],
      run: (members) => reserveTogether(db, options.leases, members),
      onBatch: onBatch('reserve'),
    }),
    refuse: byTicket(
      limits,
      onBatch('refuse'),
      ({ ticketId }) => ticketId,
      (members) => together(members, (each) => recordShort(db, each)),
    ),
    send: byTicket(
      limits,
      onBatch('send'),
      ({ ticketId }) => ticketId,
      (members) => together(members, (each) => markSentBatch(db, each)),
    ),
    settle: new Batches({
      limits,
      // One at a time: twice as many in half as many statements, which wait for each other at the periods anyway. Nobody's
      // result waits for it.
      laneOf: () => '',
      keysOf: ({ ticketId }) => [ticketId],
      run: (members) => settleTogether(db, members),
      onBatch: onBatch('settle'),
    }),
    release: byTicket(
      limits,
      onBatch('release'),
      ({ ticketId }) => ticketId,
      async (members) =>
        known(members, await together(members, (each) => releaseBatch(db, each, clock.now()))),
    ),
  };
}

/** The budgets of the path. */
function lane({ budgetIds }: ReserveRequest): string {
  return budgetIds.toSorted().join('\n');
}

/** Moves whose order does not matter: two batches at once, so that one gathers while the other waits for the disk. */
function byTicket<In, Out>(
  limits: BatchLimits,
  onBatch: (size: number) => void,
  ticketOf: (member: In) => string,
  run: (members: readonly In[]) => Promise<readonly Answer<Out>[]>,
): Batches<In, Out> {
  return new Batches({
    limits,
    laneOf: (member) => ((ticketOf(member).at(-1) ?? '') < '8' ? 'lower' : 'upper'),
    keysOf: (member) => [ticketOf(member)],
    run,
    onBatch,
  });
}

async function together<In, Out>(
  members: readonly In[],
  run: (members: readonly In[]) => Promise<readonly Out[]>,
): Promise<readonly Answer<Out>[]> {
  return splitting(members, (each) => ledgerCall(() => run(each)), isOfOne);
}

/** Under leases what they carry, on the periods the rest. */
async function reserveTogether(
  db: Database,
  leases: Leases | undefined,
  members: readonly ReserveRequest[],
): Promise<readonly Answer<Reserved>[]> {
  const exactly = (each: readonly ReserveRequest[]): Promise<readonly Answer<Reserved>[]> =>
    together(each, (some) => reserveBatch(db, some));
  if (leases === undefined) return exactly(members);
  const carried = new Map<ReserveRequest, LeasedRequest>();
  for (const request of members) {
    const leaseIds = leases.take(request);
    if (leaseIds !== undefined) carried.set(request, { request, leaseIds });
  }
  for (const request of new Map(members.map((each) => [lane(each), each])).values())
    leases.refillSoon(request);
  const answers = new Map<ReserveRequest, Answer<Reserved>>();
  const judged = [...carried.values()];
  const found = judged.length === 0 ? [] : await underLeases(db, leases, judged);
  for (const [index, { request }] of judged.entries()) {
    const answer = found[index];
    if (answer !== undefined && answer.kind !== 'unleased') answers.set(request, answer.answer);
  }
  const rest = members.filter((request) => !answers.has(request));
  const others = rest.length === 0 ? [] : await exactly(rest);
  for (const [index, answer] of others.entries())
    answers.set(must(rest[index], 'an answer is of a statement'), answer);
  return members.map((request) => must(answers.get(request), 'each statement is answered'));
}

type UnderLease =
  { readonly kind: 'answered'; readonly answer: Answer<Reserved> } | { readonly kind: 'unleased' };

async function underLeases(
  db: Database,
  leases: Leases,
  members: readonly LeasedRequest[],
): Promise<readonly UnderLease[]> {
  const answers = await together(members, (each) => reserveLeased(db, leases.replica, each));
  const isUnleased = (answer: Answer<LeasedOutcome> | undefined): boolean =>
    answer?.kind === 'done' && answer.value.kind === 'unleased';
  leases.written(
    members.map(({ request }, index) => ({ request, isHeld: !isUnleased(answers[index]) })),
  );
  return answers.map((answer): UnderLease => {
    if (answer.kind === 'failed') return { kind: 'answered', answer };
    const { value } = answer;
    if (value.kind === 'unleased') return { kind: 'unleased' };
    return { kind: 'answered', answer: { kind: 'done', value } };
  });
}

async function settleTogether(
  db: Database,
  members: readonly Settlement[],
): Promise<readonly Answer<SettleOutcome>[]> {
  const answers = known(members, await together(members, (each) => settleBatch(db, each)));
  return Promise.all(
    answers.map(async (answer, index): Promise<Answer<SettleOutcome>> => {
      const settlement = members[index];
      if (answer.kind === 'done' || settlement === undefined) return answer;
      if (!isChargedElsewhere(answer.cause)) return answer;
      try {
        const state = await ledgerCall(() => ticketState(db, settlement.ticketId));
        return { kind: 'done', value: { kind: 'conflict', state, isSameQuery: false } };
      } catch (thrown) {
        return { kind: 'failed', cause: thrown };
      }
    }),
  );
}

/** A ticket that does not exist is its caller's fault. */
function known<Out>(
  members: readonly { readonly ticketId: string }[],
  answers: readonly Answer<Out | undefined>[],
): readonly Answer<Out>[] {
  return answers.map((answer, index): Answer<Out> => {
    if (answer.kind === 'failed') return answer;
    if (answer.value !== undefined) return { kind: 'done', value: answer.value };
    const id = members[index]?.ticketId ?? '';
    return { kind: 'failed', cause: new Fault('ticketUnknown', `There is no ticket ${id}.`) };
  });
}

/** Serialization and deadlock, data, constraint: one member may be to blame, and the others go on without it. */
const OF_ONE = new Set(['22', '23', '40', '21', 'P0']);

function isOfOne(thrown: unknown): boolean {
  const cause = thrown instanceof Fault ? thrown.cause : thrown;
  const state = sqlStateOf(cause);
  return state !== undefined && OF_ONE.has(state.slice(0, 2));
}
