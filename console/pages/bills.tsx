import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { againstBudget, owed, owedAs, signed, unitsOf } from '../amounts.js';
import { BillLinks } from '../bill-links.js';
import type { ListedBill } from '../finance-types.js';
import { useLive } from '../live.js';
import { Empty, PageHead, Pager, ProblemNote, State } from '../parts.js';
import { type Column, Table } from '../table.js';
import { monthName } from '../times.js';

interface BillList {
  readonly bills: readonly ListedBill[];
  readonly nextCursor: string | null;
}

/** What a team was billed, month by month. */
export function BillsPage(): JSX.Element {
  const [cursor, setCursor] = useState<string | null>(null);
  const page = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
  const live = useLive<BillList>(`/bills?limit=100${page}`, 0);
  const next = live.value?.nextCursor ?? null;
  return (
    <>
      <PageHead title="Bills" />
      <ProblemNote problem={live.problem} />
      {live.value?.bills.length === 0 && (
        <Empty title="No bill yet">
          A bill appears here once finance has frozen its month. What the running month costs so far
          is on <a href="/costs">Costs</a>.
        </Empty>
      )}
      {live.value !== undefined && live.value.bills.length > 0 && (
        <Table
          label="Bills"
          rows={live.value.bills}
          keyOf={({ month, team }) => `${month} ${team}`}
          columns={columnsOf(live.value.bills)}
        />
      )}
      <Pager cursor={cursor} next={next} onTurn={setCursor} />
    </>
  );
}

/** Where a team has its bill in a currency of its own, what is owed stands in both. */
const OWED_AS: Column<ListedBill> = {
  name: 'Owed as',
  isAmount: true,
  cell: ({ conversion }) => (conversion === null ? '' : owedAs(conversion)),
};

function columnsOf(bills: readonly ListedBill[]): readonly Column<ListedBill>[] {
  if (bills.every(({ conversion }) => conversion === null)) return COLUMNS;
  return COLUMNS.flatMap((column) => (column.name === 'Owed' ? [column, OWED_AS] : [column]));
}

const COLUMNS: readonly Column<ListedBill>[] = [
  {
    name: 'Month',
    cell: ({ month, team }) => (
      <a href={`/bills/${encodeURIComponent(team)}/${month}`}>{monthName(month)}</a>
    ),
    sortKey: ({ month }) => month,
  },
  {
    name: 'Team',
    class: 'wide',
    cell: ({ teamName }) => teamName,
    sortKey: ({ teamName }) => teamName,
  },
  { name: 'State', cell: ({ state }) => <State of={state} />, sortKey: ({ state }) => state },
  {
    name: 'Owed',
    isAmount: true,
    cell: ({ totalAmount, currency }) => owed(totalAmount, currency),
    sortKey: ({ totalAmount }) => unitsOf(totalAmount),
  },
  {
    name: 'Owed − budget',
    isAmount: true,
    cell: (bill) => signed(againstBudget(bill)),
    sortKey: againstBudget,
  },
  {
    name: 'Month before',
    isAmount: true,
    cell: ({ previousAmount, currency }) =>
      previousAmount === null ? '–' : owed(previousAmount, currency),
  },
  {
    name: 'Files',
    class: 'files',
    cell: ({ team, month }) => <BillLinks team={team} month={month} />,
  },
];
