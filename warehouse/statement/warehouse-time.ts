/**
 * A statement's time on its warehouse: waiting for a place, letting the modelled work pass, and what it used. Time-outs
 * count on the warehouse clock. Source of the limits: Snowflake, parameters STATEMENT_TIMEOUT_IN_SECONDS (counted here
 * from the statement's start on its cluster) and STATEMENT_QUEUED_TIMEOUT_IN_SECONDS (from its arrival).
 */
import { WIRE_CODES } from '#base/wire/codes.js';
import type { Clock, EpochMs } from '#base/time.js';
import { unsupported } from '../engine/failures.js';

import { FREE_STATEMENT_MS } from '../fleet/duration.js';
import type { Fleet } from '../fleet/fleet.js';
import { QUEUE_MAX } from '../fleet/virtual-warehouse.js';
import type { VirtualWarehouse } from '../fleet/virtual-warehouse.js';
import type { Ended, Place, Servers } from '../fleet/place.js';
import { cancelled, failure, timedOut } from './outcome.js';
import type { Outcome } from './outcome.js';
import { parameterNumber } from './parameters.js';
import type { Statement, Usage } from './statement.js';
import { freeUsage } from './statements.js';

/** How a statement ended and what it used. */
export interface Executed {
  readonly outcome: Outcome;
  readonly usage: Usage;
}

/** Lowest non-zero of the statement's or session's and the warehouse's own limits; 0 = none. */
export interface TimeLimits {
  readonly runSeconds: number;
  readonly queueSeconds: number;
}

/** Either a place on the warehouse, or how the statement ended without one. */
export type Waited =
  | { readonly kind: 'placed'; readonly place: Place; readonly at: EpochMs }
  | { readonly kind: 'ended'; readonly executed: Executed };

/** The session's warehouse if it runs or may resume by itself. */
export function usableWarehouse(fleet: Fleet, statement: Statement): VirtualWarehouse | undefined {
  const warehouse = fleet.ofSession(statement.session.warehouse);
  return warehouse?.isUsable === true ? warehouse : undefined;
}

/** The limits of `statement` on `warehouse`. */
export function limitsOf(statement: Statement, warehouse: VirtualWarehouse): TimeLimits {
  const set = new Map([...statement.session.parameters, ...statement.request.parameters]);
  const { statementTimeoutSeconds, queuedTimeoutSeconds } = warehouse.definition;
  return {
    runSeconds: lowest(
      parameterNumber(set, 'STATEMENT_TIMEOUT_IN_SECONDS', 0),
      statementTimeoutSeconds,
    ),
    queueSeconds: lowest(
      parameterNumber(set, 'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS', 0),
      queuedTimeoutSeconds,
    ),
  };
}

function lowest(...seconds: readonly number[]): number {
  const limits = seconds.filter((one) => one > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

/**
 * Waits for a place.
 *
 * @param expectedMs the statement's work where it is known beforehand.
 * @returns the place, or `000604` for a cancelled statement, `000630` after the queue limit, `000002` when the queue
 *   of the warehouse is full.
 */
export async function takePlace(
  warehouse: VirtualWarehouse,
  statement: Statement,
  limits: TimeLimits,
  expectedMs?: number,
): Promise<Waited> {
  const place = warehouse.enter({
    arrivedAt: statement.startedAt,
    queueLimitMs: limits.queueSeconds * 1000,
    ...(expectedMs === undefined ? {} : { expectedMs }),
    onAbort: () => statement.abort.abort(),
  });
  statement.isQueued = true;
  const placed = await whileListening(
    statement.abort.signal,
    () => place.leave(),
    () => place.placed,
  );
  statement.isQueued = false;
  const ended = (outcome: Outcome): Waited => ({
    kind: 'ended',
    executed: { outcome, usage: queuedUsage(statement, warehouse, placed.at) },
  });
  switch (placed.how) {
    case 'placed':
      return { kind: 'placed', place, at: placed.at };
    case 'left':
      return ended(cancelled());
    case 'limit':
      return ended(timedOut(limits.queueSeconds));
    case 'full':
      return ended(unsupported(`more than ${QUEUE_MAX} statements in the queue of a warehouse`));
  }
}

/**
 * Lets the modelled time pass on the warehouse.
 *
 * @param workOf compile and total milliseconds at full speed on the servers that the statement is on.
 * @returns `outcome`, `000630` after the run limit, or `000604` for a cancelled statement, with what was used.
 */
export async function spend(
  statement: Statement,
  warehouse: VirtualWarehouse,
  place: Place,
  workOf: (servers: Servers) => { readonly compileMs: number; readonly workMs: number },
  limits: TimeLimits,
  outcome: Outcome,
): Promise<Executed> {
  let compileWorkMs = 0;
  const ended = await whileListening(
    statement.abort.signal,
    () => place.leave(),
    () =>
      place.weigh((servers) => {
        const work = workOf(servers);
        compileWorkMs = work.compileMs;
        return work.workMs;
      }, limits.runSeconds * 1000),
  );
  const usage = usageOf(warehouse, ended, compileWorkMs);
  switch (ended.how) {
    case 'done':
      return { outcome, usage };
    case 'limit':
      return { outcome: timedOut(limits.runSeconds), usage };
    case 'left':
      return { outcome: cancelled(), usage };
  }
}

/** Listens to `signal` only while `work` runs; an already aborted signal is told at once. */
export async function whileListening<T>(
  signal: AbortSignal,
  onAbort: () => void,
  work: () => Promise<T>,
): Promise<T> {
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const running = work();
    if (signal.aborted) onAbort();
    return await running;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The end of a statement that used no warehouse. */
export function free(statement: Statement, outcome: Outcome): Executed {
  return { outcome, usage: freeUsage(statement.startedAt, FREE_STATEMENT_MS) };
}

/** No warehouse, from the arrival until now: cloud services count the compilation only, not the waiting. */
export function usageUntilNow(clock: Clock, statement: Statement): Usage {
  const elapsedMs = Math.max(0, clock.now() - statement.startedAt);
  const compileMs = Math.min(elapsedMs, FREE_STATEMENT_MS);
  return {
    ...freeUsage(statement.startedAt, elapsedMs),
    compileMs,
    executionMs: elapsedMs - compileMs,
  };
}

/** `000606`. */
export function noWarehouse(): Outcome {
  return failure(
    WIRE_CODES.noActiveWarehouse,
    '57P03',
    "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.",
  );
}

function usageOf(warehouse: VirtualWarehouse, ended: Ended, compileWorkMs: number): Usage {
  const spentMs = ended.at - ended.runningSince;
  const compileMs = Math.min(compileWorkMs, spentMs);
  return {
    warehouse: warehouse.definition.name,
    warehouseId: warehouse.definition.id,
    size: ended.size,
    make: ended.make,
    cluster: ended.cluster,
    runningSince: ended.runningSince,
    provisioningMs: ended.provisioningMs,
    endedAt: ended.at,
    compileMs,
    executionMs: spentMs - compileMs,
  };
}

/** A statement that only waited: it names its warehouse, but no servers, and took none of their time. */
function queuedUsage(statement: Statement, warehouse: VirtualWarehouse, at: EpochMs): Usage {
  const endedAt = Math.max(at, statement.startedAt);
  return {
    warehouse: warehouse.definition.name,
    warehouseId: warehouse.definition.id,
    size: null,
    cluster: null,
    runningSince: endedAt,
    endedAt,
    compileMs: 0,
    executionMs: 0,
  };
}
