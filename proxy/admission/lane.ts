/**
 * A lane as one replica works in it. Permits it has at hand are given at once; otherwise a statement waits, and the
 * replica tells of itself, whole, and is told who is granted. At most one such question is under way, and what happens
 * meanwhile makes the next. A question that failed costs nothing but time: nothing is at hand after it, and the next one
 * says everything again.
 */
import type {
  KeptLane,
  LaneMember,
  LaneReach,
  LaneToDecide,
  LaneWrites,
} from '#base/kept-lanes.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import { decideLane, type LaneAnswer, type LaneReport, reachOf } from '#policies/lanes/decision.js';
import { isCapped, type LaneLimits, teamLane } from '#policies/lanes/lane.js';

/** The right to run now in a lane. */
export interface Permit {
  /** Gives it back; later calls do nothing. */
  release(): void;
}

export type AdmitOutcome =
  | { readonly kind: 'admitted'; readonly permit: Permit; readonly waitedMs: number }
  | { readonly kind: 'queueFull'; readonly waiting: number; readonly queueMax: number }
  | { readonly kind: 'timeout'; readonly waitedMs: number; readonly timeoutMs: number }
  | { readonly kind: 'cancelled' };

/** Where lanes are kept, for all replicas. */
export interface LaneStore {
  /** Decides alone, with the lane as far as `reach` says. Rejects when it is away: what was decided is then not known. */
  decide<T>(
    tier: string,
    replica: string,
    reach: LaneReach,
    decide: (kept: LaneToDecide) => { readonly change: LaneWrites; readonly result: T },
  ): Promise<T>;
  /** The lane as it is. */
  read(tier: string, replica: string): Promise<KeptLane>;
}

export interface LaneOptions {
  readonly store: LaneStore;
  readonly replica: string;
  /** Others take this replica for alive, so that what it has at hand is still its own. */
  readonly isHeard: () => boolean;
  readonly log: Log;
  /** Monotonic milliseconds of real time. */
  readonly now: () => number;
}

interface Held {
  readonly member: LaneMember;
  readonly sinceMs: number;
}

interface Waiting extends Held {
  isAccepted: boolean;
  readonly leave: (outcome: AdmitOutcome) => void;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #tier: string;
  readonly #running = new Set<Held>();
  readonly #waiting = new Map<string, Waiting>();
  #limits: LaneLimits;
  /** Permits at hand, under these limits. */
  #idle = 0;
  #idleUnder: LaneLimits | null = null;
  #hasMore = false;
  #isContended = false;
  #ended = { count: 0, logStretch: 0 };
  #asking: Promise<void> = Promise.resolve();
  #isAsking = false;
  #isAskedAgain = false;
  #isReminder = false;
  /** What the store knows of this replica may be wrong. */
  #isUntold = false;

