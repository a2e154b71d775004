/**
 * Freezing a month: what it comes to by everything that is known is written down as a version, with hashes and root. The
 * work is done outside the transaction that writes it, and counts only if nothing of it has changed meanwhile.
 */
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import { type Period, tryParseMonth } from '#base/time.js';
import type { BilledMonth } from '../bills/billed-month.js';
import type { MonthTerms } from '../bills/month-terms.js';
import { sumStaleDays } from '../bills/day-sums.js';
import { type OpenMonth, readOpenMonth } from '../bills/open-month.js';
import { addVersion, lockCloses, moveVersion, noteStep } from './close-rows.js';
import { monthAfter } from './month-order.js';
import { usageFingerprint } from './usage-fingerprint.js';
import { readClosingProblems } from './closing-problems.js';
import type { CloseOutcome, CloseRefusal, StepBy } from './outcome.js';
import { type CloseVersion, readVersions } from './read-close.js';
import { writeFreeze } from './write-freeze.js';

/** How often it is worked out anew when an import comes in between. */
const TRIES_MAX = 3;

export interface FreezeOptions extends StepBy {
  readonly terms: MonthTerms;
  /** `reopen`: a new version of a closed month. */
  readonly step: 'freeze' | 'reopen';
  /** Writes the audit event, in the same transaction. */
  readonly audit: (tx: Transaction, outcome: CloseOutcome) => Promise<void>;
}

/**
 * Freezes an open month, freezes a soft-closed one anew, or begins the next version of a closed one. Refused by value, with
 * nothing written. Faults of Postgres propagate.
 */
export async function freezeMonth(db: Database, options: FreezeOptions): Promise<CloseOutcome> {
  const { month, terms } = options;
  const period = tryParseMonth(month);
  if (period !== undefined && terms.now < period.startsAt)
    return { kind: 'notBegun', startsAt: period.startsAt };
  if (period === undefined || terms.now < period.endsAt)
    return { kind: 'notOver', endsAt: period?.endsAt ?? terms.now };
  // What the importer has not summed yet, day by day, so that no statement has to read a month of lines.
  for (const { id } of terms.accounts) await sumStaleDays(db, id, period.endsAt);
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const before = await fingerprint(db, period);
    const versions = await readVersions(db, null);
    const next = nextVersion(versions, options);
    if (typeof next !== 'number') return next;
    const open = await readOpenMonth(db, month, period, terms, {
      version: next,
      unmetered: 'setApart',
      beside: 'comparisonAndDrivers',
    });
    const refusal = await refusalOf(db, period, open, terms, versions);
    if (refusal !== undefined) return refusal;
    const outcome = await db.transaction((tx) =>
      write(tx, options, open, { period, before, next }),
    );
    if (outcome !== undefined) return outcome;
  }
  return { kind: 'changing' };
}

/**
 * The version that would be written; or why none.
 * @param versions of every month, the oldest first.
 */
export function nextVersion(
  versions: readonly CloseVersion[],
  { month, step }: Pick<FreezeOptions, 'month' | 'step'>,
): number | CloseRefusal {
  const own = versions.filter((each) => each.month === month);
  const latest = own.at(-1);
  const isRight =
    step === 'reopen'
      ? latest?.state === 'closed'
      : latest === undefined || latest.state === 'softClosed';
  if (!isRight) return { kind: 'wrongState', version: latest };
  const others = versions.filter((each) => each.month > month);
  if (others[0] !== undefined && latest !== undefined)
    return { kind: 'laterClosed', month: others[0].month };
  const gap = missingBefore(versions, month);
  if (gap !== undefined) return { kind: 'earlierOpen', month: gap };
  return step === 'reopen' ? (latest?.version ?? 0) + 1 : (latest?.version ?? 1);
}

/** The first month that is not closed between the first closed one and `month`. */
function missingBefore(versions: readonly CloseVersion[], month: string): string | undefined {
  const closed = new Set(
    versions.filter(({ state }) => state === 'closed').map((each) => each.month),
  );
  const first = versions[0]?.month;
  for (let at = first; at !== undefined && at < month; at = monthAfter(at))
    if (!closed.has(at)) return at;
  return undefined;
}

async function refusalOf(
  db: Queryable,
  period: Period,
  open: OpenMonth,
  { now }: MonthTerms,
  versions: readonly CloseVersion[],
): Promise<CloseRefusal | undefined> {
  const problems = await readClosingProblems(db, period, now, open);
  if (problems.length > 0) return { kind: 'notReady', problems };
  return isWithoutData(open.billed, versions) ? { kind: 'noData' } : undefined;
}

/**
 * Whether nothing of the month is known, so that it is not frozen. One that follows a closed month may be empty: months are
 * closed in their order, and those after it could never be closed.
 */
export function isWithoutData(
  { month, bills }: Pick<BilledMonth, 'month' | 'bills'>,
  versions: readonly Pick<CloseVersion, 'month' | 'state'>[],
): boolean {
  return (
    bills.every(({ lines }) => lines.length === 0) &&
    !versions.some((each) => each.month < month && each.state === 'closed')
  );
}

/** undefined: something has changed since, and it has to be worked out anew. */
async function write(
  tx: Transaction,
  options: FreezeOptions,
  { billed }: OpenMonth,
  seen: { readonly period: Period; readonly before: string; readonly next: number },
): Promise<CloseOutcome | undefined> {
  await lockCloses(tx);
  const versions = await readVersions(tx, null);
  const next = nextVersion(versions, options);
  if (typeof next !== 'number') return next;
  if (next !== seen.next || (await fingerprint(tx, seen.period)) !== seen.before) return undefined;
  const { month, step } = options;
  const latest = versions.findLast((each) => each.month === month);
  const { startsAt, endsAt } = seen.period;
  const usage = await usageFingerprint(tx, startsAt, endsAt);
  const freezeId = await writeFreeze(tx, billed, { by: options.by, usage });
  if (latest?.version === next) await moveVersion(tx, latest, { state: 'softClosed', freezeId });
  else await addVersion(tx, month, next, freezeId);
  const version = await noteStep(tx, next, step, options);
  const outcome = { kind: 'taken', version, before: latest?.state ?? 'open' } as const;
  await options.audit(tx, outcome);
  return outcome;
}

// What a month comes to depends on the usage of it and of closed ones, on prices, rates and documents, and on what is booked.
const BESIDE = `/* prepared: billing.close_beside */
SELECT concat_ws('|', (SELECT version FROM imported_price_version), (SELECT max(version) FROM control_version),
  (SELECT count(*) FROM bill_adjustment_decision), (SELECT count(*) FROM exchange_rate_decision),
  (SELECT string_agg(concat_ws(' ', month, version, state), ',' ORDER BY month, version) FROM month_close
    WHERE state IN ('closed', 'superseded'))) AS text`;

async function fingerprint(db: Queryable, period: Period): Promise<string> {
  const { rows } = await db.query<{ text: string }>(BESIDE);
  return `${rows[0]?.text ?? ''} ${await usageFingerprint(db, 0, period.endsAt)}`;
}
