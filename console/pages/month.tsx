import type { JSX } from 'preact';
import { useRoute } from 'preact-iso';
import { againstBudget, credits, money, owed, owedAs, signed, unitsOf } from '../amounts.js';
import { BillLinks, MonthLinks } from '../bill-links.js';
import type { Close, ClosedBill, Difference } from '../finance-types.js';
import { useLive } from '../live.js';
import { Figure, PageHead, ProblemNote, State } from '../parts.js';
import { type Column, Table } from '../table.js';
import { monthName } from '../times.js';
import { MonthSteps } from './month-steps.js';

/** One month: what it comes to, how it agrees, its bills, and the steps that are open. */
export function MonthPage(): JSX.Element {
  const { params, query } = useRoute();
  const month = params['month'] ?? '';
  const version = query['version'];
  const live = useLive<Close>(
    `/closes/${encodeURIComponent(month)}${version === undefined ? '' : `?version=${encodeURIComponent(version)}`}`,
    0,
  );
  const close = live.value;
  return (
    <>
      <PageHead title={monthName(month)}>
        {close !== undefined && <State of={close.state} />}
      </PageHead>
      <ProblemNote problem={live.problem} />
      {close === undefined && live.problem === undefined && (
        <p class="faint" role="status">
          The month is being summed …
        </p>
      )}
      {close !== undefined && <MonthBody close={close} onTaken={live.reload} />}
    </>
  );
}

function MonthBody({
  close,
  onTaken,
}: {
  readonly close: Close;
  readonly onTaken: () => void;
}): JSX.Element {
  return (
    <>
      <dl class="figures">
        <Figure
          name={close.state === 'open' ? 'Would be owed' : 'Owed'}
          value={owed(close.totalAmount, close.currency)}
          note={`${credits(close.totalCredits)} credits`}
        />
        {close.convertedTotals.map((total) => (
          <Figure
            key={total.currency}
            name={`Of it in ${total.currency}`}
            value={owedAs(total)}
            note={`for ${owed(total.invoicedAmount, close.currency)}`}
          />
        ))}
        <Figure
          name="Version"
          value={close.version === 0 ? 'none yet' : String(close.version)}
          note={`${close.bills.length} bills`}
        />
      </dl>
      <MonthSteps close={close} onTaken={onTaken} />
      {close.problems.length > 0 && <Missing close={close} />}
      <section class="card">
        <div class="card-head">
          <h2 class="push">Bills</h2>
          {close.state === 'superseded' ? (
            <span class="faint">Files are those of the version in force</span>
          ) : (
            <MonthLinks month={close.month} />
          )}
        </div>
        <Table
          label="Bills of the month"
          rows={close.bills}
          keyOf={({ team }) => team}
          columns={billColumns(close)}
          first={{ column: 'Owed', isDescending: true }}
        />
      </section>
      <Reconciled close={close} />
    </>
  );
}