  constructor(options: LaneOptions, limits: LaneLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#tier = limits.tier;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a permit, at once or after waiting for its turn; the signal gives up the place. */
  admit(limits: LaneLimits, member: LaneMember, signal: AbortSignal): Promise<AdmitOutcome> {
    this.#limits = limits;
    if (this.#mayGive(member)) {
      this.#idle -= 1;
      if (this.#idle === 0 && this.#hasMore) this.ask();
      return Promise.resolve({ kind: 'admitted', permit: this.#take(member), waitedMs: 0 });
    }
    return this.#wait(member, signal);
  }

  /** The lane with this replica as it is now, which the store may not have been told. */
  now(kept: KeptLane): KeptLane {
    const own = this.#report();
    const others = kept.holdings.filter(({ replica }) => replica !== own.replica);
    return { ...kept, holdings: [...others, { ...own, isExact: true }] };
  }

  /** Tells the store of this replica, and takes what it is granted. */
  ask(): void {
    if (this.#isAsking) this.#isAskedAgain = true;
    else this.#asking = this.#askUntilQuiet();
  }

  /** Once a second: what was told may have been lost, and others may have taken this replica for dead. */
  tick(): void {
    if (!this.#options.isHeard()) {
      this.#idle = 0;
      this.#isContended = true;
      this.#isUntold = true;
    }
    if (this.#waiting.size > 0) this.#isReminder = true;
    if (this.#waiting.size > 0 || this.#isUntold) this.ask();
  }

  /** Resolves when no question is under way. */
  async settled(): Promise<void> {
    while (this.#isAsking) await this.#asking;
  }

  #mayGive({ isAdministrator }: LaneMember): boolean {
    const isAtHand = this.#idle > 0 && this.#idleUnder === this.#limits;
    return isAtHand && !isAdministrator && !this.#isContended && this.#options.isHeard();
  }

  #take(member: LaneMember): Permit {
    const held = { member, sinceMs: this.#options.now() };
    this.#running.add(held);
    return {
      release: () => {
        if (this.#running.delete(held)) this.#released(held);
      },
    };
  }

  #released({ member, sinceMs }: Held): void {
    const heldMs = this.#options.now() - sinceMs;
    if (heldMs > 0 && member.expectedMs > 0) {
      const { count, logStretch } = this.#ended;
      const sample = Math.log(heldMs / member.expectedMs);
      this.#ended = { count: count + 1, logStretch: logStretch + sample };
    }
    const isOurs = !this.#isContended && !member.isAdministrator && this.#waiting.size === 0;
    if (isOurs && !isCapped(this.#limits) && this.#idleUnder === this.#limits) this.#idle += 1;
    else this.ask();
  }

  #wait(member: LaneMember, signal: AbortSignal): Promise<AdmitOutcome> {
    const sinceMs = this.#options.now();
    const timeoutMs = teamLane(this.#limits, member.teamId).queueTimeoutMs;
    return new Promise((resolve) => {
      const leave = (outcome: AdmitOutcome): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(member.ticketId);
        // Its row goes, and with it what it may have been granted.
        if (outcome.kind === 'cancelled' || outcome.kind === 'timeout') this.ask();
        resolve(outcome);
      };
      const onAbort = (): void => leave({ kind: 'cancelled' });
      const timer = setTimeout(
        () => leave({ kind: 'timeout', waitedMs: this.#options.now() - sinceMs, timeoutMs }),
        timeoutMs,
      );
      this.#waiting.set(member.ticketId, { member, sinceMs, isAccepted: false, leave });
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else this.ask();
    });
  }

  async #askUntilQuiet(): Promise<void> {
    this.#isAsking = true;
    try {
      do {
        this.#isAskedAgain = false;
        if (!(await this.#askOnce())) return;
      } while (this.#isAskedAgain);
    } finally {
      this.#isAsking = false;
    }
  }

  /** False: the store is away; the next tick asks again. */
  async #askOnce(): Promise<boolean> {
    const { store, replica, log } = this.#options;
    const limits = this.#limits;
    const report = { ...this.#report(), isReminder: this.#isReminder };
    this.#isReminder = false;
    // What is said to be at hand may be taken back: nothing of it is given meanwhile.
    this.#idle = 0;
    this.#ended = { count: 0, logStretch: 0 };
    try {
      const answer = await store.decide(this.#tier, replica, reachOf(limits, report), (kept) =>
        decideLane(limits, kept, report),
      );
      this.#apply(answer, limits, report);
      return true;
    } catch (thrown) {
      this.#idle = 0;
      this.#isContended = true;
      this.#isUntold = true;
      log.warn(
        { err: toError(thrown), tier: this.#tier },
        'a lane could not be asked for permits; who waits, waits on',
      );
      return false;
    }
  }

  #report(): LaneReport {
    const now = this.#options.now();
    return {
      replica: this.#options.replica,
      idle: this.#idleUnder === this.#limits ? this.#idle : 0,
      running: [...this.#running].map(({ member, sinceMs }) => ({
        ...member,
        heldMs: now - sinceMs,
      })),
      waiting: [...this.#waiting.values()].map(({ member, sinceMs, isAccepted }) => ({
        ...member,
        waitedMs: now - sinceMs,
        isAccepted,
      })),
      ended: this.#ended,
      isReminder: false,
    };
  }

  #apply(answer: LaneAnswer, limits: LaneLimits, report: LaneReport): void {
    this.#isUntold = false;
    this.#isContended = answer.isContended;
    this.#hasMore = answer.hasMore;
    // What came back meanwhile was given under the limits before.
    if (this.#idleUnder !== limits) this.#idle = 0;
    this.#idleUnder = limits;
    // What came back meanwhile is somebody else's now.
    if (answer.isContended && this.#idle > 0) this.#isAskedAgain = true;
    this.#idle += answer.idle;
    const provisional = new Set(answer.provisional);
    for (const { ticketId } of report.waiting) {
      const entry = this.#waiting.get(ticketId);
      if (entry !== undefined) entry.isAccepted ||= !provisional.has(ticketId);
    }
    for (const { ticketId, waiting, queueMax } of answer.refused)
      this.#waiting.get(ticketId)?.leave({ kind: 'queueFull', waiting, queueMax });
    for (const ticketId of answer.granted) {
      const entry = this.#waiting.get(ticketId);
      // It left while it was being granted: its permit is said to be free again.
      if (entry === undefined) this.#isAskedAgain = true;
      else this.#begin(entry);
    }
  }

  #begin({ member, sinceMs, leave }: Waiting): void {
    const waitedMs = this.#options.now() - sinceMs;
    leave({ kind: 'admitted', permit: this.#take(member), waitedMs });
  }
}
