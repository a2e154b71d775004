import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, money, percent, unitsOf } from '../amounts.js';
import { BillLinks, UNALLOCATED } from '../bill-links.js';
import type { CostRow, Costs } from '../api-types.js';
import { withoutKey } from '../charge-words.js';
import { useLive } from '../live.js';
import { Empty, Figure, PageHead, ProblemNote } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';
import { monthName, monthOf } from '../times.js';

const EVERY_MS = 30_000;
const MONTHS_BACK = 12;
const DIMENSIONS = [
  'team',
  'warehouse',
  'workload',
  'model',
  'run',
  'dag',
  'dashboard',
  'principal',
  'user',
  'shape',
] as const;

export function CostsPage(): JSX.Element {
  const { me } = useSignedIn();
  const [month, setMonth] = useState(monthOf(Date.now()));
  const [by, setBy] = useState<string>('team');
  const team = me.team === null ? '' : `&team=${encodeURIComponent(me.team)}`;
  const live = useLive<Costs>(`/costs?month=${month}&by=${by}${team}`, EVERY_MS);
  const costs = live.value;
  const months = Array.from({ length: MONTHS_BACK }, (_, index) => monthOf(Date.now(), -index));
  return (
    <>
      <PageHead title="Costs">
        <label>
          <span class="label">Month</span>
          <select value={month} onChange={(event) => setMonth(event.currentTarget.value)}>
            {months.map((each) => (
              <option key={each} value={each}>
                {monthName(each)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="label">By</span>
          <select value={by} onChange={(event) => setBy(event.currentTarget.value)}>
            {DIMENSIONS.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </PageHead>
      <ProblemNote problem={live.problem} />
      {costs !== undefined && <CostsBody costs={costs} month={month} by={by} />}
      <Bills month={month} />
    </>
  );
}

function CostsBody(props: {
  readonly costs: Costs;
  readonly month: string;
  readonly by: string;
}): JSX.Element {
  const { costs, month, by } = props;
  const { reconciliation, currency } = costs;
  if (costs.rows.length === 0)
    return (
      <>
        <Reconciled costs={costs} />
        <Empty title={`Nothing is metered for ${monthName(month)} yet`}>
          Snowflake tells what an hour cost some time after it; the worker imports it. What
          statements were charged meanwhile is on the budgets.
        </Empty>
      </>
    );
  return (
    <>
      <dl class="figures">
        <Figure
          name={`Metered in ${monthName(month)}`}
          value={
            costs.totalAmount === null
              ? credits(costs.totalCredits)
              : money(costs.totalAmount, currency)
          }
          note={`${credits(costs.totalCredits)} credits`}
        />
        {reconciliation !== null && (
          <Figure
            name="Allocated of what was metered"
            value={`${percent(unitsOf(reconciliation.allocatedCredits), unitsOf(reconciliation.meteredCredits)).toFixed(1)} %`}
            note={`${reconciliation.hours} hours, ${reconciliation.staleHours} not done yet`}
          />
        )}
      </dl>
      <Table
        label={`Costs by ${by}`}
        rows={costs.rows}
        keyOf={({ key }) => key ?? ''}
        columns={columnsOf(costs, by)}
        first={{ column: 'Credits', isDescending: true }}
      />
    </>
  );
}

function Reconciled({ costs }: { readonly costs: Costs }): JSX.Element | null {
  const problems = costs.reconciliation?.problems ?? [];
  if (problems.length === 0) return null;
  return (
    <div class="problem">
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}

interface TeamList {
  readonly teams: readonly { readonly id: string; readonly name: string }[];
}

/** The provisional bill while the month is open. */
function Bills({ month }: { readonly month: string }): JSX.Element | null {
  const { me } = useSignedIn();
  const { value } = useLive<TeamList>('/teams?limit=500', 0);
  if (value === undefined || value.teams.length === 0) return null;
  const nobody = me.team === null ? [{ id: UNALLOCATED, name: 'Unallocated' }] : [];
  return (
    <section class="card">
      <h2>Bills of {monthName(month)}</h2>
      <ul class="bills">
        {[...value.teams, ...nobody].map(({ id, name }) => (
          <li key={id}>
            <span>{name}</span>
            <BillLinks team={id} month={month} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const BUCKET_NAMES: readonly (readonly [string, string])[] = [
  ['direct', 'Direct'],
  ['bypass', 'Bypass'],
  ['idle', 'Idle'],
  ['resumeMinute', 'Resume'],
  ['shortQuery', 'Short'],
  ['unexplained', 'Unexplained'],
];

function columnsOf(costs: Costs, by: string): readonly Column<CostRow>[] {
  const most = costs.rows.reduce((top, { credits: each }) => {
    const units = unitsOf(each);
    return units > top ? units : top;
  }, 0n);
  const buckets = BUCKET_NAMES.map(([bucket, name]): Column<CostRow> => {
    const of = (row: CostRow): string | undefined => row.buckets[`${bucket}Credits`];
    return {
      name,
      isAmount: true,
      cell: (row) => (unitsOf(of(row)) === 0n ? <span class="faint">–</span> : credits(of(row))),
      sortKey: (row) => unitsOf(of(row)),
    };
  });
  return [
    {
      name: by.charAt(0).toUpperCase() + by.slice(1),
      cell: ({ key }) => key ?? withoutKey(by),
      sortKey: ({ key }) => key,
    },
    {
      name: 'Credits',
      isAmount: true,
      class: 'with-bar',
      cell: ({ credits: each }) => (
        <>
          <svg class="share" aria-hidden="true" width="100%" height="3">
            <rect width={`${percent(unitsOf(each), most)}%`} height="3" rx="1.5" />
          </svg>
          {credits(each)}
        </>
      ),
      sortKey: ({ credits: each }) => unitsOf(each),
    },
    {
      name: 'Amount',
      isAmount: true,
      cell: ({ amount }) => (amount === null ? '–' : money(amount, costs.currency)),
      sortKey: ({ amount }) => (amount === null ? null : unitsOf(amount)),
    },
    ...buckets,
    {
      name: 'Statements',
      isAmount: true,
      cell: ({ statements }) => String(statements),
      sortKey: ({ statements }) => statements,
    },
  ];
}