function Missing({ close }: { readonly close: Close }): JSX.Element {
  return (
    <section class="problem">
      <strong>What keeps it from being frozen</strong>
      <ul class="changes">
        {close.problems.map(({ what, subject, why, wayOut }) => (
          <li key={`${what} ${subject} ${why}`}>
            <strong>{subject}</strong> {why}. <span class="faint">{wayOut}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Reconciled({ close }: { readonly close: Close }): JSX.Element {
  const { reconciliation: of, currency } = close;
  const orNone = (text: string | null): string =>
    text === null ? 'not imported' : money(text, currency);
  return (
    <section class="card">
      <h2>Held against Snowflake</h2>
      <div class="table-scroll" role="region" aria-label="Ours and Snowflake’s" tabIndex={0}>
        <table class="lines">
          <thead>
            <tr>
              <th scope="col">
                <span class="faint">in</span>
              </th>
              <th scope="col" class="amount">
                Ours
              </th>
              <th scope="col" class="amount">
                Snowflake’s
              </th>
              <th scope="col" class="amount">
                Difference
              </th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Credits</th>
              <td class="amount">{credits(of.allocatedCredits)}</td>
              <td class="amount">{credits(of.meteredCredits)}</td>
              <td class="amount">{credits(of.differenceCredits)}</td>
            </tr>
            <tr>
              <th scope="row">{currency}</th>
              <td class="amount">{money(of.computedAmount, currency)}</td>
              <td class="amount">{orNone(of.invoicedAmount)}</td>
              <td class="amount">{orNone(of.differenceAmount)}</td>
            </tr>
          </tbody>
        </table>
      </div>
      {of.signedOff !== null && (
        <p>
          Signed off by {of.signedOff.by}: “{of.signedOff.reason}”
        </p>
      )}
      {of.openCount === 0 ? (
        <p class="faint">Everything agrees.</p>
      ) : (
        <>
          <p>
            {of.openCount} figures do not agree
            {of.openCount > of.open.length ? `; the worst ${of.open.length} are listed` : ''}.
          </p>
          <Table
            label="What does not agree"
            rows={of.open}
            keyOf={({ what, subject }) => `${what} ${subject}`}
            columns={DIFFERENCES}
          />
        </>
      )}
    </section>
  );
}

const DIFFERENCES: readonly Column<Difference>[] = [
  { name: 'What', cell: ({ what }) => what, sortKey: ({ what }) => what },
  { name: 'Of', cell: ({ subject }) => subject, sortKey: ({ subject }) => subject },
  { name: 'Ours', isAmount: true, cell: ({ ours }) => ours },
  { name: 'Snowflake’s', isAmount: true, cell: ({ theirs }) => theirs },
  {
    name: 'Difference',
    isAmount: true,
    cell: ({ difference }) => difference,
    sortKey: ({ difference }) => unitsOf(difference),
  },
  { name: 'Cause', class: 'words', cell: ({ cause }) => cause ?? 'not known' },
];

/** Where teams have their bills in currencies of their own. */
const OWED_AS: Column<ClosedBill> = {
  name: 'Owed as',
  isAmount: true,
  cell: ({ conversion }) => (conversion === null ? '' : owedAs(conversion)),
};

function billColumns({
  month,
  currency,
  state,
  convertedTotals,
}: Close): readonly Column<ClosedBill>[] {
  const optional = (text: string | null): string => (text === null ? '–' : owed(text, currency));
  const key = (text: string | null): bigint | null => (text === null ? null : unitsOf(text));
  return [
    {
      name: 'Team',
      cell: ({ team, teamName }) =>
        state === 'open' ? (
          teamName
        ) : (
          <a href={`/bills/${encodeURIComponent(team)}/${month}`}>{teamName}</a>
        ),
      sortKey: ({ teamName }) => teamName,
    },
    {
      name: 'Owed',
      isAmount: true,
      cell: ({ totalAmount }) => owed(totalAmount, currency),
      sortKey: ({ totalAmount }) => unitsOf(totalAmount),
    },
    ...(convertedTotals.length === 0 ? [] : [OWED_AS]),
    {
      name: 'Budget',
      isAmount: true,
      cell: ({ budgetAmount }) => optional(budgetAmount),
      sortKey: ({ budgetAmount }) => key(budgetAmount),
    },
    {
      name: state === 'open' ? 'Forecast − budget' : 'Owed − budget',
      isAmount: true,
      cell: (bill) => signed(againstBudget(bill)),
      sortKey: againstBudget,
    },
    {
      name: 'Month before',
      isAmount: true,
      cell: ({ previousAmount }) => optional(previousAmount),
      sortKey: ({ previousAmount }) => key(previousAmount),
    },
    {
      name: 'Booked',
      class: 'wide',
      // What is of nobody has no cost centre.
      cell: ({ costCentre, mode }) => [costCentre, mode].filter((each) => each !== '').join(', '),
      sortKey: ({ costCentre }) => costCentre,
    },
    {
      name: 'Files',
      class: 'files',
      cell: ({ team }) => (state === 'superseded' ? '' : <BillLinks team={team} month={month} />),
    },
  ];
}
