import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, unitsOf } from '../amounts.js';
import { write } from '../api-client.js';
import type { Anomaly } from '../api-types.js';
import { useLive } from '../live.js';
import { Pager, ProblemNote, ReasonDialog, When } from '../parts.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 30_000;
const PAGE_ROWS = 50;

interface AnomalyList {
  readonly anomalies: readonly Anomaly[];
  readonly nextCursor: string | null;
}

/** Hours and days in which a team spent far more than usual, with who answers for it; whoever looked says what it was. */
export function AnomaliesCard(): JSX.Element {
  const [isOpenOnly, setOpenOnly] = useState(true);
  const [cursor, setCursor] = useState<string | null>(null);
  const [telling, setTelling] = useState<Anomaly | undefined>(undefined);
  const query = new URLSearchParams({
    limit: String(PAGE_ROWS),
    ...(isOpenOnly ? { open: 'true' } : {}),
    ...(cursor === null ? {} : { cursor }),
  });
  const live = useLive<AnomalyList>(`/anomalies?${query}`, EVERY_MS);
  const over = (): void => {
    setTelling(undefined);
    live.reload();
  };
  const show = (openOnly: boolean): void => {
    setCursor(null);
    setOpenOnly(openOnly);
  };
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="push">Hours and days out of the ordinary</h2>
        <div class="choice" role="group" aria-label="Which anomalies">
          <button type="button" aria-pressed={isOpenOnly} onClick={() => show(true)}>
            Open
          </button>
          <button type="button" aria-pressed={!isOpenOnly} onClick={() => show(false)}>
            All
          </button>
        </div>
      </div>
      <ProblemNote problem={live.problem} />
      {live.value?.anomalies.length === 0 && (
        <p class="faint">
          {isOpenOnly ? 'None that nobody has looked at.' : 'None was ever found.'}
        </p>
      )}
      {live.value !== undefined && live.value.anomalies.length > 0 && (
        <Table
          label="Anomalies"
          rows={live.value.anomalies}
          keyOf={({ id }) => id}
          columns={[...COLUMNS, told(setTelling)]}
        />
      )}
      <Pager cursor={cursor} next={live.value?.nextCursor ?? null} onTurn={setCursor} />
      {telling !== undefined && (
        <ReasonDialog
          title={`What was it that ${telling.team} spent on?`}
          text="It is written down with your name, and nobody is told of it again."
          action="Acknowledge"
          act={(reason) => write(`/anomalies/${telling.id}/acknowledge`, { reason })}
          onDone={over}
          onCancel={over}
        />
      )}
    </section>
  );
}

/** How much of it the dearest shape took. */
function dearest({ shapes }: Anomaly): string {
  const [first] = shapes;
  if (first === undefined) return '–';
  return `${first.percent} % by one shape, ${first.statements} runs`;
}

const COLUMNS: readonly Column<Anomaly>[] = [
  { name: 'Team', cell: ({ team }) => <strong>{team}</strong>, sortKey: ({ team }) => team },
  {
    name: 'When',
    cell: ({ grain, startsAt }) => (
      <>
        {grain} of <When at={startsAt} />
      </>
    ),
    sortKey: ({ startsAt }) => startsAt,
  },
  {
    name: 'Spent',
    unit: 'credits',
    isAmount: true,
    cell: ({ spentCredits }) => credits(spentCredits),
    sortKey: ({ spentCredits }) => unitsOf(spentCredits),
  },
  {
    name: 'Usual',
    unit: 'credits',
    isAmount: true,
    cell: ({ usualCredits }) => credits(usualCredits),
  },
  { name: 'It went to', cell: dearest },
  { name: 'Owner', cell: ({ owner }) => owner ?? <span class="faint">nobody</span> },
];

function told(onTell: (anomaly: Anomaly) => void): Column<Anomaly> {
  return {
    name: 'Looked at',
    cell: (anomaly) =>
      anomaly.acknowledgedAt === null ? (
        <button
          type="button"
          class="small"
          aria-label={`Acknowledge the ${anomaly.grain} of ${anomaly.team}`}
          onClick={() => onTell(anomaly)}
        >
          Acknowledge …
        </button>
      ) : (
        <>
          by {anomaly.acknowledgedBy}: “{anomaly.note}”
        </>
      ),
  };
}
