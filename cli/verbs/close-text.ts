/** A month on its way to being closed, for people: what it comes to, how it agrees, what is missing, and who is next. */
import { z } from 'zod';
import { trimmed } from '../../base/decimal-text.js';
import { table } from '../terminal.js';
import { shortAmount } from './amount.js';

export interface CloseAnswer {
  readonly month: string;
  readonly state: string;
  readonly version: number;
  readonly currency: string;
  readonly closedAt: string | null;
  readonly totalCredits: string;
  readonly totalAmount: string;
  readonly convertedTotals: readonly {
    readonly currency: string;
    readonly amount: string;
    readonly invoicedAmount: string;
  }[];
  readonly roundingTeam: string;
  readonly merkleRoot: string;
  readonly approvalsNeeded: number;
  readonly approvals: readonly { readonly by: string }[];
  readonly reconciliation: {
    readonly meteredCredits: string;
    readonly allocatedCredits: string;
    readonly differenceCredits: string;
    readonly computedAmount: string;
    readonly invoicedAmount: string | null;
    readonly differenceAmount: string | null;
    readonly open: readonly {
      readonly subject: string;
      readonly difference: string;
      readonly what: string;
      readonly cause: string | null;
    }[];
    readonly openCount: number;
    readonly signedOff: { readonly by: string; readonly reason: string } | null;
  };
  readonly problems: readonly {
    readonly subject: string;
    readonly why: string;
    readonly wayOut: string;
  }[];
  readonly bills: readonly {
    readonly team: string;
    readonly costCentre: string;
    readonly mode: string;
    readonly totalCredits: string;
    readonly totalAmount: string;
    readonly conversion: { readonly currency: string; readonly amount: string } | null;
  }[];
}

// Only what is printed; the API says more.
export const CLOSE: z.ZodType<CloseAnswer> = z.object({
  month: z.string(),
  state: z.string(),
  version: z.int(),
  currency: z.string(),
  closedAt: z.string().nullable(),
  totalCredits: z.string(),
  totalAmount: z.string(),
  convertedTotals: z.array(
    z.object({ currency: z.string(), amount: z.string(), invoicedAmount: z.string() }),
  ),
  roundingTeam: z.string(),
  merkleRoot: z.string(),
  approvalsNeeded: z.int(),
  approvals: z.array(z.object({ by: z.string() })),
  reconciliation: z.object({
    meteredCredits: z.string(),
    allocatedCredits: z.string(),
    differenceCredits: z.string(),
    computedAmount: z.string(),
    invoicedAmount: z.string().nullable(),
    differenceAmount: z.string().nullable(),
    open: z.array(
      z.object({
        subject: z.string(),
        difference: z.string(),
        what: z.string(),
        cause: z.string().nullable(),
      }),
    ),
    openCount: z.int(),
    signedOff: z.object({ by: z.string(), reason: z.string() }).nullable(),
  }),
  problems: z.array(z.object({ subject: z.string(), why: z.string(), wayOut: z.string() })),
  bills: z.array(
    z.object({
      team: z.string(),
      costCentre: z.string(),
      mode: z.string(),
      totalCredits: z.string(),
      totalAmount: z.string(),
      conversion: z.object({ currency: z.string(), amount: z.string() }).nullable(),
    }),
  ),
});

const OPEN_MAX = 10;
const WORDS: Readonly<Record<string, string>> = {
  softClosed: 'soft-closed',
  inReview: 'in review',
};

export function closeText(close: CloseAnswer, columns: number): string {
  const { month, state, version } = close;
  const which = version === 0 ? '' : `, version ${version}`;
  return [
    `${month} is ${WORDS[state] ?? state}${which}.`,
    '',
    billsTable(close, columns),
    '',
    ...reconciliationLines(close, columns),
    ...problemLines(close),
    ...(version === 0 ? [] : ['', `Merkle root ${close.merkleRoot}`]),
    '',
    nextLine(close),
  ].join('\n');
}

/** What each team owes in the currency of the invoice, and where bills are in another one, in that too. */
function billsTable(close: CloseAnswer, columns: number): string {
  const { bills, convertedTotals, currency } = close;
  const hasConverted = convertedTotals.length > 0;
  const row = (cells: readonly string[], owedAs: string): readonly string[] =>
    hasConverted ? [...cells, owedAs] : cells;
  return table(
    row(['team', 'cost centre', 'mode', 'credits', `owed (${currency})`], 'owed as'),
    [
      ...bills.map((bill) =>
        row(
          [
            bill.team,
            bill.costCentre,
            bill.mode,
            short(bill.totalCredits),
            short(bill.totalAmount),
          ],
          bill.conversion === null
            ? ''
            : shortAmount(bill.conversion.amount, bill.conversion.currency),
        ),
      ),
      row(['total', '', '', short(close.totalCredits), short(close.totalAmount)], ''),
      ...convertedTotals.map((total) =>
        row(
          [`of it in ${total.currency}`, '', '', '', short(total.invoicedAmount)],
          shortAmount(total.amount, total.currency),
        ),
      ),
    ],
    columns,
  );
}

