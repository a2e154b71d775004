import type { JSX } from 'preact';
import { credits, sum, textOf } from '../amounts.js';
import type { Rule } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { Empty, PageHead, ProblemNote } from '../parts.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 30_000;
const TOPICS: readonly Topic[] = ['control'];

/** Rules, presets and access lists in force, with what they did in the last 30 days. */
export function RulesPage(): JSX.Element {
  const live = useLive<{ readonly rules: readonly Rule[] }>('/rules?limit=500', EVERY_MS, TOPICS);
  return (
    <>
      <PageHead title="Rules" live={live as Live<unknown>}>
        <a href="/control">Change them</a>
      </PageHead>
      <ProblemNote problem={live.problem} />
      {live.value?.rules.length === 0 && (
        <Empty title="No rule is in force">
          Rules, presets and access lists are parts of the <a href="/control">control document</a>.
        </Empty>
      )}
      {live.value !== undefined && live.value.rules.length > 0 && (
        <Table
          label="Rules and access lists"
          rows={live.value.rules}
          keyOf={({ id }) => id}
          columns={COLUMNS}
        />
      )}
    </>
  );
}

const MODE_TONES: Readonly<Record<string, string>> = { enforce: 'good', warn: 'warn', shadow: '' };

const hitsOf = ({ lastDays }: Rule): number =>
  lastDays.reduce((total, { hits }) => total + Number(hits), 0);

const COLUMNS: readonly Column<Rule>[] = [
  { name: 'Rule', cell: ({ id }) => <strong>{id}</strong>, sortKey: ({ id }) => id },
  { name: 'Kind', cell: ({ kind }) => kind, sortKey: ({ kind }) => kind },
  {
    name: 'Mode',
    cell: ({ mode, modes }) => {
      const others = Object.entries(modes).map(([team, each]) => `${team}: ${each}`);
      return (
        <>
          <span class={`state ${MODE_TONES[mode] ?? ''}`}>{mode}</span>
          {others.length > 0 && <span class="faint"> {others.join(', ')}</span>}
        </>
      );
    },
    sortKey: ({ mode }) => mode,
  },
  { name: 'Effect', cell: ({ effect }) => effect, sortKey: ({ effect }) => effect },
  {
    name: 'When',
    class: 'condition',
    cell: ({ when }) => (when === null ? <span class="faint">–</span> : <code>{when}</code>),
  },
  {
    name: 'Hits in 30 days',
    isAmount: true,
    cell: (rule) => String(hitsOf(rule)),
    sortKey: hitsOf,
  },
  {
    name: 'Would have taken',
    unit: 'credits',
    isAmount: true,
    cell: ({ lastDays }) =>
      lastDays.length === 0
        ? '–'
        : credits(textOf(total(lastDays), 12).replaceAll(',', '').replace('−', '-')),
    sortKey: ({ lastDays }) => total(lastDays),
  },
];

function total(lastDays: Rule['lastDays']): bigint {
  return sum(lastDays.map(({ expectedCredits }) => expectedCredits));
}
