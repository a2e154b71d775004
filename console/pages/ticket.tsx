import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, money } from '../amounts.js';
import { write } from '../api-client.js';
import type { Ticket } from '../api-types.js';
import { type Live, useLive } from '../live.js';
import { Figure, PageHead, ProblemNote, ReasonDialog, State, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { duration } from '../times.js';
import { stateOf } from './tickets.js';

const EVERY_MS = 3_000;
const OVER = ['SETTLED', 'VOID'];

export function TicketPage({ id }: { readonly id?: string }): JSX.Element {
  const [isOver, setOver] = useState(false);
  const live = useLive<Ticket>(`/tickets/${encodeURIComponent(id ?? '')}`, isOver ? 0 : EVERY_MS);
  const ticket = live.value;
  if (ticket !== undefined && OVER.includes(ticket.state) && !isOver) setOver(true);
  return (
    <>
      <PageHead title="Statement" {...(isOver ? {} : { live: live as Live<unknown> })}>
        <a href="/tickets">All statements</a>
      </PageHead>
      <ProblemNote problem={live.problem} />
      {ticket !== undefined && <Receipt ticket={ticket} />}
    </>
  );
}

function Receipt({ ticket }: { readonly ticket: Ticket }): JSX.Element {
  const { charge, estimate, refusal } = ticket;
  return (
    <>
      {refusal !== null && <Refused ticket={ticket} />}
      <section class="card">
        <div class="card-head">
          <State of={stateOf(ticket)} />
          <span class="faint">
            {ticket.principal} · {ticket.team}
          </span>
        </div>
        <pre class="statement" tabIndex={0}>
          <code>{ticket.statementShape}</code>
        </pre>
        <p class="faint">Its shape: literals are not kept.</p>
        <dl class="figures">
          <Figure
            name="Charged"
            value={charge === null ? '–' : money(charge.amount, charge.currency)}
            {...(charge === null ? {} : { note: `${credits(charge.credits)} credits` })}
          />
          <Figure
            name="Estimated"
            value={credits(estimate.expectedCredits)}
            unit="credits"
            note={`${credits(estimate.lowCredits)} to ${credits(estimate.highCredits)}, by ${estimate.basis}`}
          />
          <Figure name="Held" value={credits(ticket.holdCredits)} unit="credits" />
        </dl>
      </section>
      <Facts ticket={ticket} />
    </>
  );
}

function Refused({ ticket }: { readonly ticket: Ticket }): JSX.Element {
  const { me } = useSignedIn();
  const [isAsking, setAsking] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const mayAsk = me.role !== 'finance' && ticket.refusal?.code.startsWith('TG2') === true;
  return (
    <section class="refusal">
      <h2>Why it did not run</h2>
      <pre tabIndex={0}>{ticket.refusal?.message}</pre>
      {isAsked && (
        <p role="status">
          Asked. <a href="/requests">See the requests</a>.
        </p>
      )}
      {mayAsk && !isAsked && (
        <button type="button" class="primary" onClick={() => setAsking(true)}>
          Ask for it
        </button>
      )}
      {isAsking && (
        <ReasonDialog
          title="Ask for this statement"
          text="Who decides sees the statement's shape, what it needs, and your reason."
          action="Ask"
          act={(reason) => write('/requests', { ticketId: ticket.ticketId, reason })}
          onDone={() => {
            setAsking(false);
            setAsked(true);
          }}
          onCancel={() => setAsking(false)}
        />
      )}
    </section>
  );
}

function Facts({ ticket }: { readonly ticket: Ticket }): JSX.Element {
  const { sentAt, endedAt } = ticket;
  const ranMs =
    sentAt === null || endedAt === null ? null : Date.parse(endedAt) - Date.parse(sentAt);
  const facts: readonly (readonly [string, JSX.Element | string])[] = [
    ['Came', <When key="came" at={ticket.occurredAt} />],
    ['Sent', <When key="sent" at={sentAt} />],
    ['Ended', <When key="ended" at={endedAt} />],
    ['Took', ranMs === null ? '–' : duration(ranMs)],
    [
      'Warehouse',
      ticket.warehouse === null ? '–' : `${ticket.warehouse} (${ticket.warehouseSize ?? '?'})`,
    ],
    ['Tier', ticket.tier],
    ['Class', ticket.statementClass],
    ['Ending', [ticket.ending, ticket.endCode].filter((each) => each !== null).join(' ') || '–'],
    ['Query id', ticket.snowflakeQueryId ?? '–'],
    ['Ticket', ticket.ticketId],
  ];
  return (
    <section class="card">
      <h2>What happened</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
