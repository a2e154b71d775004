/** From exact lines to bills: rounded at every level, with what an invoice leaves, sorted and summed. Pure. */
import { type Money, NO_CREDITS, NO_MONEY, sumCredits, addMoney, sumMoney } from '#base/units.js';
import {
  type BillLine,
  CHARGE_KINDS,
  type Comparison,
  type Driver,
  UNALLOCATED,
  isOfEarlierMonth,
} from './billed-month.js';
import type { UnsealedBill } from './bill-hash.js';
import { type Invoice, ofGroup, serviceGroup } from './invoice.js';
import { lineNote } from './line-notes.js';
import { type ExactLine, lineId } from './month-lines.js';
import type { DayVariance } from './month-reconciliation.js';
import type { BilledTeam, MonthTerms } from './month-terms.js';
import { type Weighed, residues, roundByKey, roundLines } from './round-month.js';

export interface BillsInput {
  readonly month: string;
  readonly version: number;
  /** The last day of the month, on which rounding is charged. */
  readonly lastDay: string;
  readonly lines: readonly ExactLine[];
  /** Its services are brought to what it says; null: nothing is invoiced yet. */
  readonly invoice: Invoice | null;
  readonly variances: readonly DayVariance[];
  readonly comparisons: ReadonlyMap<string, Comparison>;
  readonly drivers: ReadonlyMap<string, readonly Driver[]>;
}

type BillTerms = Pick<MonthTerms, 'currency' | 'teams' | 'roundingTeamId' | 'nobodysBooking'>;

/** One bill a team, those of the document and those that have lines; sorted by team. */
export function makeBills(input: BillsInput, terms: BillTerms): readonly UnsealedBill[] {
  const weighed = input.lines.map(toWeighed);
  const amounts = roundLines(weighed, terms.currency);
  const lines = [
    ...input.lines.map((line) => ({ ...line, amount: amounts.get(line.id) ?? NO_MONEY })),
    ...(input.invoice === null
      ? []
      : residueLines(input, input.invoice, sumByGroup(weighed, amounts), terms)),
  ];
  const byTeam = new Map<string, BillLine[]>(terms.teams.map(({ id }) => [id, []]));
  for (const { teamId, ...line } of lines) {
    const known = byTeam.get(teamId);
    if (known === undefined) byTeam.set(teamId, [line]);
    else known.push(line);
  }
  const teams = new Map(terms.teams.map((team) => [team.id, team]));
  return [...byTeam]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([teamId, own]) => billOf(input, teams.get(teamId) ?? strange(teamId, terms), own));
}

/** Corrections of an earlier month are brought to what that month was invoiced, by themselves. */
function toWeighed(line: ExactLine): Weighed {
  const { id, teamId, account, serviceType, kind, effectiveMoney, corrects } = line;
  const group = isOfEarlierMonth(line)
    ? JSON.stringify([account, serviceType, kind, corrects?.month ?? ''])
    : serviceGroup(account, serviceType);
  return { id, teamId, group, effectiveMoney };
}

function sumByGroup(
  lines: readonly Weighed[],
  amounts: ReadonlyMap<string, Money>,
): ReadonlyMap<string, Money> {
  const sums = new Map<string, Money>();
  for (const { group, id } of lines)
    sums.set(group, addMoney(sums.get(group) ?? NO_MONEY, amounts.get(id) ?? NO_MONEY));
  return sums;
}

function residueLines(
  { month, lastDay, invoice: _whole, variances }: BillsInput,
  invoice: Invoice,
  computed: ReadonlyMap<string, Money>,
  { currency, roundingTeamId }: BillTerms,
): readonly (BillLine & { readonly teamId: string })[] {
  const invoiced = roundByKey(invoice.byGroup, currency);
  const comparable = new Map(
    [...computed].filter(([group]) => {
      const parts = JSON.parse(group) as readonly string[];
      return parts.length === 2 && invoice.accounts.has(parts[0] ?? '');
    }),
  );
  return residues(comparable, invoiced, variances, currency).flatMap(
    ({ group, variances: named, rounding }) => {
      const of = ofGroup(group);
      const lines = named.map(({ day, cause, amount }) => ({
        ...moneyLine(month, { ...of, kind: 'variance', day, teamId: UNALLOCATED, part: cause }),
        amount,
        note: `Invoiced beyond what its use comes to at the price in force: ${cause}.`,
      }));
      const left = moneyLine(month, {
        ...of,
        kind: 'rounding',
        day: lastDay,
        teamId: roundingTeamId,
        part: 'rounding',
      });
      return rounding === NO_MONEY ? lines : [...lines, { ...left, amount: rounding }];
    },
  );
}

/** A line of money alone. */
function moneyLine(
  month: string,
  of: {
    readonly account: string;
    readonly serviceType: string;
    readonly kind: 'variance' | 'rounding';
    readonly day: string;
    readonly teamId: string;
    readonly part: string;
  },
): Omit<BillLine, 'amount'> & { readonly teamId: string } {
  const { account, serviceType, kind, day, teamId, part } = of;
  return {
    id: lineId(month, [kind, account, null, serviceType, day, teamId, part]),
    teamId,
    kind,
    account,
    resource: null,
    serviceType,
    chargeDay: day,
    usedMs: 0,
    statements: 0,
    credits: NO_CREDITS,
    measured: null,
    listPrice: NO_MONEY,
    contractedPrice: NO_MONEY,
    effectivePrice: NO_MONEY,
    effectiveMoney: NO_MONEY,
    prepaidMoney: NO_MONEY,
    method: `${kind}/1`,
    note: lineNote({ kind, teamId }),
    corrects: null,
  };
}

function strange(id: string, { nobodysBooking }: BillTerms): BilledTeam {
  return {
    id,
    name: id === UNALLOCATED ? 'Unallocated' : id,
    departmentName: '',
    owner: '',
    booking: nobodysBooking,
    budgetCredits: null,
  };
}

const NO_COMPARISON: Comparison = {
  budgetMoney: null,
  previousMoney: null,
  trailingMoney: null,
  forecastMoney: null,
};

function billOf(input: BillsInput, team: BilledTeam, own: readonly BillLine[]): UnsealedBill {
  const { id, name, departmentName, owner, booking } = team;
  return {
    id: `${input.month}-v${input.version}-${id}`,
    teamId: id,
    teamName: name,
    departmentName,
    owner,
    booking,
    lines: [...own].sort(byPlace),
    totalCredits: sumCredits(own.map(({ credits }) => credits)),
    totalAmount: sumMoney(own.map(({ amount }) => amount)),
    conversion: null,
    comparison: input.comparisons.get(id) ?? NO_COMPARISON,
    drivers: input.drivers.get(id) ?? [],
  };
}

const RANKS = new Map(CHARGE_KINDS.map((kind, rank) => [kind, rank]));

function byPlace(a: BillLine, b: BillLine): number {
  return (
    (RANKS.get(a.kind) ?? 0) - (RANKS.get(b.kind) ?? 0) ||
    compareText(a.account, b.account) ||
    compareText(a.resource ?? '', b.resource ?? '') ||
    compareText(a.serviceType, b.serviceType) ||
    compareText(a.chargeDay, b.chargeDay) ||
    compareText(a.id, b.id)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
