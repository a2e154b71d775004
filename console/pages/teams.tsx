import type { JSX } from 'preact';
import { credits, unitsOf } from '../amounts.js';
import type { Budget, BudgetList, Team } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { PageHead, ProblemNote } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';
import { TeamDetail } from './team.js';

const EVERY_MS = 30_000;
const TOPICS: readonly Topic[] = ['control', 'budgets'];

/** Every team that the token may see; a lead's own team at once. */
export function TeamsPage(): JSX.Element {
  const { me } = useSignedIn();
  return me.team === null ? <AllTeams /> : <TeamDetail id={me.team} />;
}

interface Row {
  readonly team: Team;
  /** That has the least left of what the team's node has; undefined: it has none. */
  readonly budget: Budget | undefined;
}

function AllTeams(): JSX.Element {
  const live = useLive<{ readonly teams: readonly Team[] }>('/teams?limit=500', EVERY_MS, TOPICS);
  const budgets = useLive<BudgetList>('/budgets?limit=500', EVERY_MS, TOPICS);
  const byNode = new Map(budgets.value?.budgets.map((budget) => [budget.node, budget]));
  const rows = live.value?.teams.map((team): Row => ({ team, budget: byNode.get(team.id) })) ?? [];
  return (
    <>
      <PageHead title="Teams" live={live as Live<unknown>} />
      <ProblemNote problem={live.problem} />
      {live.value !== undefined && (
        <Table label="Teams" rows={rows} keyOf={({ team }) => team.id} columns={COLUMNS} />
      )}
    </>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  {
    name: 'Team',
    cell: ({ team }) => <a href={`/teams/${encodeURIComponent(team.id)}`}>{team.name}</a>,
    sortKey: ({ team }) => team.name,
  },
  {
    name: 'Department',
    class: 'wide',
    cell: ({ team }) => team.department,
    sortKey: ({ team }) => team.department,
  },
  {
    name: 'Cost centre',
    class: 'wide',
    cell: ({ team }) => team.costCentre,
    sortKey: ({ team }) => team.costCentre,
  },
  {
    name: 'Owner',
    class: 'wide',
    cell: ({ team }) => team.owner,
    sortKey: ({ team }) => team.owner,
  },
  {
    name: 'Members',
    isAmount: true,
    cell: ({ team }) => team.principals,
    sortKey: ({ team }) => team.principals,
  },
  {
    name: 'Spent',
    unit: 'credits',
    isAmount: true,
    cell: ({ budget }) => (budget?.standing ? credits(budget.standing.spentCredits) : '–'),
    sortKey: ({ budget }) => unitsOf(budget?.standing?.spentCredits),
  },
  {
    name: 'Limit',
    unit: 'credits',
    isAmount: true,
    cell: ({ budget }) =>
      budget?.standing
        ? budget.standing.limitCredits === null
          ? 'no limit'
          : credits(budget.standing.limitCredits)
        : '–',
    sortKey: ({ budget }) => unitsOf(budget?.standing?.limitCredits),
  },
];
