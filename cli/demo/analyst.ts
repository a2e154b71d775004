/** One analyst of the demo: a session of the real Node driver through the proxy, and what became of its statements. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../base/errors.js';
import { connectService, type ServiceConnection } from '../../base/snowflake/service-connection.js';
import type { Habit } from './statements.js';

/** Everybody's, in the demo. */
const PASSWORD = 'demo';
/** Between two statements of one analyst. */
const PAUSE_MS = 300;

/** Where the proxy listens, and which account it is asked for. */
export interface Door {
  readonly origin: string;
  readonly account: string;
}

/** What became of one analyst's statements. */
export interface Tally {
  readonly team: string;
  answered: number;
  refused: number;
  failed: number;
  /** Of the answered, in the order of their end. */
  readonly elapsedMs: number[];
  /** The first line of the last refusal. */
  refusal: string | null;
  /** What the driver said last of a statement that failed. */
  failure: string | null;
}

/** A tally of nothing yet. */
export function emptyTally(team: string): Tally {
  return { team, answered: 0, refused: 0, failed: 0, elapsedMs: [], refusal: null, failure: null };
}

/** Signs in as the team's analyst. Fault `upstreamUnreachable` in the driver's words when that fails. */
export function signInAnalyst({ origin, account }: Door, team: string): Promise<ServiceConnection> {
  return connectService({
    origin,
    account,
    user: `${team}_analyst`,
    password: PASSWORD,
    application: 'tollgate-demo',
  });
}

/** Sends the statements of `habit`, beginning with the one of number `first`, until `untilMs` of `now`; counts into `tally`. */
export async function work(
  session: ServiceConnection,
  habit: Habit,
  tally: Tally,
  { first, untilMs }: { readonly first: number; readonly untilMs: number },
): Promise<void> {
  await session.query(`USE WAREHOUSE ${habit.warehouse}`);
  // Each of its statements once, however slow the machine: some cost nothing, and every team is to have spent something.
  const once = first + habit.statements.length;
  for (let index = first; index < once || performance.now() < untilMs; index += 1) {
    const sql = habit.statements[index % habit.statements.length] ?? '';
    const sentAt = performance.now();
    const outcome = await send(session, sql);
    if (outcome.kind === 'answered') {
      tally.answered += 1;
      tally.elapsedMs.push(performance.now() - sentAt);
    } else if (outcome.kind === 'refused') {
      tally.refused += 1;
      tally.refusal = outcome.says;
    } else {
      tally.failed += 1;
      tally.failure = outcome.says;
    }
    await sleep(PAUSE_MS);
  }
}

/** What one statement came to; `says` is the first line of what the driver was told. */
export type Outcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'refused' | 'stopped' | 'failed'; readonly says: string };

/** Sends one statement. Never throws: what the driver says is the outcome. */
export async function send(session: ServiceConnection, sql: string): Promise<Outcome> {
  try {
    await session.query(sql);
    return { kind: 'answered' };
  } catch (thrown) {
    const error = toError(thrown);
    const [says = ''] = (error.cause instanceof Error ? error.cause : error).message.split('\n');
    // Refusals are 712nnn, what is stopped while it runs 714nnn.
    const code = /^TG(\d)/.exec(says)?.[1];
    if (code === '2') return { kind: 'refused', says };
    return { kind: code === '4' ? 'stopped' : 'failed', says };
  }
}
