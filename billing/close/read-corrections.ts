/** What an open month takes of closed ones, read: corrections of what came late, of prices, of invoices. */
import { must } from '#base/assert.js';
import type { Queryable } from '#base/postgres/pool.js';
import { formatInstant, tryParseMonth } from '#base/time.js';
import { roundByKey } from '../bills/round-month.js';
import { isMoneySettled, ofGroup, readInvoice, serviceGroup } from '../bills/invoice.js';
import { type ExactLine, type MissingPrice, exactLines } from '../bills/month-lines.js';
import { readMonthParts } from '../bills/month-parts.js';
import type { MonthTerms } from '../bills/month-terms.js';
import { readPrepaid } from '../bills/prepaid.js';
import { type ClosedLine, correctionsOf, dayKey, isRepriced, orAsBilled } from './corrections.js';
import { correctedIn } from './month-order.js';
import { type CloseVersion, readVersions } from './read-close.js';
import { readFrozen } from './read-frozen.js';
import { isSameUsage } from './usage-fingerprint.js';

export interface Corrections {
  readonly lines: readonly ExactLine[];
  /** Days of closed months that use came late of, of a service that has no price there and never had one: on no line yet. */
  readonly missingPrices: readonly MissingPrice[];
}

/** Those for `openMonth`; none unless the month before it is closed. Faults of Postgres propagate. */
export async function readCorrections(
  db: Queryable,
  openMonth: string,
  terms: MonthTerms,
): Promise<Corrections> {
  const closed = correctedIn(openMonth, await readVersions(db, null));
  const found: Corrections[] = [];
  const lines = new Map<string, readonly ClosedLine[]>();
  for (const version of closed) lines.set(version.month, await closedLines(db, version));
  const later = [...lines.values()].flat().filter(({ kind }) => kind === 'correction');
  for (const version of closed) {
    const corrected = later.filter(({ corrects }) => corrects?.month === version.month);
    const own = lines.get(version.month) ?? [];
    found.push(await correctionsOfMonth(db, version, openMonth, { own, corrected, terms }));
  }
  return {
    lines: found.flatMap(({ lines: each }) => each),
    missingPrices: found.flatMap(({ missingPrices }) => missingPrices),
  };
}

async function closedLines(db: Queryable, version: CloseVersion): Promise<readonly ClosedLine[]> {
  const { bills } = await readFrozen(db, version);
  return bills.flatMap(({ teamId, lines }) => lines.map((line) => ({ ...line, teamId })));
}

const FROZEN_USAGE = `/* prepared: billing.frozen_usage */
SELECT usage_fingerprint FROM month_freeze WHERE id = $1`;

async function correctionsOfMonth(
  db: Queryable,
  { month, freezeId }: CloseVersion,
  openMonth: string,
  known: {
    readonly own: readonly ClosedLine[];
    readonly corrected: readonly ClosedLine[];
    readonly terms: MonthTerms;
  },
): Promise<Corrections> {
  const { own, corrected, terms } = known;
  const period = must(tryParseMonth(month), 'a closed month is a month');
  const { rows } = await db.query<{ usage_fingerprint: string }>(FROZEN_USAGE, [freezeId]);
  const frozen = rows[0]?.usage_fingerprint ?? '';
  const isSame = await isSameUsage(db, frozen, period.startsAt, period.endsAt);
  const priceOf = ({ account, serviceType, chargeDay }: ClosedLine) => {
    const price = terms.priceAt({ account, serviceType }, Date.parse(`${chargeDay}T00:00:00Z`));
    return price?.currency === terms.currency ? price.pricePerCredit : undefined;
  };
  // Nothing else makes a month another one, and reading it anew is most of the work.
  if (isSame && corrected.length === 0 && !isRepriced(own, priceOf))
    return { lines: [], missingPrices: [] };
  const parts = await readMonthParts(db, period, terms.currency);
  const prepaidOf = await readPrepaid(db, period, terms.currency);
  // A price that is gone says nothing of what was owed: what was billed by it keeps it.
  const priceAt = orAsBilled([...own, ...corrected], terms);
  const { lines, missingPrices } = exactLines(month, parts, { ...terms, priceAt, prepaidOf });
  const unpriced = new Set(missingPrices.map((each) => dayKey({ ...each, chargeDay: each.day })));
  const unpricedGroups = new Set(
    missingPrices.map(({ account, serviceType }) => serviceGroup(account, serviceType)),
  );
  const invoice = await readInvoice(db, period, terms.currency);
  const invoiced = roundByKey(invoice.byGroup, terms.currency);
  const found = correctionsOf({
    month,
    openMonth,
    lastDay: formatInstant(period.endsAt - 1).slice(0, 10),
    closed: own,
    corrected,
    // The others are no less late for one that has no price; what that one comes to is said once it has.
    now: lines.filter((line) => !unpriced.has(dayKey(line))),
    invoiced: new Map(
      isMoneySettled(period, terms.now)
        ? [...invoiced].filter(
            ([group]) => invoice.accounts.has(ofGroup(group).account) && !unpricedGroups.has(group),
          )
        : [],
    ),
    currency: terms.currency,
    roundingTeamId: terms.roundingTeamId,
  });
  return { lines: found, missingPrices };
}
