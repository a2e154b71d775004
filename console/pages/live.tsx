import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { credits, digitsFor, money, sum, textOf, unitsOf } from '../amounts.js';
import { write } from '../api-client.js';
import type { Running } from '../api-types.js';
import { Chart } from '../chart.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { Empty, Figure, PageHead, ProblemNote, ReasonDialog, State, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';
import { FreezesCard } from './freezes.js';
import type { TierList } from './tiers.js';

const EVERY_MS = 2_000;
const TOPICS: readonly Topic[] = ['running'];
const QUEUES_EVERY_MS = 4_000;
const QUEUES: readonly Topic[] = ['queues'];
const POINTS_MAX = 150;
/** Shorter looks say little of a minute. */
const LOOKS_FOR_PACE = 5;

interface RunningList {
  readonly running: readonly Running[];
  readonly nextCursor: string | null;
}

/** One look at the board: what runs and what it has used so far, in credits. */
interface Look {
  readonly at: number;
  readonly count: number;
  readonly used: number;
  /** What each has used so far in money, by ticket. */
  readonly amounts: ReadonlyMap<string, bigint>;
}

export function LivePage(): JSX.Element {
  const { me } = useSignedIn();
  const live = useLive<RunningList>('/running?limit=500', EVERY_MS, TOPICS);
  const [killing, setKilling] = useState<Running | undefined>(undefined);
  const looks = useLooks(live);
  const running = live.value?.running ?? [];
  const tiers = useLive<TierList>('/tiers?limit=500', QUEUES_EVERY_MS, QUEUES);
  const waiting = tiers.value?.tiers.reduce((total, tier) => total + tier.waiting, 0);
  const mayKill = me.role === 'platform' || me.role === 'team-lead';
  const used = sum(running.map(({ usedAmount }) => usedAmount));
  const currency = running[0]?.currency ?? 'USD';
  const pace = paceOf(looks, running);
  return (
    <>
      <PageHead title="Live" live={live as Live<unknown>} />
      <ProblemNote problem={live.problem} />
      <dl class="figures">
        <Figure name="Running or in doubt" value={String(running.length)} />
        <Figure
          name="Used so far"
          value={money(textOf(used, digitsFor(used)).replaceAll(',', ''), currency)}
        />
        <Figure name="Money per minute" value={pace === null ? '–' : money(pace, currency)} />
        <Figure name="In queues" value={waiting === undefined ? '–' : String(waiting)} />
        <Figure
          name="Teams at work"
          value={String(new Set(running.map(({ team }) => team)).size)}
        />
      </dl>
      {looks.length > 0 && (
        <section class="card">
          <h2>Credits used by what runs now</h2>
          <Chart
            label="Credits used so far by the running statements, the last five minutes"
            xs={looks.map(({ at }) => at / 1000)}
            ys={looks.map(({ used: each }) => each)}
          />
        </section>
      )}
      {me.role === 'platform' && <FreezesCard />}
      {live.value === undefined ? null : running.length === 0 ? (
        <Empty title="Nothing runs at the moment">
          Statements appear here when a driver sends them through the proxy, the dearest first.
        </Empty>
      ) : (
        <Table
          label="Running statements"
          rows={running}
          keyOf={({ ticketId }) => ticketId}
          columns={mayKill ? [...COLUMNS, killColumn(setKilling)] : COLUMNS}
        />
      )}
      {killing !== undefined && (
        <ReasonDialog
          title="Stop this statement?"
          text={`${killing.principal} of ${killing.team} is told why. What it has used is charged.${killing.state === 'IN_DOUBT' ? ' No proxy has it any more: it is cancelled as soon as Snowflake’s query history shows that it runs.' : ''}`}
          action="Stop it"
          isDangerous
          act={(reason) => write(`/tickets/${killing.ticketId}/kill`, { reason })}
          onDone={() => {
            setKilling(undefined);
            live.reload();
          }}
          onCancel={() => setKilling(undefined)}
        />
      )}
    </>
  );
}

/** What those that run now have used in the last looks, for a minute; null: it is too early to say. */
function paceOf(looks: readonly Look[], running: readonly Running[]): string | null {
  const first = looks.at(-LOOKS_FOR_PACE) ?? looks[0];
  const last = looks.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  let used = 0n;
  for (const { ticketId } of running) {
    const now = last.amounts.get(ticketId);
    // What began since then has used all of it since then.
    if (now !== undefined) used += now - (first.amounts.get(ticketId) ?? 0n);
  }
  const perMinute = (used * 60_000n) / BigInt(Math.round(last.at - first.at));
  return textOf(perMinute, 12).replaceAll(',', '').replace('−', '-');
}

function useLooks(live: Live<RunningList>): readonly Look[] {
  const looks = useRef<Look[]>([]);
  const [shown, setShown] = useState<readonly Look[]>([]);
  const { value, at } = live;
  useEffect(() => {
    if (value === undefined) return;
    // For the height of a line, not for an amount that anybody is told.
    const used = Number(sum(value.running.map(({ usedCredits }) => usedCredits))) / 1e12;
    const amounts = new Map(
      value.running.map(({ ticketId, usedAmount }) => [ticketId, unitsOf(usedAmount)]),
    );
    looks.current = [...looks.current, { at, count: value.running.length, used, amounts }].slice(
      -POINTS_MAX,
    );
    setShown(looks.current);
  }, [value, at]);
  return shown;
}

const COLUMNS: readonly Column<Running>[] = [
  {
    name: 'Statement',
    class: 'shape',
    cell: ({ ticketId, statementShape }) => (
      <a href={`/tickets/${ticketId}`}>
        <code>{statementShape}</code>
      </a>
    ),
  },
  { name: 'State', cell: ({ state }) => <State of={state} />, sortKey: ({ state }) => state },
  { name: 'Team', cell: ({ team }) => team, sortKey: ({ team }) => team },
  {
    name: 'Warehouse',
    cell: ({ warehouse }) => warehouse ?? '–',
    sortKey: ({ warehouse }) => warehouse,
  },
  { name: 'Tier', cell: ({ tier }) => tier, sortKey: ({ tier }) => tier },
  { name: 'Sent', cell: ({ sentAt }) => <When at={sentAt} />, sortKey: ({ sentAt }) => sentAt },
  {
    name: 'Used',
    unit: 'credits',
    isAmount: true,
    cell: ({ usedCredits }) => credits(usedCredits),
    sortKey: ({ usedCredits }) => unitsOf(usedCredits),
  },
  {
    name: 'Stopped at',
    unit: 'credits',
    isAmount: true,
    cell: ({ ceilingCredits }) => (ceilingCredits === null ? '–' : credits(ceilingCredits)),
    sortKey: ({ ceilingCredits }) => (ceilingCredits === null ? null : unitsOf(ceilingCredits)),
  },
];

function killColumn(onKill: (row: Running) => void): Column<Running> {
  return {
    name: 'Stop',
    cell: (row) => (
      <button
        type="button"
        class="small danger"
        aria-label={`Stop the statement of ${row.principal}`}
        onClick={() => onKill(row)}
      >
        Stop
      </button>
    ),
  };
}
