import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { money, unitsOf } from '../amounts.js';
import { write } from '../api-client.js';
import type { FastShape } from '../api-types.js';
import { useLive } from '../live.js';
import { Pager, ProblemNote, ReasonDialog, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 30_000;
const PAGE_ROWS = 50;

interface ShapeList {
  readonly shapes: readonly FastShape[];
  readonly nextCursor: string | null;
}

/** Shapes whose pace is above a run rate, the fastest first; the platform lifts one for a while. */
export function PacesCard(): JSX.Element {
  const { me } = useSignedIn();
  const [cursor, setCursor] = useState<string | null>(null);
  const [lifting, setLifting] = useState<FastShape | undefined>(undefined);
  const query = new URLSearchParams({
    limit: String(PAGE_ROWS),
    ...(cursor === null ? {} : { cursor }),
  });
  const live = useLive<ShapeList>(`/run-rates?${query}`, EVERY_MS);
  const over = (): void => {
    setLifting(undefined);
    live.reload();
  };
  return (
    <section class="card">
      <h2>Paces above a run rate, 30 days</h2>
      <ProblemNote problem={live.problem} />
      {live.value?.shapes.length === 0 && (
        <p class="faint">No statement that repeats would take more in 30 days than it may.</p>
      )}
      {live.value !== undefined && live.value.shapes.length > 0 && (
        <Table
          label="Paces above a run rate"
          rows={live.value.shapes}
          keyOf={({ team, fingerprint, runRate }) => `${team} ${fingerprint} ${runRate}`}
          columns={me.role === 'platform' ? [...COLUMNS, lift(setLifting)] : COLUMNS}
        />
      )}
      <Pager
        cursor={cursor}
        next={live.value?.nextCursor ?? null}
        onTurn={setCursor}
        words={['Fastest', 'Slower']}
      />
      {lifting !== undefined && (
        <ReasonDialog
          title={`Lift a shape of ${lifting.team}?`}
          text="It runs whatever its pace is until then. What it takes is counted on, and its budgets hold."
          action="Lift it"
          act={(reason, { until }) =>
            write('/run-rates/lifts', {
              team: lifting.team,
              fingerprint: lifting.fingerprint,
              until,
              reason,
            })
          }
          onDone={over}
          onCancel={over}
        >
          <label>
            Until
            <input name="until" required placeholder="4h, friday, 2026-12-01" />
          </label>
        </ReasonDialog>
      )}
    </section>
  );
}

const RUNGS: Readonly<Record<FastShape['rung'], readonly [word: string, tone: string]>> = {
  warn: ['told', 'warn'],
  slow: ['slowed', 'warn'],
  stop: ['stopped', 'bad'],
};

function Rung({ of: { rung, mode, liftedUntil } }: { readonly of: FastShape }): JSX.Element {
  if (liftedUntil !== null)
    return (
      <>
        <span class="state good">lifted</span> until <When at={liftedUntil} />
      </>
    );
  const [word, tone] = RUNGS[rung];
  if (mode === 'enforce') return <span class={`state ${tone}`}>{word}</span>;
  return (
    <>
      <span class="state">{mode}</span> <span class="faint">would be {word}</span>
    </>
  );
}

const COLUMNS: readonly Column<FastShape>[] = [
  { name: 'Team', cell: ({ team }) => <strong>{team}</strong>, sortKey: ({ team }) => team },
  {
    name: 'Shape',
    class: 'shape',
    cell: ({ statementShape, lastTicketId }) => (
      <a href={`/tickets/${lastTicketId}`} title={statementShape}>
        <code>{statementShape}</code>
      </a>
    ),
  },
  {
    name: 'At this pace',
    isAmount: true,
    cell: ({ projectedAmount, currency }) => money(projectedAmount, currency),
    sortKey: ({ projectedAmount }) => unitsOf(projectedAmount),
  },
  {
    name: 'Spent',
    isAmount: true,
    cell: ({ spentAmount, currency }) => money(spentAmount, currency),
    sortKey: ({ spentAmount }) => unitsOf(spentAmount),
  },
  { name: 'Run rate', cell: ({ runRate }) => runRate, sortKey: ({ runRate }) => runRate },
  { name: 'What happens', cell: (shape) => <Rung of={shape} /> },
  {
    name: 'Last run',
    cell: ({ lastAt, lastPrincipal }) => (
      <>
        <When at={lastAt} /> {lastPrincipal}
      </>
    ),
    sortKey: ({ lastAt }) => lastAt,
  },
];

function lift(onLift: (shape: FastShape) => void): Column<FastShape> {
  return {
    name: 'Lift',
    cell: (shape) =>
      shape.liftedUntil === null ? (
        <button
          type="button"
          class="small"
          aria-label={`Lift the shape ${shape.fingerprint.slice(0, 8)} of ${shape.team}`}
          onClick={() => onLift(shape)}
        >
          Lift …
        </button>
      ) : null,
  };
}
