import type { JSX } from 'preact';
import { credits, money, owed, owedAs, unitsOf } from '../amounts.js';
import type { Costs } from '../api-types.js';
import type { ListedClose } from '../finance-types.js';
import { useLive } from '../live.js';
import { type MonthRow, monthRows } from '../month-rows.js';
import { PageHead, ProblemNote, State, When } from '../parts.js';
import { type Column, Table } from '../table.js';
import { monthName } from '../times.js';

const EVERY_MS = 30_000;
/** Every month: how far it is, what it comes to, who froze and approved it, and what is open of it. */
export function MonthsPage(): JSX.Element {
  const live = useLive<{ readonly closes: readonly ListedClose[] }>('/closes?limit=200', EVERY_MS);
  return (
    <>
      <PageHead title="Months" />
      <ProblemNote problem={live.problem} />
      {live.value !== undefined && (
        <Table
          label="Months"
          rows={monthRows(live.value.closes, Date.now())}
          keyOf={({ month, close }) => `${month} ${close?.version ?? 0}`}
          columns={COLUMNS}
        />
      )}
    </>
  );
}

function hrefOf({ month, close }: MonthRow): string {
  return close?.state === 'superseded'
    ? `/months/${month}?version=${close.version}`
    : `/months/${month}`;
}

function whoDid(row: MonthRow, step: string): JSX.Element {
  const taken = row.close?.steps.findLast((each) => each.step === step);
  if (taken === undefined) return <span class="faint">–</span>;
  return (
    <>
      {taken.by} <When at={taken.at} />
    </>
  );
}

function openOf({ close }: MonthRow): string {
  if (close === null) return 'not frozen';
  if (close.openCount === 0) return 'agrees';
  return `${close.openCount} differ${close.isSignedOff ? ', signed off' : ''}`;
}

/** What an open month comes to so far, as far as it is metered: summing its bills would take too long for a list. */
function SoFar({ month }: { readonly month: string }): JSX.Element {
  const { value } = useLive<Costs>(`/costs?month=${month}&by=team`, 0);
  if (value === undefined) return <span class="faint">…</span>;
  if (value.rows.length === 0) return <span class="faint">nothing metered</span>;
  return (
    <span class="faint">
      {value.totalAmount === null
        ? `${credits(value.totalCredits)} credits`
        : money(value.totalAmount, value.currency)}{' '}
      so far
    </span>
  );
}

function Owed({ of }: { readonly of: ListedClose }): JSX.Element {
  const converted = of.convertedTotals.map(owedAs);
  return (
    <>
      {owed(of.totalAmount, of.currency)}
      {converted.length > 0 && <div class="faint">of it {converted.join(', ')}</div>}
    </>
  );
}

const COLUMNS: readonly Column<MonthRow>[] = [
  {
    name: 'Month',
    cell: (row) => (
      <a href={hrefOf(row)}>
        {monthName(row.month)}
        {(row.close?.version ?? 1) > 1 && `, version ${row.close?.version}`}
      </a>
    ),
    sortKey: ({ month }) => month,
  },
  {
    name: 'State',
    cell: ({ close }) => <State of={close?.state ?? 'open'} />,
    sortKey: ({ close }) => close?.state ?? 'open',
  },
  {
    name: 'Owed',
    isAmount: true,
    cell: ({ month, close }) => (close === null ? <SoFar month={month} /> : <Owed of={close} />),
    sortKey: ({ close }) => (close === null ? null : unitsOf(close.totalAmount)),
  },
  { name: 'Open', cell: openOf, sortKey: (row) => row.close?.openCount ?? null },
  { name: 'Frozen by', class: 'wide', cell: (row) => whoDid(row, 'freeze') },
  { name: 'Approved by', class: 'wide', cell: (row) => whoDid(row, 'approve') },
  {
    name: 'Closed',
    class: 'wide',
    cell: ({ close }) => <When at={close?.closedAt ?? null} />,
    sortKey: ({ close }) => close?.closedAt ?? null,
  },
];
