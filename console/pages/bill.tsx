import type { JSX } from 'preact';
import { useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import {
  againstBudget,
  credits,
  money,
  owed,
  owedAs,
  signed,
  textOf,
  unitsOf,
} from '../amounts.js';
import { BillLinks, UNALLOCATED } from '../bill-links.js';
import type { Bill, BillLine } from '../finance-types.js';
import { driverText, kindText } from '../charge-words.js';
import { useLive } from '../live.js';
import { Empty, Figure, PageHead, ProblemNote, State } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { sorted } from '../sorting.js';
import { type Column, Table } from '../table.js';
import { monthName } from '../times.js';
import { DisputeDialog } from './dispute-dialog.js';

/** A bill has a line a kind of charge, warehouse and day: the page shows the dearest, the files have all. */
const LINES_MAX = 200;

/** A frozen bill with its dearest lines, each of which can be disputed. */
export function BillPage(): JSX.Element {
  const { params } = useRoute();
  const { team = '', month = '' } = params;
  const live = useLive<Bill>(
    `/bills/${encodeURIComponent(team)}/${encodeURIComponent(month)}.json`,
    0,
  );
  const bill = live.value;
  return (
    <>
      <PageHead title={`${bill?.teamName ?? team}, ${monthName(month)}`}>
        {bill !== undefined && <State of={bill.status} />}
      </PageHead>
      <ProblemNote problem={live.problem} />
      {bill !== undefined &&
        (bill.status === 'provisional' ? (
          <Empty title="The month is open">
            Its bill changes with every import, and nothing of it is disputed yet.{' '}
            <BillLinks team={team} month={month} />
          </Empty>
        ) : (
          <BillBody bill={bill} team={team} month={month} />
        ))}
    </>
  );
}

interface BillOf {
  readonly bill: Bill;
  readonly team: string;
  readonly month: string;
}

function BillBody({ bill, team, month }: BillOf): JSX.Element {
  const { me } = useSignedIn();
  const [disputed, setDisputed] = useState<BillLine | null | undefined>(undefined);
  const [isRaised, setRaised] = useState(false);
  const { currency } = bill;
  const dearest = sorted(bill.lines, ({ amount }) => unitsOf(amount), true).slice(0, LINES_MAX);
  return (
    <>
      <BillFigures bill={bill} />
      <div class="card-actions">
        <BillLinks team={team} month={month} />
        {team !== UNALLOCATED && (
          <button type="button" onClick={() => setDisputed(null)}>
            Dispute the bill …
          </button>
        )}
        {me.role !== 'team-lead' && <a href={`/months/${month}`}>The month</a>}
      </div>
      {isRaised && (
        <p class="note warn" role="status">
          The dispute is raised. <a href="/disputes">Disputes</a> say who decides it and until when.
        </p>
      )}
      <Drivers bill={bill} />
      <section class="card">
        <h2>
          {bill.lines.length > LINES_MAX
            ? `The dearest ${LINES_MAX} of ${bill.lines.length} lines; the files have all`
            : `${bill.lines.length} lines`}
        </h2>
        <Table
          label="Lines of the bill"
          rows={dearest}
          keyOf={({ id }) => id}
          columns={lineColumns(bill, team === UNALLOCATED ? null : setDisputed)}
          first={{ column: 'Owed', isDescending: true }}
        />
      </section>
      {disputed !== undefined && (
        <DisputeDialog
          team={team}
          month={month}
          line={disputed}
          amount={disputed?.amount ?? bill.totalAmount}
          currency={currency}
          onDone={() => {
            setDisputed(undefined);
            setRaised(true);
          }}
          onCancel={() => setDisputed(undefined)}
        />
      )}
    </>
  );
}

function BillFigures({ bill }: { readonly bill: Bill }): JSX.Element {
  const { comparison, currency } = bill;
  const budget = againstBudget({ totalAmount: bill.totalAmount, ...comparison });
  return (
    <dl class="figures">
      <Figure
        name="Owed"
        value={owed(bill.totalAmount, currency)}
        note={`${credits(bill.totalCredits)} credits`}
      />
      {bill.conversion !== undefined && (
        <Figure
          name={`Owed in ${bill.conversion.currency}`}
          value={owedAs(bill.conversion)}
          note={`at ${textOf(unitsOf(bill.conversion.rate), 6)}, ${bill.conversion.source}`}
        />
      )}
      <Figure
        name="Owed − budget"
        value={signed(budget)}
        tone={budget !== null && budget > 0n ? 'bad' : undefined}
        {...(comparison.budgetAmount === null
          ? {}
          : { note: `of ${owed(comparison.budgetAmount, currency)}` })}
      />
      <Figure
        name="Month before"
        value={comparison.previousAmount === null ? '–' : owed(comparison.previousAmount, currency)}
      />
    </dl>
  );
}

function Drivers({ bill }: { readonly bill: Bill }): JSX.Element | null {
  if (bill.drivers.length === 0) return null;
  return (
    <section class="card">
      <h2>What drove it</h2>
      <Table
        label="What drove the bill"
        rows={bill.drivers}
        keyOf={({ kind, name }) => `${kind} ${name}`}
        columns={[
          { name: 'What', cell: ({ kind }) => driverText(kind) },
          {
            name: 'Name',
            class: 'words',
            // Usage that was metered without a statement has no shape to name.
            cell: ({ name }) => (name === '' ? <span class="faint">–</span> : name),
          },
          {
            name: 'Before rounding',
            isAmount: true,
            cell: ({ effectiveAmount }) => money(effectiveAmount, bill.currency),
          },
          {
            name: 'Share',
            isAmount: true,
            cell: ({ sharePercent }) =>
              sharePercent === null ? '–' : `${textOf(unitsOf(sharePercent), 1)} %`,
          },
        ]}
      />
    </section>
  );
}

/** @param onDispute null: nobody disputes lines of this bill. */
function lineColumns(
  { currency, conversion }: Bill,
  onDispute: ((line: BillLine) => void) | null,
): readonly Column<BillLine>[] {
  return [
    { name: 'Day', cell: ({ day }) => day, sortKey: ({ day }) => day },
    {
      name: 'Charge',
      cell: ({ kind }) => kindText(kind),
      sortKey: ({ kind }) => kindText(kind),
    },
    {
      name: 'Of',
      cell: ({ resource, serviceType }) => resource ?? serviceType,
      sortKey: ({ resource, serviceType }) => resource ?? serviceType,
    },
    { name: 'Why', class: 'words wide', cell: ({ note }) => note },
    {
      name: 'Credits',
      isAmount: true,
      cell: (line) => credits(line.credits),
      sortKey: (line) => unitsOf(line.credits),
    },
    {
      name: 'Owed',
      isAmount: true,
      cell: ({ amount }) => owed(amount, currency),
      sortKey: ({ amount }) => unitsOf(amount),
    },
    ...(conversion === undefined ? [] : [owedAsColumn(conversion.currency)]),
    ...(onDispute === null ? [] : [disputeColumn(onDispute)]),
  ];
}

function owedAsColumn(currency: string): Column<BillLine> {
  return {
    name: 'Owed as',
    isAmount: true,
    cell: ({ convertedAmount: amount }) =>
      amount === undefined ? '' : owedAs({ amount, currency }),
  };
}

function disputeColumn(onDispute: (line: BillLine) => void): Column<BillLine> {
  return {
    name: 'Wrong?',
    cell: (line) =>
      unitsOf(line.amount) <= 0n ? null : (
        <button
          type="button"
          class="small"
          aria-label={`Dispute ${kindText(line.kind)} of ${line.resource ?? line.serviceType}, ${line.day}`}
          onClick={() => onDispute(line)}
        >
          Dispute
        </button>
      ),
  };
}
