/**
 * The guard over running statements (I7): every few seconds each one's accrued credits are compared with its hold.
 * Before the hold is used up it is topped up from the same budgets; a refused top-up, or the ceiling, cancels the
 * statement upstream. A statement nobody polls for is asked about by its query id, so that its end is seen.
 */
import { tgLabel, toError } from '#base/errors.js';
import type { Credits } from '#base/units.js';
import type { TopUpOutcome } from '#billing/ledger.js';
import { guardStep, isOutrun, lastHold } from '#policies/rules/guard.js';
import type { GuardStep } from '#policies/rules/guard.js';
import type { Parts } from '../parts.js';
import { finishStatement } from '../settlement/finish.js';
import { TokenExpired } from '../upstream/query-facts.js';
import { tellStop } from '../relay-statement.js';
import type { RunningStatement, StopReason } from './running.js';

export interface Meter {
  stop(): void;
}

/** Starts the guard. `intervalMs` is real time; with a scaled clock it runs as often in business time. */
export function startMeter(parts: Parts, intervalMs: number): Meter {
  const everyMs = Math.max(50, Math.round(intervalMs / parts.clock.scale));
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void sweep(parts, everyMs * parts.clock.scale).finally(() => {
      isBusy = false;
    });
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Looks at every running statement once. Exported for tests, which bring their own clock. */
export async function sweep(parts: Parts, intervalMs: number): Promise<void> {
  for (const statement of parts.running.list()) {
    try {
      await guard(parts, statement, intervalMs);
      await endAbandoned(parts, statement);
      await followDetached(parts, statement);
    } catch (thrown) {
      if (thrown instanceof TokenExpired) await renewToken(parts, statement);
      else
        parts.log.warn(
          { err: toError(thrown), ticketId: statement.ticketId },
          'a running statement could not be checked',
        );
    }
  }
}

async function guard(parts: Parts, statement: RunningStatement, intervalMs: number): Promise<void> {
  if (statement.stop !== null) return;
  const { holdCredits, ceilingCredits, creditsPerHour } = statement;
  const usedCredits = parts.running.usedCredits(statement, parts.clock.now());
  const step = guardStep({ usedCredits, holdCredits, ceilingCredits, creditsPerHour, intervalMs });
  switch (step.kind) {
    case 'runOn':
      return;
    case 'stop':
      return stopStatement(parts, statement, {
        code: 'ceilingReached',
        source: 'ceiling',
        limitCredits: ceilingCredits,
      });
    case 'topUp':
      return topUp(parts, statement, step);
  }
}

async function topUp(
  parts: Parts,
  statement: RunningStatement,
  step: Extract<GuardStep, { kind: 'topUp' }>,
): Promise<void> {
  const refused = await raiseHold(parts, statement, step.holdCredits);
  if (refused === undefined) return;
  // Less than wanted is left: the last of it is taken before the statement is stopped.
  const last = lastHold(statement.holdCredits, refused.budget.availableCredits);
  if (last !== null && (await raiseHold(parts, statement, last)) === undefined) return;
  if (!isOutrun(statement.holdCredits, step.aheadCredits)) return;
  await stopStatement(parts, statement, {
    code: 'budgetExhausted',
    source: refused.budget.budgetId,
    limitCredits: statement.holdCredits,
  });
}

/** Raises the hold to `wanted` in all; the refusal when a budget does not have it. */
async function raiseHold(
  parts: Parts,
  statement: RunningStatement,
  wanted: Credits,
): Promise<Extract<TopUpOutcome, { kind: 'refused' }> | undefined> {
  const outcome = await parts.ledger.topUp(statement.ticketId, wanted);
  switch (outcome.kind) {
    case 'held':
    case 'replayed':
      statement.holdCredits = outcome.holdCredits;
      return undefined;
    case 'refused':
      return outcome;
    case 'closed':
      return undefined;
  }
}

/** Cancels a statement upstream and remembers why, so that the client is told. */
export async function stopStatement(
  parts: Parts,
  statement: RunningStatement,
  why: Pick<StopReason, 'code' | 'source' | 'limitCredits'>,
): Promise<void> {
  const now = parts.clock.now();
  statement.stop = {
    ...why,
    usedCredits: parts.running.usedCredits(statement, now),
    elapsedMs: now - statement.startedAt,
  };
  parts.log.info(
    { ticketId: statement.ticketId, code: tgLabel(why.code) },
    'a running statement is stopped',
  );
  try {
    await tellStop(parts, statement, statement.stop);
  } catch (thrown) {
    parts.log.warn(
      { err: toError(thrown), ticketId: statement.ticketId },
      'why a statement is stopped could not be written; a poll on another replica is told less',
    );
  }
  try {
    await statement.front.abort(
      statement.upstream,
      statement.upstreamToken,
      statement,
      parts.ids.ticket(Date.now()),
    );
  } catch (thrown) {
    // Tried again with the next sweep.
    statement.stop = null;
    throw thrown;
  }
}

/** A statement whose client went away, in a tier that does not run on for clients that did. */
async function endAbandoned(parts: Parts, statement: RunningStatement): Promise<void> {
  if (statement.clientGone === 'keep' || statement.isAsync || statement.stop !== null) return;
  const { goneAfterMs } = parts.patience;
  if (statement.attendance.idleMs() < goneAfterMs) return;
  // Its polls may reach other replicas.
  const seenAgoMs = (await parts.ledger.ticket(statement.ticketId))?.seenAgoMs ?? Infinity;
  if (seenAgoMs < goneAfterMs) return;
  await stopStatement(parts, statement, {
    code: 'clientGone',
    source: 'client',
    limitCredits: statement.holdCredits,
  });
}

/**
 * Takes the token of the session's latest renewal. Without one nobody can ask about the statement any more but the
 * service user: it is in doubt, and evidence ends it.
 */
async function renewToken(parts: Parts, statement: RunningStatement): Promise<void> {
  const { ticketId, upstream, sessionId } = statement;
  try {
    const sealed = await parts.sessions.newestToken({ account: upstream.account, sessionId });
    const token = sealed === undefined ? undefined : parts.sealer.open(sealed, 'session');
    if (token !== undefined && token.upstreamToken !== statement.upstreamToken) {
      statement.upstreamToken = token.upstreamToken;
      return;
    }
    // While somebody waits here its reply, or the next poll with a newer token, will tell.
    if (statement.attendance.idleMs() < parts.patience.abandonedAfterMs) return;
    parts.running.end(ticketId, parts.clock.now());
    await parts.doubts.add(ticketId);
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown), ticketId }, 'a newer token could not be read');
  }
}

/** Asynchronous and long statements: their end may never be polled for. */
async function followDetached(parts: Parts, statement: RunningStatement): Promise<void> {
  if (statement.queryId === null) return;
  const facts = await statement.front.facts(
    statement.upstream,
    statement.upstreamToken,
    statement.queryId,
  );
  if (facts === undefined || facts.isRunning) return;
  finishStatement(parts, statement.ticketId, {
    isSuccess: facts.isSuccess,
    code: facts.errorCode,
    sqlState: null,
    queryId: statement.queryId,
    childQueryIds: [],
    rows: null,
  });
}
