import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, money, unitsOf } from '../amounts.js';
import type { Ticket } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { Empty, PageHead, Pager, ProblemNote, State, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 5_000;
/** A statement that ends leaves what runs; one that is refused at once is found by asking. */
const TOPICS: readonly Topic[] = ['running'];

interface TicketList {
  readonly tickets: readonly Ticket[];
  readonly nextCursor: string | null;
}

const SHOWN = ['all', 'charged', 'running', 'refused'] as const;
type Shown = (typeof SHOWN)[number];

const NAMES: Readonly<Record<Shown, string>> = {
  all: 'All',
  charged: 'Charged',
  running: 'Running',
  refused: 'Refused',
};

/** `REFUSED` where it never ran, because that is what people look for. */
export function stateOf({ state, refusal }: Ticket): string {
  return state === 'VOID' && refusal !== null ? 'REFUSED' : state;
}

function matches(ticket: Ticket, shown: Shown): boolean {
  switch (shown) {
    case 'all':
      return true;
    case 'charged':
      return ticket.charge !== null;
    case 'running':
      return ['RESERVED', 'SENT', 'RUNNING'].includes(ticket.state);
    case 'refused':
      return stateOf(ticket) === 'REFUSED';
  }
}

export function TicketsPage(): JSX.Element {
  const { me } = useSignedIn();
  const [cursor, setCursor] = useState<string | null>(null);
  const [shown, setShown] = useState<Shown>('all');
  const page = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
  const live = useLive<TicketList>(
    `/tickets?limit=200${page}`,
    cursor === null ? EVERY_MS : 0,
    TOPICS,
  );
  const tickets = (live.value?.tickets ?? []).filter((ticket) => matches(ticket, shown));
  const isAnalyst = me.role === 'analyst';
  const next = live.value?.nextCursor ?? null;
  return (
    <>
      <PageHead title={isAnalyst ? 'My statements' : 'Statements'} live={live as Live<unknown>}>
        <div class="choice" role="group" aria-label="Which statements">
          {SHOWN.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === shown}
              onClick={() => setShown(each)}
            >
              {NAMES[each]}
            </button>
          ))}
        </div>
      </PageHead>
      <ProblemNote problem={live.problem} />
      {live.value === undefined ? null : tickets.length === 0 ? (
        <Empty title="No statement here">
          Statements of the last 31 days appear when they come through the proxy: point a driver's
          host at it, or choose “All”.
        </Empty>
      ) : (
        <Table
          label="Statements"
          rows={tickets}
          keyOf={({ ticketId }) => ticketId}
          columns={isAnalyst ? COLUMNS.filter(({ name }) => name !== 'Who') : COLUMNS}
        />
      )}
      <Pager cursor={cursor} next={next} onTurn={setCursor} />
    </>
  );
}

const COLUMNS: readonly Column<Ticket>[] = [
  {
    name: 'When',
    cell: ({ occurredAt }) => <When at={occurredAt} />,
    sortKey: ({ occurredAt }) => occurredAt,
  },
  {
    name: 'Statement',
    class: 'shape',
    cell: ({ ticketId, statementShape, statementClass }) => (
      <a href={`/tickets/${ticketId}`}>
        <code>{statementShape === '' ? statementClass : statementShape}</code>
      </a>
    ),
  },
  {
    name: 'State',
    cell: (ticket) => <State of={stateOf(ticket)} />,
    sortKey: (ticket) => stateOf(ticket),
  },
  {
    name: 'Who',
    class: 'wide',
    cell: ({ principal }) => principal,
    sortKey: ({ principal }) => principal,
  },
  {
    name: 'Estimated',
    class: 'wide',
    unit: 'credits',
    isAmount: true,
    cell: ({ estimate }) => credits(estimate.expectedCredits),
    sortKey: ({ estimate }) => unitsOf(estimate.expectedCredits),
  },
  {
    name: 'Charged',
    unit: 'credits',
    isAmount: true,
    cell: ({ charge }) => (charge === null ? '–' : credits(charge.credits)),
    sortKey: ({ charge }) => (charge === null ? null : unitsOf(charge.credits)),
  },
  {
    name: 'Amount',
    isAmount: true,
    cell: ({ charge }) => (charge === null ? '–' : money(charge.amount, charge.currency)),
    sortKey: ({ charge }) => (charge === null ? null : unitsOf(charge.amount)),
  },
];
