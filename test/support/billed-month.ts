/** A month as a close would freeze it, made up from a seed: fifteen teams, three warehouses, whole days. */
import { createHash } from 'node:crypto';
import { roundToMinor } from '#base/currency.js';
import {
  NO_MONEY,
  addCredits,
  addMoney,
  parseCredits,
  parseMoney,
  priceCredits,
  subtractMoney,
  type Credits,
  type Money,
} from '#base/units.js';
import type {
  BillLine,
  BilledMonth,
  ChargeKind,
  MonthState,
  TeamBill,
} from '#billing/bills/billed-month.js';

const TEAMS =
  'data-science finance growth legal logistics marketing ml operations people platform product research risk sales support'.split(
    ' ',
  );
const WAREHOUSES = ['BATCH_WH', 'INTERACTIVE_WH', 'STANDARD_WH'];
const KINDS: readonly ChargeKind[] = [
  'direct',
  'resumeMinute',
  'idle',
  'shortQuery',
  'cloudServices',
  'cloudServicesAdjustment',
];

export interface MadeUpMonth {
  readonly currency?: string;
  readonly days?: number;
  readonly state?: MonthState;
  readonly teamName?: string;
}

/** Every sum of it holds: lines to bills, bills to the invoice, both in whole smallest units of the currency. */
export function madeUpMonth({
  currency = 'USD',
  days = 30,
  state = 'closed',
  teamName,
}: MadeUpMonth = {}): BilledMonth {
  const exact = [...TEAMS, 'unallocated'].map((teamId, index) =>
    madeUpBill(teamId, index, currency, days, teamName),
  );
  const computed = addMoney(
    ...exact.flatMap((bill) => bill.lines.map((line) => line.effectiveMoney)),
  );
  const invoiced = roundToMinor(computed, currency);
  const residue = subtractMoney(invoiced, addMoney(...exact.map((bill) => bill.totalAmount)));
  const bills = exact.map((bill) =>
    bill.teamId === 'platform' && residue !== NO_MONEY ? withResidue(bill, residue) : bill,
  );
  const credits = addCredits(...bills.map((bill) => bill.totalCredits));
  return {
    organisation: { id: 'acme', name: 'Acme' },
    currency,
    accounts: [{ id: 'demo', cloud: 'AWS', region: 'AWS_EU_WEST_1', edition: 'ENTERPRISE' }],
    month: '2026-10',
    version: state === 'open' ? 0 : 1,
    state,
    asOf: '2026-11-04T09:00:00.000Z',
    approvals: state === 'open' ? [] : [{ by: 'fiona', at: '2026-11-04T10:12:00.000Z' }],
    closedAt: state === 'closed' ? '2026-11-04T10:15:00.000Z' : null,
    bills,
    totalCredits: credits,
    totalAmount: addMoney(...bills.map((bill) => bill.totalAmount)),
    clearingAccount: '2150',
    roundingTeamId: 'platform',
    reconciliation: {
      meteredCredits: credits,
      allocatedCredits: credits,
      computedMoney: computed,
      invoicedMoney: invoiced,
      differenceCredits: parseCredits('0'),
      differenceMoney: subtractMoney(invoiced, computed),
      open: [],
      signedOff: null,
    },
    merkleRoot: sha256(bills.map((bill) => bill.hash).join('')),
  };
}

function madeUpBill(
  teamId: string,
  index: number,
  currency: string,
  days: number,
  name = teamId.replace(/^./, (first) => first.toUpperCase()),
): TeamBill {
  const next = counter(index + 1);
  const lines: BillLine[] = [];
  let [sum, owed] = [NO_MONEY, NO_MONEY];
  for (const kind of KINDS)
    for (const resource of WAREHOUSES)
      for (let day = 1; day <= days; day += 1) {
        const credits = creditsOf(kind, next());
        const effectivePrice = parseMoney('2.4');
        const effectiveMoney = priceCredits(credits, effectivePrice, 'half-even');
        sum = addMoney(sum, effectiveMoney);
        const amount = subtractMoney(roundToMinor(sum, currency), owed);
        owed = addMoney(owed, amount);
        const chargeDay = `2026-10-${String(day).padStart(2, '0')}`;
        lines.push({
          id: sha256(`${teamId}/${kind}/${resource}/${chargeDay}`).slice(0, 24),
          kind,
          account: 'demo',
          resource,
          serviceType: 'WAREHOUSE_METERING',
          chargeDay,
          usedMs: kind === 'direct' ? (next() % 7_200_000) + 1 : 0,
          statements: kind === 'direct' ? next() % 400 : 0,
          credits,
          measured: null,
          listPrice: parseMoney('3'),
          contractedPrice: parseMoney('2.4'),
          effectivePrice,
          effectiveMoney,
          prepaidMoney: NO_MONEY,
          amount,
          method: kind === 'direct' ? 'attributed/2' : 'proRata/1',
          note: kind === 'direct' ? 'Statements of the team.' : 'Shared by what the teams ran.',
          corrects: null,
        });
      }
  const previous = parseMoney(`${900 + index * 37}`);
  return {
    id: `2026-10-v1-${teamId}`,
    teamId,
    teamName: name,
    departmentName: index % 2 === 0 ? 'Commercial' : 'Technology',
    owner: `${teamId}-lead`,
    booking: {
      legalEntity: 'Acme Ltd',
      costCentre: `CC-${4000 + index * 10}`,
      glAccount: '6420',
      mode: index % 5 === 4 ? 'showback' : 'chargeback',
    },
    lines,
    totalCredits: addCredits(...lines.map((line) => line.credits)),
    totalAmount: owed,
    conversion: null,
    comparison: {
      budgetMoney: index % 4 === 3 ? null : parseMoney('1500'),
      previousMoney: previous,
      trailingMoney: index === 0 ? null : previous,
      forecastMoney: null,
    },
    drivers: ['Sales overview', 'fct_orders', 'nightly_load', 'churn_model'].map(
      (driver, rank) => ({
        kind: (['dashboard', 'model', 'dag', 'workload'] as const)[rank] ?? 'shape',
        name: driver,
        statements: 400 - rank * 90,
        credits: parseCredits(`${40 - rank * 9}.125`),
        effectiveMoney: parseMoney(`${96 - rank * 21}.3`),
      }),
    ),
    hash: sha256(lines.map((line) => `${line.id}:${line.amount}`).join(',')),
    proof: [],
  };
}

function withResidue(bill: TeamBill, residue: Money): TeamBill {
  const [first] = bill.lines;
  if (first === undefined) return bill;
  const line: BillLine = {
    ...first,
    id: sha256(`${bill.id}/rounding`).slice(0, 24),
    kind: 'rounding',
    resource: null,
    usedMs: 0,
    statements: 0,
    credits: parseCredits('0'),
    effectiveMoney: NO_MONEY,
    amount: residue,
    method: 'rounding/1',
    note: 'Between the bills and what Snowflake invoiced.',
  };
  return {
    ...bill,
    lines: [...bill.lines, line],
    totalAmount: addMoney(bill.totalAmount, residue),
  };
}

function creditsOf(kind: ChargeKind, draw: number): Credits {
  const millis = (draw % 900) + 100;
  const sign = kind === 'cloudServicesAdjustment' ? '-' : '';
  const scale = kind === 'direct' ? '' : '0.0';
  return parseCredits(
    scale === '' ? `${(millis / 1000).toFixed(3)}0370371` : `${sign}0.0${millis}3703703`,
  );
}

/** Numerical Recipes' linear congruential generator: the same numbers everywhere. */
function counter(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
