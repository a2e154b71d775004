/** A minute of fifteen teams by the real Node driver, one statement of which runs away and is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../base/errors.js';
import { inTime } from '../../base/in-time.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import {
  sumCredits,
  type Credits,
  formatAmountTo,
  NO_CREDITS,
  subtractCredits,
} from '../../base/units.js';
import { DEMO_RUNAWAY } from '../../policies/control/demo.js';
import type { AdminClient } from '../admin-client.js';
import { VerbError } from '../verb-error.js';
import { type Door, emptyTally, type Outcome, signInAnalyst, type Tally, work } from './analyst.js';
import { startRunaway } from './runaway.js';
import { readSpending, type Spent } from './spending.js';
import { type Habit, HABITS, RUNAWAY_TEAM, runawaySharers } from './statements.js';

/** Between two lines of the live summary. */
const TELL_EVERY_MS = 5000;
/** A proxy that has just got its first control document takes it within a second or two. */
const SIGN_IN_LIMIT_MS = 20_000;
const SIGN_IN_AGAIN_MS = 500;
/** What has ended is in the ledger within a second on a quiet machine. */
const SETTLE_LIMIT_MS = 10_000;
const SETTLE_LOOK_MS = 500;
/** For the warehouse to resume, the meter to look and the cancel to arrive, on a busy machine. */
const STOP_LIMIT_MS = 15_000;
/**
 * A runaway that nothing has stopped this long after the traffic is killed: by then its ceiling was reached even if it had
 * shared its warehouse to the end, and no rule of the document in force sets it one.
 */
const RUNAWAY_LIMIT_MS = runawaySharers() * DEMO_RUNAWAY.aloneMs + STOP_LIMIT_MS;

export interface TrafficOptions {
  readonly door: Door;
  readonly client: AdminClient;
  readonly seconds: number;
  /** Makes the runaway of this run a shape of its own. */
  readonly run: number;
  /** A line of the live summary. */
  readonly tell: (line: string) => void;
}

/** What the minute came to. */
export interface Traffic {
  readonly tallies: readonly Tally[];
  /** By team, of this run. */
  readonly spentCredits: ReadonlyMap<string, Credits>;
  readonly runaway: Outcome;
}

/**
 * Sends it and waits until what it used is in the ledger.
 *
 * @throws VerbError when an analyst cannot sign in.
 */
export async function runTraffic(options: TrafficOptions): Promise<Traffic> {
  const { client, seconds, tell } = options;
  const before = await readSpending(client);
  const sessions = await signInAll(options.door);
  const runawaySession = await signInAnalyst(options.door, RUNAWAY_TEAM);
  try {
    const startedAt = performance.now();
    const untilMs = startedAt + seconds * 1000;
    const tallies = [...sessions.keys()].map(emptyTally);
    const runaway = await startRunaway(runawaySession, client, options.run);
    const working = Promise.all(
      tallies.map((tally, first) => workOf(sessions, tally, { first, untilMs })),
    );
    let isOver = false;
    const over = working.finally(() => (isOver = true));
    const stopped = runaway.ended.then((outcome) => {
      tell(`        the runaway of ${RUNAWAY_TEAM}: ${outcomeText(outcome)}`);
      return outcome;
    });
    while (!isOver) {
      await Promise.race([over, sleep(TELL_EVERY_MS)]);
      tell(
        liveLine(
          (performance.now() - startedAt) / 1000,
          tallies,
          before,
          await readSpending(client),
        ),
      );
    }
    await over;
    return {
      tallies,
      runaway: await endOf(stopped, () => runaway.kill()),
      spentCredits: difference(before, await settled(client)),
    };
  } finally {
    await Promise.all([runawaySession, ...sessions.values()].map((session) => session.close()));
  }
}

async function signInAll(door: Door): Promise<ReadonlyMap<string, ServiceConnection>> {
  const sessions = new Map<string, ServiceConnection>();
  for (const team of Object.keys(HABITS)) sessions.set(team, await signInPatiently(door, team));
  return sessions;
}

async function signInPatiently(door: Door, team: string): Promise<ServiceConnection> {
  const untilMs = performance.now() + SIGN_IN_LIMIT_MS;
  for (;;) {
    try {
      return await signInAnalyst(door, team);
    } catch (thrown) {
      if (performance.now() > untilMs) throw new VerbError(toError(thrown).message);
    }
    await sleep(SIGN_IN_AGAIN_MS);
  }
}

function workOf(
  sessions: ReadonlyMap<string, ServiceConnection>,
  tally: Tally,
  when: { readonly first: number; readonly untilMs: number },
): Promise<void> {
  const session = sessions.get(tally.team);
  const habit: Habit | undefined = HABITS[tally.team];
  return session === undefined || habit === undefined
    ? Promise.resolve()
    : work(session, habit, tally, when);
}

/** Killed when no guard has ended it in time. */
async function endOf(ended: Promise<Outcome>, kill: () => Promise<void>): Promise<Outcome> {
  const first = await inTime(RUNAWAY_LIMIT_MS, ended);
  if (first !== undefined) return first;
  await kill();
  return ended;
}

/** Spending once nothing of it is held any more, or after a while as it then is. */
async function settled(client: AdminClient): Promise<ReadonlyMap<string, Spent>> {
  const untilMs = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const now = await readSpending(client);
    const isQuiet = [...now.values()].every(({ heldCredits }) => heldCredits === NO_CREDITS);
    if (isQuiet || performance.now() > untilMs) return now;
    await sleep(SETTLE_LOOK_MS);
  }
}

function liveLine(
  elapsedSeconds: number,
  tallies: readonly Tally[],
  before: ReadonlyMap<string, Spent>,
  now: ReadonlyMap<string, Spent>,
): string {
  const sum = (of: (tally: Tally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0);
  const teams = tallies.map(({ team }) => team);
  const spent = sumCredits(pick(difference(before, now), teams));
  const held = sumCredits(teams.map((team) => now.get(team)?.heldCredits ?? NO_CREDITS));
  const failed = sum((tally) => tally.failed);
  return [
    `${elapsedSeconds.toFixed(0).padStart(4)} s  ${sum((tally) => tally.answered)} answered`,
    `${sum((tally) => tally.refused)} refused before they ran`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    `${formatAmountTo(spent, 4)} credits spent, ${formatAmountTo(held, 4)} held`,
  ].join(' · ');
}

function difference(
  before: ReadonlyMap<string, Spent>,
  now: ReadonlyMap<string, Spent>,
): ReadonlyMap<string, Credits> {
  return new Map(
    [...now].map(([team, { spentCredits }]) => [
      team,
      subtractCredits(spentCredits, before.get(team)?.spentCredits ?? NO_CREDITS),
    ]),
  );
}

function pick(of: ReadonlyMap<string, Credits>, teams: readonly string[]): readonly Credits[] {
  return teams.map((team) => of.get(team) ?? NO_CREDITS);
}

/** An outcome as one line. */
export function outcomeText(outcome: Outcome): string {
  return outcome.kind === 'answered' ? 'it came to its end' : outcome.says;
}
