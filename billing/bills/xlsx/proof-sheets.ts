/** Sheets that prove the others: what the month was held against, and control totals. */
import type { Cell, Sheet } from 'write-excel-file/node';
import { minorDecimals } from '#base/currency.js';
import { formatAmount, formatAmountTo } from '#base/units.js';
import type { MonthHead, ReconciledItem, TeamBill } from '../billed-month.js';
import { differencesOf } from '../bill-differences.js';
import { controlTotals } from '../bill-sums.js';
import { statusOf } from '../charge-words.js';
import { convertedFacts } from './conversion-cells.js';
import { type SheetColumn, count, exact, money, sheetOf, text } from './cells.js';

type Fact = readonly [name: string, value: Cell, more?: Cell];

const FACT_COLUMNS: readonly SheetColumn<Fact>[] = [
  { title: 'What', width: 36, cell: ([name]) => text(name) },
  { title: 'Value', width: 72, cell: ([, value]) => value },
  { title: '', width: 40, cell: ([, , more]) => more ?? null },
];

/** Of one team: differences alone, because sums of the organisation would tell what the others were charged. */
export function teamReconciliationSheet(month: MonthHead): Sheet<Buffer> {
  const found = differencesOf(month);
  const facts: Fact[] = [
    ['Credits metered less allocated', text(found.differenceCredits)],
    ['Invoice less all bills', text(found.differenceAmount ?? 'no invoice is imported')],
    ['Open items of the month', count(found.open)],
    ...signedOff(month),
  ];
  return sheetOf('Reconciliation', FACT_COLUMNS, facts);
}

interface ReconciliationRow {
  readonly cells: readonly Cell[];
}

const MONTH_TITLES = [
  ['What', 24],
  ['Subject', 48],
  ['Ours', 26],
  ['Theirs', 26],
  ['Difference', 26],
  ['Cause', 48],
] as const;

/** Of the whole month: its sums, then everything that does not agree. */
export function monthReconciliationSheet(month: MonthHead): Sheet<Buffer> {
  const { reconciliation, currency, totalAmount } = month;
  const found = differencesOf(month);
  const decimals = minorDecimals(currency);
  const rows: readonly (readonly Cell[])[] = [
    [
      text('credits'),
      text('Allocated to teams against metered by Snowflake'),
      exact(reconciliation.allocatedCredits),
      exact(reconciliation.meteredCredits),
      exact(reconciliation.differenceCredits),
    ],
    [text('money'), text('All lines before rounding'), exact(reconciliation.computedMoney)],
    [
      text('invoice'),
      text("All bills against Snowflake's invoice"),
      text(formatAmountTo(totalAmount, decimals)),
      text(
        reconciliation.invoicedMoney === null ? null : formatAmount(reconciliation.invoicedMoney),
      ),
      text(found.differenceAmount),
      text(reconciliation.invoicedMoney === null ? 'No invoice is imported.' : null),
    ],
    ...signedOff(month).map(([name, value, more]) => [
      text(name),
      value,
      null,
      null,
      null,
      more ?? null,
    ]),
    ...reconciliation.open.map(openItem),
  ];
  const columns: readonly SheetColumn<ReconciliationRow>[] = MONTH_TITLES.map(
    ([title, width], index) => ({ title, width, cell: ({ cells }) => cells[index] ?? null }),
  );
  return sheetOf(
    'Reconciliation',
    columns,
    rows.map((cells) => ({ cells })),
  );
}

function openItem(item: ReconciledItem): readonly Cell[] {
  const { what, subject, ours, theirs, difference, cause } = item;
  return [what, subject, ours, theirs, difference, cause].map(text);
}

function signedOff({ reconciliation: { signedOff: found } }: MonthHead): readonly Fact[] {
  return found === null
    ? []
    : [['Variance signed off', text(`${found.by}, ${found.at}`), text(found.reason)]];
}

/** Row counts, sums, hashes, methods and versions. */
export function controlSheet(
  month: MonthHead,
  bills: readonly TeamBill[],
  sheets: readonly Sheet<Buffer>[],
): Sheet<Buffer> {
  const totals = controlTotals(bills);
  // A line that several made names each with its version.
  const methods = new Set(
    bills.flatMap(({ lines }) => lines.flatMap(({ method }) => method.split(', '))),
  );
  const facts: Fact[] = [
    ['Organisation', text(month.organisation.name)],
    ['Month, UTC', text(month.month)],
    ['Status', text(statusOf(month.state))],
    ['Version', count(month.version)],
    ['As of', text(month.asOf)],
    ['Closed at', text(month.closedAt)],
    ...month.approvals.map(({ by, at }): Fact => ['Approved by', text(by), text(at)]),
    ['Currency', text(month.currency)],
    ['Lines', count(totals.lines)],
    ['Statements', count(totals.statements)],
    ['Credits, exact', exact(totals.credits)],
    [`${month.currency} before rounding, exact`, exact(totals.effectiveMoney)],
    [`Amount, ${month.currency}`, money(totals.amount, month.currency)],
    ...convertedFacts(bills, month.currency),
    ...sheets.map(({ sheet = '', data }): Fact => [
      `Rows of ${sheet}, head and total included`,
      count(data.length),
    ]),
    ['Methods and their versions', text([...methods].sort().join(', '))],
    ...bills.map((bill): Fact => ['Hash of a bill', text(bill.hash), text(bill.id)]),
    ['Merkle root of the month', text(month.merkleRoot)],
    ['Numbers', text('A column "exact" is the amount; a number beside it is the nearest one.')],
  ];
  return sheetOf('Control', FACT_COLUMNS, facts);
}
