import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, money } from '../amounts.js';
import { write } from '../api-client.js';
import type { BudgetList, CostRow, Costs, Principal, Team } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { Empty, Figure, PageHead, ProblemNote, ReasonDialog } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';
import { monthName, monthOf } from '../times.js';
import { BudgetRow } from './budgets.js';
import { SplitCard } from './team-split.js';

const EVERY_MS = 10_000;
const TOPICS: readonly Topic[] = ['budgets', 'control'];

type Dialog = 'limit' | 'raise';

/** The page of one team by its address. */
export function TeamPage({ id }: { readonly id?: string }): JSX.Element {
  return <TeamDetail id={id ?? ''} />;
}

/** Spend, forecast, top spenders and the split of one team; the platform sets its limit and raises it. */
export function TeamDetail({ id }: { readonly id: string }): JSX.Element {
  const { me } = useSignedIn();
  const at = encodeURIComponent(id);
  const team = useLive<{ readonly team: Team }>(`/teams/${at}`, 0);
  const budgets = useLive<BudgetList>('/budgets?limit=500', EVERY_MS, TOPICS);
  const members = useLive<{ readonly principals: readonly Principal[] }>(
    `/principals?limit=500&team=${at}`,
    0,
  );
  const [dialog, setDialog] = useState<Dialog | undefined>(undefined);
  const close = (): void => {
    setDialog(undefined);
    budgets.reload();
  };
  const nodes = new Set([id, ...(members.value?.principals.map((each) => each.id) ?? [])]);
  const own = budgets.value?.budgets.filter(({ node }) => nodes.has(node)) ?? [];
  return (
    <>
      <PageHead title={team.value?.team.name ?? id} live={budgets as Live<unknown>}>
        {me.role === 'platform' && team.value !== undefined && (
          <>
            <button type="button" onClick={() => setDialog('limit')}>
              Set the limit
            </button>
            <button type="button" class="primary" onClick={() => setDialog('raise')}>
              Raise it for a while
            </button>
          </>
        )}
      </PageHead>
      <ProblemNote problem={team.problem ?? budgets.problem} />
      {team.value !== undefined && <Head team={team.value.team} />}
      {team.value !== undefined && budgets.value !== undefined && own.length === 0 && (
        <Empty title="No budget">Nothing limits what this team spends.</Empty>
      )}
      {own.length > 0 && (
        <ul class="budgets few">
          {own.map((budget) => (
            <BudgetRow key={budget.id} budget={budget} />
          ))}
        </ul>
      )}
      {team.value !== undefined && <TopSpenders team={id} />}
      {members.value !== undefined && (
        <SplitCard
          team={id}
          members={members.value.principals}
          mayChange={me.role === 'platform' || me.role === 'team-lead'}
        />
      )}
      {dialog === 'limit' && <LimitDialog team={id} onOver={close} />}
      {dialog === 'raise' && <RaiseDialog team={id} onOver={close} />}
    </>
  );
}

function Head({ team }: { readonly team: Team }): JSX.Element {
  return (
    <dl class="figures">
      <Figure name="Members" value={String(team.principals)} />
      <Figure name="Department" value={team.department} />
      <Figure name="Cost centre" value={team.costCentre} />
      <Figure name="Owner" value={team.owner} />
    </dl>
  );
}

function TopSpenders({ team }: { readonly team: string }): JSX.Element | null {
  const [by, setBy] = useState<'principal' | 'workload'>('principal');
  const month = monthOf(Date.now());
  const { value } = useLive<Costs>(
    `/costs?month=${month}&by=${by}&team=${encodeURIComponent(team)}`,
    0,
  );
  if (value === undefined) return null;
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="push">Who spent in {monthName(month)}</h2>
        <div class="choice" role="group" aria-label="By what">
          {(['principal', 'workload'] as const).map((each) => (
            <button key={each} type="button" aria-pressed={each === by} onClick={() => setBy(each)}>
              {each === 'principal' ? 'Members' : 'Workloads'}
            </button>
          ))}
        </div>
      </div>
      {value.rows.length === 0 ? (
        <p class="faint">Nothing is metered for this month yet.</p>
      ) : (
        <Table
          label={`Costs by ${by}`}
          rows={value.rows.slice(0, 20)}
          keyOf={({ key }) => key ?? ''}
          columns={columnsOf(value.currency)}
          first={{ column: 'Credits', isDescending: true }}
        />
      )}
    </section>
  );
}

function columnsOf(currency: string): readonly Column<CostRow>[] {
  return [
    { name: 'Who', cell: ({ key }) => key ?? 'of nobody', sortKey: ({ key }) => key },
    {
      name: 'Credits',
      isAmount: true,
      cell: (row) => credits(row.credits),
      sortKey: (row) => Number(row.credits),
    },
    {
      name: 'Amount',
      isAmount: true,
      cell: ({ amount }) => (amount === null ? '–' : money(amount, currency)),
    },
    {
      name: 'Statements',
      isAmount: true,
      cell: ({ statements }) => statements,
      sortKey: ({ statements }) => statements,
    },
  ];
}

interface DialogProps {
  readonly team: string;
  readonly onOver: () => void;
}

function LimitDialog({ team, onOver }: DialogProps): JSX.Element {
  return (
    <ReasonDialog
      title={`The monthly limit of ${team}`}
      text="It holds from now on, for this month and those to come, as a new control version."
      action="Set it"
      act={(reason, fields) =>
        write(
          `/budgets/${encodeURIComponent(team)}`,
          { limitCredits: fields['limitCredits'], reason },
          { method: 'PUT' },
        )
      }
      onDone={onOver}
      onCancel={onOver}
    >
      <label>
        Credits a month
        <input name="limitCredits" required inputMode="decimal" placeholder="250 or unlimited" />
      </label>
    </ReasonDialog>
  );
}

function RaiseDialog({ team, onOver }: DialogProps): JSX.Element {
  // Of this dialog: a repeated click raises once.
  const [key] = useState(() => crypto.getRandomValues(new Uint32Array(4)).join('-'));
  return (
    <ReasonDialog
      title={`Raise the budget of ${team}`}
      text="On top of the limit of this period, until a day; what is not spent by then is gone."
      action="Raise it"
      act={(reason, { amount, until }) =>
        write(
          '/raises',
          { budget: team, amount, reason, ...(until === undefined ? {} : { until }) },
          { key },
        )
      }
      onDone={onOver}
      onCancel={onOver}
    >
      <label>
        Money
        <input name="amount" required inputMode="decimal" placeholder="250" />
      </label>
      <label>
        Until
        <input name="until" placeholder="friday, 2026-12-01, 3d; empty: the end of the period" />
      </label>
    </ReasonDialog>
  );
}
