/**
 * The guard over running statements (I7): every few seconds each one's accrued credits are compared with its hold.
 * Before the hold is used up it is topped up from the same budgets; a refused top-up, or the ceiling, cancels the
 * statement upstream. Ceilings are looked at in memory alone, so that neither the ledger nor upstream delays them.
 */
import { toError } from '#base/errors.js';
import { sideBySide } from '#base/side-by-side.js';
import type { EpochMs } from '#base/time.js';
import { guardStep } from '#policies/rules/guard.js';
import type { GuardStep } from '#policies/rules/guard.js';
import type { Parts } from '../parts.js';
import { lookForEnds } from './ends.js';
import { watchInterventions } from './interventions.js';
import { raiseHold } from './raise.js';
import type { RunningStatement } from './running.js';
import { cancelAgain, stopStatement } from './stop.js';
import type { StopParts } from './stop.js';

/** Top-ups of one replica at once; the pool of Postgres has room for others beside them. */
const TOP_UPS_AT_ONCE = 6;

/** Starts the guard. `intervalMs` is real time; with a scaled clock it runs as often in business time. */
export function startMeter(parts: Parts, intervalMs: number): { stop(): void } {
  const everyMs = Math.max(50, Math.round(intervalMs / parts.clock.scale));
  const meter = new Meter(parts, everyMs * parts.clock.scale);
  let isAsking = false;
  const timer = setInterval(() => {
    meter.look();
    if (isAsking) return;
    isAsking = true;
    void lookForEnds(parts).finally(() => {
      isAsking = false;
    });
  }, everyMs);
  timer.unref();
  const interventions = watchInterventions(parts);
  return {
    stop: () => {
      clearInterval(timer);
      interventions.stop();
    },
  };
}

interface Raise {
  readonly statement: RunningStatement;
  readonly step: Extract<GuardStep, { kind: 'topUp' }>;
}

export class Meter {
  readonly #parts: StopParts;
  readonly #intervalMs: number;
  #raisedAt: EpochMs;
  #raising: Promise<void> | undefined;
  /** Under way; a slow upstream holds up neither looks nor top-ups. */
  readonly #stopping = new Set<Promise<void>>();

  /** `intervalMs`: business time between two looks when nothing is late. */
  constructor(parts: StopParts, intervalMs: number) {
    this.#parts = parts;
    this.#intervalMs = intervalMs;
    this.#raisedAt = parts.clock.now();
  }

  /** Looks at every running statement once; what follows from it goes on by itself. */
  look(): void {
    const { clock, running } = this.#parts;
    const now = clock.now();
    // Looks that come late, or top-ups that took long, look as much further ahead.
    const intervalMs = Math.max(this.#intervalMs, now - this.#raisedAt);
    const raises: Raise[] = [];
    for (const statement of running.list()) {
      if (statement.cancelledAtMs !== null) this.#track(cancelAgain(this.#parts, statement));
      if (statement.stop !== null) continue;
      const { holdCredits, ceilingCredits, creditsPerHour } = statement;
      const usedCredits = running.usedCredits(statement, now);
      const amounts = { usedCredits, holdCredits, ceilingCredits, creditsPerHour, intervalMs };
      const step = guardStep(amounts);
      if (step.kind === 'stop') this.#stopAtCeiling(statement);
      if (step.kind === 'topUp' && statement.isHeldByBudgets) raises.push({ statement, step });
    }
    if (this.#raising !== undefined) return;
    this.#raisedAt = now;
    this.#raising = this.#raise(raises).finally(() => {
      this.#raising = undefined;
    });
  }

  /** Until what the last look began has ended. */
  async settled(): Promise<void> {
    await this.#raising;
    await Promise.all(this.#stopping);
  }

  #track(work: Promise<void>): void {
    this.#stopping.add(work);
    void work.finally(() => this.#stopping.delete(work));
  }

  #stopAtCeiling(statement: RunningStatement): void {
    const limitCredits = statement.ceilingCredits;
    const why = { code: 'ceilingReached', source: 'ceiling', limitCredits } as const;
    this.#track(stopStatement(this.#parts, statement, why));
  }

  #raise(raises: readonly Raise[]): Promise<void> {
    const { log } = this.#parts;
    return sideBySide(
      raises,
      TOP_UPS_AT_ONCE,
      (raise) => this.#topUp(raise),
      (thrown, { statement }) => {
        log.warn(
          { err: toError(thrown), ticketId: statement.ticketId },
          'a hold could not be topped up; the next look will',
        );
        // The ledger is away: the others would wait for it one after the other.
        return true;
      },
    );
  }

  async #topUp({ statement, step }: Raise): Promise<void> {
    if (statement.stop !== null) return;
    const spent = await raiseHold(this.#parts.ledger, statement, step);
    if (spent === undefined) return;
    const why = {
      code: 'budgetExhausted',
      source: spent.budgetId,
      limitCredits: statement.holdCredits,
    } as const;
    this.#track(stopStatement(this.#parts, statement, why));
  }
}
