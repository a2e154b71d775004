/**
 * Between decide and reserve: a shape whose pace is above a run rate is told, waits a while before each run, or is
 * refused. What is looked at is in memory (`running/run-rates.ts`).
 */
import { type Credits, formatAmountTo, priceCredits } from '#base/units.js';
import type { RunRate } from '#policies/control/snapshot.js';
import type { Reason } from '#policies/rules/decision.js';
import { runRateRefusal } from '#policies/rules/guard-text.js';
import { affordableEveryMs, judgeRunRate, runRateLimit } from '#policies/rules/run-rate.js';
import type { RunRateFinding, RunRateRung } from '#policies/rules/run-rate.js';
import type { ApproveOutcome } from './approve.js';
import { attentionOf } from './admission/vigil.js';
import type { Clock } from '#base/time.js';
import type { Parts } from './parts.js';
import type { SpendView } from './running/spend-book.js';
import { refusalContext } from './refuse.js';
import type { CancelReason, RequestEntry } from './requests.js';
import type { Allowed, Estimated, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';

const ORDER: readonly RunRateRung[] = ['none', 'warn', 'slow', 'stop'];

/** A run rate that the shape of a statement has reached a rung of. */
export interface Pace {
  readonly rate: RunRate;
  readonly limitCredits: Credits;
  readonly finding: RunRateFinding;
}

/** What is asked of the pace of a shape: all of it is given, so that a replay asks the same. */
export interface PaceQuestion extends Pick<Estimated, 'snapshot' | 'isFree'> {
  readonly team: { readonly id: string };
  readonly placement: Pick<Estimated['placement'], 'tier' | 'pricePerCredit'>;
  readonly facts: { readonly fingerprint: string };
}

interface PaceParts {
  readonly clock: Pick<Clock, 'now'>;
  readonly runRates: SpendView;
}

/** The strictest rung that the statement's shape has reached, of run rates that decide; null: none. */
export function paceOf(parts: PaceParts, statement: PaceQuestion): Pace | null {
  return pacesOf(parts, statement).find(({ rate }) => rate.mode === 'enforce') ?? null;
}

/** What the author of a statement is told of the pace of its shape: every rung of a run rate that tells or slows. */
export function paceNotes(parts: Parts, statement: Estimated): readonly Reason[] {
  return pacesOf(parts, statement)
    .filter(({ rate, finding }) => rate.mode === 'enforce' && finding.rung !== 'stop')
    .map((pace) => ({ source: pace.rate.id, message: paceText(pace, statement) }));
}

/** One sentence, without a full stop. */
export function paceText({ rate, finding, limitCredits }: Pace, { placement }: Estimated): string {
  const { pricePerCredit, currency } = placement;
  const money = (credits: Credits): string =>
    `${formatAmountTo(priceCredits(credits, pricePerCredit, 'half-even'), 2)} ${currency}`;
  const pace = `its shape has a pace of ${money(finding.projectedCredits)} a month, ${money(limitCredits)} is allowed (run rate ${rate.id})`;
  return finding.rung === 'slow'
    ? `${pace}; each run waits ${rate.slowSeconds} s before it is sent`
    : pace;
}

/** Refused: the pace is to be stopped. Null: it may go on, perhaps after a while. */
export function refuseAtPace(parts: Parts, statement: Allowed): Refusal | null {
  const paces = pacesOf(parts, statement);
  for (const pace of paces) tell(parts, statement, pace);
  const pace = paces.find(({ rate }) => rate.mode === 'enforce');
  if (pace?.finding.rung !== 'stop') return null;
  return paceRefusal(pace, statement, parts);
}

/** What the caller of a shape that is stopped is told. */
export function paceRefusal(pace: Pace, statement: Estimated, parts: Parts): Refusal {
  const { rate, finding, limitCredits } = pace;
  return runRateRefusal(
    {
      runRateId: rate.id,
      finding,
      limitCredits,
      affordableEveryMs: affordableEveryMs(finding, limitCredits),
    },
    refusalContext(parts, statement),
  );
}

/** A run of a shape that is slowed waits as long as its run rate says, under its hold; a cancel ends the wait. */
export async function slowDown(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
): Promise<ApproveOutcome> {
  const isPaced = !statement.isFree && statement.breakGlass === undefined;
  const pace = isPaced ? paceOf(parts, statement) : null;
  if (pace?.finding.rung !== 'slow') return { kind: 'approved', statement };
  const leave = parts.vigil.enter(entry, attentionOf(statement.query));
  try {
    const { slowSeconds } = pace.rate;
    await rest((slowSeconds * 1000) / parts.clock.scale, entry.cancelled);
    if (!entry.cancelled.aborted) return { kind: 'approved', statement };
    const reason = entry.cancelled.reason as CancelReason;
    if (reason === 'draining') return { kind: 'dropped' };
    return reason === 'cancelled'
      ? { kind: 'cancelled' }
      : { kind: 'refused', refusal: paceRefusal(pace, statement, parts) };
  } finally {
    leave();
  }
}

/** Resolves after so long, or when the signal aborts. */
export function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

/** Every run rate of which a rung is reached, the strictest first. */
function pacesOf(
  { clock, runRates }: PaceParts,
  { snapshot, team, placement, facts, isFree }: PaceQuestion,
): readonly Pace[] {
  if (isFree) return [];
  const rates = snapshot.runRatesFor(team.id, placement.tier.id);
  if (rates.length === 0) return [];
  const now = clock.now();
  const key = { teamId: team.id, fingerprint: facts.fingerprint };
  const spend = runRates.spendOf(key);
  if (spend === undefined || runRates.isLifted(key, now)) return [];
  return rates
    .flatMap((rate): readonly Pace[] => {
      const limitCredits = runRateLimit(rate, placement.pricePerCredit);
      if (limitCredits === null) return [];
      return [{ rate, limitCredits, finding: judgeRunRate(spend, { ...rate, limitCredits }, now) }];
    })
    .filter(({ finding }) => finding.rung !== 'none')
    .sort((a, b) => ORDER.indexOf(b.finding.rung) - ORDER.indexOf(a.finding.rung));
}

function tell(parts: Parts, statement: Allowed, { rate, finding }: Pace): void {
  const { team, facts, call } = statement;
  parts.events.paced(team.id, finding.rung, rate.mode);
  const key = `${team.id}\n${facts.fingerprint}\n${rate.id}\n${finding.rung}`;
  if (!parts.runRates.isNews(key)) return;
  parts.log.warn(
    {
      ticketId: call.ticketId,
      team: team.id,
      fingerprint: facts.fingerprint,
      runRate: rate.id,
      rung: finding.rung,
      mode: rate.mode,
    },
    'a shape repeats towards more than its run rate allows',
  );
}
