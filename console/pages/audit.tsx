import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { toProblem } from '../api-client.js';
import type { AuditEvent } from '../api-types.js';
import { checkChain, type ChainState } from '../audit-chain.js';
import { type Live, useLive } from '../live.js';
import { Empty, filledIn, PageHead, Pager, ProblemNote, When } from '../parts.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 30_000;

interface AuditList {
  readonly events: readonly AuditEvent[];
  readonly nextCursor: string | null;
}

/** Every write of the control plane, and whether the chain of its events is whole. */
export function AuditPage(): JSX.Element {
  const [filters, setFilters] = useState<Readonly<Record<string, string>>>({});
  const [cursor, setCursor] = useState<string | null>(null);
  const query = new URLSearchParams({
    limit: '100',
    ...filters,
    ...(cursor === null ? {} : { cursor }),
  });
  const live = useLive<AuditList>(`/audit?${query}`, cursor === null ? EVERY_MS : 0);
  const events = live.value?.events ?? [];
  const next = live.value?.nextCursor ?? null;
  return (
    <>
      <PageHead title="Audit" live={live as Live<unknown>}>
        <a href="/api/v1/audit/export.jsonl" download="audit.jsonl">
          Export
        </a>
      </PageHead>
      <ChainCard />
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setCursor(null);
          setFilters(filledIn(event.target as HTMLFormElement));
        }}
      >
        <input name="subject" aria-label="Done to" placeholder="to, such as budget/sales-monthly" />
        <input name="action" aria-label="Action" placeholder="action, such as freeze.begin" />
        <input name="actor" aria-label="Who" placeholder="who, such as admin-token" />
        <button type="submit">Filter</button>
      </form>
      <ProblemNote problem={live.problem} />
      {live.value !== undefined && events.length === 0 && (
        <Empty title="No such event">Filters ask for the whole word, as the events have it.</Empty>
      )}
      {events.length > 0 && (
        <Table label="Audit events" rows={events} keyOf={({ hash }) => hash} columns={COLUMNS} />
      )}
      <Pager cursor={cursor} next={next} onTurn={setCursor} />
    </>
  );
}

function ChainCard(): JSX.Element {
  const head = useLive<{ readonly sequence: number; readonly hash: string }>('/audit/head', 0);
  const [state, setState] = useState<ChainState | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const check = (): void => {
    setBusy(true);
    checkChain(setState)
      .catch((thrown: unknown) => setState({ kind: 'unread', why: toProblem(thrown).message }))
      .finally(() => setBusy(false));
  };
  return (
    <section class="card">
      <div class="card-head">
        <span class="push" role="status">
          {state === undefined ? (
            <>
              {head.value?.sequence ?? '–'} events; head{' '}
              <code title="Keep it elsewhere: it shows a log that lost its end">
                {head.value?.hash.slice(0, 16)}…
              </code>
            </>
          ) : (
            <ChainWords state={state} />
          )}
        </span>
        <button type="button" onClick={check} disabled={isBusy}>
          {isBusy ? 'Checking …' : 'Check every hash here'}
        </button>
      </div>
    </section>
  );
}

function ChainWords({ state }: { readonly state: ChainState }): JSX.Element {
  switch (state.kind) {
    case 'checking':
      return <>{state.events} events fit so far</>;
    case 'intact':
      return (
        <>
          <span class="state good">intact</span> {state.events} events; head{' '}
          <code>{state.head}</code>
        </>
      );
    case 'broken':
      return (
        <>
          <span class="state bad">broken</span> event {state.sequence} does not fit: {state.why}
        </>
      );
    case 'unread':
      return (
        <>
          <span class="state warn">not checked</span> {state.why}
        </>
      );
  }
}

const COLUMNS: readonly Column<AuditEvent>[] = [
  {
    name: 'No.',
    isAmount: true,
    cell: ({ sequence }) => sequence,
    sortKey: ({ sequence }) => sequence,
  },
  { name: 'When', cell: ({ occurredAt }) => <When at={occurredAt} /> },
  {
    name: 'Who',
    class: 'words',
    cell: ({ actor, role }) => (
      <>
        {actor} <span class="faint">{role}</span>
      </>
    ),
    sortKey: ({ actor }) => actor,
  },
  { name: 'Did', cell: ({ action }) => action, sortKey: ({ action }) => action },
  {
    name: 'To',
    class: 'words',
    cell: ({ subject }) => subject,
    sortKey: ({ subject }) => subject,
  },
  { name: 'Why', class: 'words', cell: ({ reason }) => reason ?? '–' },
  {
    name: 'Before and after',
    class: 'words',
    cell: ({ before, after }) => (
      <details>
        <summary>Show</summary>
        <pre>{`${JSON.stringify(before, null, 1)}\n→ ${JSON.stringify(after, null, 1)}`}</pre>
      </details>
    ),
  },
];
