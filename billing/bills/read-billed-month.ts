/** A month as it is billed: as it was frozen, or while it is open as it stands. */
import { Fault } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import { type EpochMs, type Period, tryParseMonth } from '#base/time.js';
import { readVersions, versionInForce } from '../close/read-close.js';
import { readFrozen } from '../close/read-frozen.js';
import { ledgerCall } from '../postgres/availability.js';
import { type BillOfMonth, type BilledMonth, billOf } from './billed-month.js';
import type { MonthTerms } from './month-terms.js';
import { AS_IT_STANDS, type BesideLines, readOpenBill, readOpenMonth } from './open-month.js';

/**
 * Reads `month` (`YYYY-MM`): the closed version, else the one on its way, as it was frozen, byte for byte; of an open month
 * what it would be now, which changes with every import (state `open`, version 0).
 * @throws Fault `requestMalformed` for another month format, `ledgerUnavailable` without the database.
 */
export async function readBilledMonth(
  db: Queryable,
  month: string,
  terms: MonthTerms,
): Promise<BilledMonth> {
  return readAsBilled(db, month, terms, 'comparisonAndDrivers');
}

/**
 * A month as {@link readBilledMonth} has it, for outputs of lines and totals alone: of an open month neither comparisons nor
 * drivers are read, and its bills have none. Ids, amounts and hashes are the same.
 * @throws Fault `requestMalformed` for another month format, `ledgerUnavailable` without the database.
 */
export function readBilledLines(
  db: Queryable,
  month: string,
  terms: MonthTerms,
): Promise<BilledMonth> {
  return readAsBilled(db, month, terms, 'nothing');
}

async function readAsBilled(
  db: Queryable,
  month: string,
  terms: MonthTerms,
  beside: BesideLines,
): Promise<BilledMonth> {
  const period = periodOf(month);
  return ledgerCall(async () => {
    const found = versionInForce(await readVersions(db, month));
    return found === undefined
      ? (await readOpenMonth(db, month, period, terms, { ...AS_IT_STANDS, beside })).billed
      : readFrozen(db, found);
  });
}

/**
 * The bill of one team as {@link readBilledMonth} has it, for less: of an open month nobody else's drivers are read.
 * Undefined: the month has no bill of the team.
 * @throws Fault `requestMalformed` for another month format, `ledgerUnavailable` without the database.
 */
export async function readBill(
  db: Queryable,
  month: string,
  teamId: string,
  terms: MonthTerms,
): Promise<BillOfMonth | undefined> {
  const period = periodOf(month);
  return ledgerCall(async () => {
    const found = versionInForce(await readVersions(db, month));
    return found === undefined
      ? readOpenBill(db, month, { period, teamId }, terms)
      : billOf(await readFrozen(db, found), teamId);
  });
}

function periodOf(month: string): Period {
  const period = tryParseMonth(month);
  if (period === undefined) throw new Fault('requestMalformed', 'A month is written YYYY-MM.');
  return period;
}

/** One version of a month, whatever became of it; undefined: there was none. Fault `ledgerUnavailable`. */
export function readMonthVersion(
  db: Queryable,
  month: string,
  version: number,
): Promise<BilledMonth | undefined> {
  return ledgerCall(async () => {
    const found = (await readVersions(db, month)).find((each) => each.version === version);
    return found === undefined ? undefined : readFrozen(db, found);
  });
}

/**
 * A closed month as it stood at an instant: the version that was closed last by then, with the state that it had, whatever
 * became of it later; undefined: none was closed yet. What a closed version was made of never changes, so every file of it
 * is the one of that day, to the byte. Fault `ledgerUnavailable`.
 */
export function readMonthAsOf(
  db: Queryable,
  month: string,
  at: EpochMs,
): Promise<BilledMonth | undefined> {
  return ledgerCall(async () => {
    const found = (await readVersions(db, month)).findLast(
      ({ closedAt }) => closedAt !== null && closedAt <= at,
    );
    return found === undefined ? undefined : readFrozen(db, { ...found, state: 'closed' });
  });
}