function reconciliationLines(close: CloseAnswer, columns: number): readonly string[] {
  const { reconciliation: of, currency } = close;
  const money = (amount: string | null): string =>
    amount === null ? 'not imported' : short(amount);
  const open = of.open.slice(0, OPEN_MAX);
  return [
    'Reconciliation',
    table(
      ['', 'ours', "Snowflake's", 'difference'],
      [
        [
          'credits',
          short(of.allocatedCredits),
          short(of.meteredCredits),
          short(of.differenceCredits),
        ],
        [currency, short(of.computedAmount), money(of.invoicedAmount), money(of.differenceAmount)],
      ],
      columns,
    ),
    ...(open.length === 0
      ? agreementLines(close)
      : [
          `${of.openCount} ${of.openCount === 1 ? 'figure does' : 'figures do'} not agree:`,
          ...open.map(
            ({ subject, difference, cause, what }) =>
              `  ${subject}: ${short(difference)} ${what === 'credits' ? 'credits' : currency}, ${cause ?? 'no cause'}`,
          ),
          ...(of.openCount > open.length ? [`  … and ${of.openCount - open.length} more`] : []),
          ...(of.signedOff === null
            ? []
            : [`Signed off by ${of.signedOff.by}: ${of.signedOff.reason}`]),
        ]),
  ];
}

/** Of a month of which no figure disagrees: what was held against what, and what the difference of the sums is. */
function agreementLines({
  reconciliation: of,
  currency,
  roundingTeam,
}: CloseAnswer): readonly string[] {
  const { differenceCredits, invoicedAmount, differenceAmount } = of;
  const what =
    invoicedAmount === null
      ? "No hour or day differs from Snowflake's credits; its money is not imported, so no amount is held against it yet."
      : "No hour or day differs from Snowflake's credits, and no service's day from its money.";
  // Charges that are not metered are in our sum, and hours that are not allocated in Snowflake's: neither is a figure of both.
  if (!isZero(differenceCredits))
    return [
      what,
      `The difference of ${short(differenceCredits)} credits is of what is not metered, or not allocated, yet.`,
    ];
  if (differenceAmount === null || isZero(differenceAmount)) return [what];
  return [
    what,
    `The difference of ${short(differenceAmount)} ${currency} is rounding, as Snowflake invoices figures that it has rounded.`,
    `Bills sum to the invoice all the same: whole units of it are the line "Rounding to the invoice" of team ${roundingTeam} (organisation.closing.roundingTeam; where it names none, the first team).`,
  ];
}

function isZero(amount: string): boolean {
  return /^-?0(\.0*)?$/.test(amount);
}

function problemLines({ problems }: CloseAnswer): readonly string[] {
  if (problems.length === 0) return [];
  return [
    '',
    'It cannot be frozen yet:',
    ...problems.flatMap(({ subject, why, wayOut }) => [`  ${subject}: ${why}`, `    ${wayOut}`]),
  ];
}

function nextLine(close: CloseAnswer): string {
  const { month, state, reconciliation, approvals, approvalsNeeded } = close;
  const unsigned = reconciliation.openCount > 0 && reconciliation.signedOff === null;
  const left = approvalsNeeded - approvals.length;
  switch (state) {
    case 'open':
      return close.problems.length > 0
        ? 'Nothing is frozen.'
        : `Nothing stands in its way: tollgate close ${month}`;
    case 'softClosed':
      return `Next: tollgate close ${month} freezes it anew and puts it into review.`;
    case 'inReview':
      return `Next: ${unsigned ? `another person signs it off (tollgate close ${month} --sign-off "<why>"), then ` : ''}${left === 1 ? 'another person approves' : `${left} other people approve`} it (tollgate close ${month} --approve).`;
    case 'approved':
      return `Next: tollgate close ${month} closes it.`;
    default:
      return 'Nothing of it changes any more; what is found later stands in the open month.';
  }
}

/** Without zeros that say nothing, at least two decimals. */
function short(amount: string): string {
  return trimmed(amount, 2);
}
