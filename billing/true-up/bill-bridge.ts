/**
 * From what a team is billed of a budget's period to the bill that it gets: the last lines of the bridge, for budgets of a
 * month. A bill is of a month of UTC, is frozen one day, and has what was found of earlier months; the period has none of it.
 */
import type { Queryable } from '#base/postgres/pool.js';
import { type Period, formatInstant, tryParseMonth } from '#base/time.js';
import {
  type Credits,
  NO_CREDITS,
  parseCredits,
  subtractCredits,
  sumCredits,
} from '#base/units.js';
import { type BillOfMonth, type MonthState, isOfEarlierMonth } from '../bills/billed-month.js';
import { ledgerCall } from '../postgres/availability.js';
import type { BudgetBridge } from './bridge.js';

/** Lines that lead from {@link BudgetBridge.teamBilledCredits} to `billCredits`, which is their sum. */
export interface BillBridge {
  /** `YYYY-MM`, UTC. */
  readonly month: string;
  readonly state: MonthState;
  /** 0 while the month is open. */
  readonly version: number;
  /** Hours of the month that are not of the period, less those of the period that are not of the month. */
  readonly otherHoursCredits: Credits;
  /** While the month is open: statements on the bill as they were charged, because they are not metered yet. */
  readonly notMeteredCredits: Credits;
  /** From the freeze on: what was found of the month since, taken back, because it stands on a later bill. */
  readonly foundLaterCredits: Credits;
  /** Corrections of earlier months that this bill has. */
  readonly earlierMonthsCredits: Credits;
  readonly billCredits: Credits;
}

/** The farthest that a day of a time zone begins from one of UTC (UTC+14), and an hour of summer time. */
const ZONE_MS_MAX = 15 * 3_600_000;

/**
 * The month that a period is, in whatever time zone; undefined: it is none, and no bill is of it. Pure.
 */
export function monthOfPeriod({ startsAt, endsAt }: Period): string | undefined {
  const month = formatInstant((startsAt + endsAt) / 2).slice(0, 7);
  const period = tryParseMonth(month);
  if (period === undefined) return undefined;
  const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= ZONE_MS_MAX;
  return isNear(startsAt, period.startsAt) && isNear(endsAt, period.endsAt) ? month : undefined;
}

const MONTH_BILLED = `/* prepared: billing.team_month_billed */
SELECT coalesce(sum(credits), 0)::text AS credits FROM team_billed
WHERE team_id = $1 AND starts_at >= $2 AND starts_at < $3`;

/**
 * The bridge from a period to the bill of its month.
 * @param billed the bill of the team for {@link monthOfPeriod}.
 * @throws Fault `ledgerUnavailable`.
 */
export async function readBillBridge(
  db: Queryable,
  { teamBilledCredits }: BudgetBridge,
  { month, bill }: BillOfMonth,
): Promise<BillBridge> {
  const period = tryParseMonth(month.month);
  const span = [new Date(period?.startsAt ?? 0), new Date(period?.endsAt ?? 0)];
  const monthBilled = await ledgerCall(async () => {
    const { rows } = await db.query<{ credits: string }>(MONTH_BILLED, [bill.teamId, ...span]);
    return parseCredits(rows[0]?.credits ?? '0');
  });
  const earlier = sumCredits(bill.lines.filter(isOfEarlierMonth).map(({ credits }) => credits));
  const own = subtractCredits(bill.totalCredits, earlier);
  const beside = subtractCredits(own, monthBilled);
  const isOpen = month.state === 'open';
  return {
    month: month.month,
    state: month.state,
    version: month.version,
    otherHoursCredits: subtractCredits(monthBilled, teamBilledCredits),
    notMeteredCredits: isOpen ? beside : NO_CREDITS,
    foundLaterCredits: isOpen ? NO_CREDITS : beside,
    earlierMonthsCredits: earlier,
    billCredits: bill.totalCredits,
  };
}
