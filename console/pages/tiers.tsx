import type { JSX } from 'preact';
import type { Tier } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { PageHead, ProblemNote } from '../parts.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 4_000;
const TOPICS: readonly Topic[] = ['queues', 'running', 'control'];

export interface TierList {
  readonly tiers: readonly Tier[];
}

/** Who runs and waits in each tier now, and how well it keeps what it promises. */
export function TiersPage(): JSX.Element {
  const live = useLive<TierList>('/tiers?limit=500', EVERY_MS, TOPICS);
  return (
    <>
      <PageHead title="Tiers" live={live as Live<unknown>} />
      <ProblemNote problem={live.problem} />
      {live.value !== undefined && (
        <Table label="Tiers" rows={live.value.tiers} keyOf={({ id }) => id} columns={COLUMNS} />
      )}
    </>
  );
}

const COLUMNS: readonly Column<Tier>[] = [
  { name: 'Tier', cell: ({ id }) => <strong>{id}</strong>, sortKey: ({ id }) => id },
  { name: 'Warehouse', cell: ({ warehouse }) => warehouse, sortKey: ({ warehouse }) => warehouse },
  {
    name: 'Running',
    isAmount: true,
    cell: ({ running, concurrencyMax }) => `${running} of ${concurrencyMax}`,
    sortKey: ({ running }) => running,
  },
  {
    name: 'Waiting',
    isAmount: true,
    cell: ({ waiting, queueMax }) => `${waiting} of ${queueMax}`,
    sortKey: ({ waiting }) => waiting,
  },
  {
    name: 'Promised wait',
    cell: ({ slo }) =>
      slo === null ? (
        <span class="faint">none</span>
      ) : (
        `${slo.percent} % within ${slo.waitSeconds} s`
      ),
  },
  {
    name: 'Promise kept, 24 h',
    isAmount: true,
    cell: (tier) => kept(tier),
  },
];

function kept({ attainment }: Tier): string {
  const valid = attainment.reduce((sum, each) => sum + each.valid, 0);
  const good = attainment.reduce((sum, each) => sum + each.good, 0);
  return valid === 0 ? '–' : `${((100 * good) / valid).toFixed(1)} %`;
}
