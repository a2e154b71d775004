import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, money } from '../amounts.js';
import { write } from '../api-client.js';
import type { Asked } from '../api-types.js';
import { askedText, grantText } from '../asked.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { Empty, PageHead, ProblemNote, ReasonDialog, State, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';

const EVERY_MS = 4_000;
const TOPICS: readonly Topic[] = ['requests'];
const STATES = ['waiting', 'granted', 'declined', 'expired'] as const;
type Shown = (typeof STATES)[number];

/** What who looks may decide, and who decides the rest. */
interface Leave {
  readonly grants: boolean;
  readonly declines: boolean;
  readonly note: string;
}

interface Deciding {
  readonly request: Asked;
  readonly decision: 'granted' | 'declined';
}

export function RequestsPage(): JSX.Element {
  const { me } = useSignedIn();
  const [shown, setShown] = useState<Shown>('waiting');
  const [deciding, setDeciding] = useState<Deciding | undefined>(undefined);
  const live = useLive<{ readonly requests: readonly Asked[]; readonly leave: Leave }>(
    `/requests?limit=200&state=${shown}`,
    EVERY_MS,
    TOPICS,
  );
  const leave = live.value?.leave;
  return (
    <>
      <PageHead title="Requests" live={live as Live<unknown>}>
        <div class="choice" role="group" aria-label="Which requests">
          {STATES.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === shown}
              onClick={() => setShown(each)}
            >
              {each.charAt(0).toUpperCase() + each.slice(1)}
            </button>
          ))}
        </div>
      </PageHead>
      <ProblemNote problem={live.problem} />
      {leave !== undefined && me.role !== 'platform' && <p class="faint">{leave.note}</p>}
      {live.value?.requests.length === 0 && (
        <Empty title={shown === 'waiting' ? 'Nobody waits for a decision' : `None is ${shown}`}>
          Who is refused asks on the page of the statement, or with{' '}
          <code>CALL TOLLGATE.REQUEST('ticket', 'reason')</code>.
        </Empty>
      )}
      <ul class="requests">
        {live.value?.requests.map((request) => (
          <RequestCard
            key={request.ticketId}
            request={request}
            {...(request.state === 'waiting' ? { leave } : {})}
            onDecide={setDeciding}
          />
        ))}
      </ul>
      {deciding !== undefined && (
        <DecisionDialog
          deciding={deciding}
          onOver={(isDone) => {
            setDeciding(undefined);
            if (isDone) live.reload();
          }}
        />
      )}
    </>
  );
}

function RequestCard(props: {
  readonly request: Asked;
  /** Absent: there is nothing to decide. */
  readonly leave?: Leave | undefined;
  readonly onDecide: (deciding: Deciding) => void;
}): JSX.Element {
  const { request, leave, onDecide } = props;
  const asked = askedText(request);
  return (
    <li class="card request">
      <div class="card-head">
        <State of={request.state} />
        <strong>{request.principal}</strong>
        <span class="faint">
          {request.team} · asked <When at={request.askedAt} />
        </span>
      </div>
      <blockquote>{request.reason}</blockquote>
      <p class="request-needs">
        Needs <strong>{money(request.needsAmount, request.currency)}</strong>{' '}
        <span class="faint">({credits(request.needsCredits)} credits)</span>
        {request.shortCredits !== null && (
          <> · the budget is short of {credits(request.shortCredits)}</>
        )}{' '}
        · refused with {request.refusalCode}
        {asked !== undefined && (
          <>
            {' '}
            · asks for <strong>{asked}</strong>
          </>
        )}
      </p>
      <pre class="statement" tabIndex={0}>
        <code>{request.statement}</code>
      </pre>
      {request.decision !== null && (
        <p>
          {request.state} by {request.decision.author}: “{request.decision.reason}”
        </p>
      )}
      <div class="card-actions">
        <a href={`/tickets/${request.ticketId}`}>The statement</a>
        {leave?.declines === true && (
          <button type="button" onClick={() => onDecide({ request, decision: 'declined' })}>
            Decline
          </button>
        )}
        {leave?.grants === true && (
          <button
            type="button"
            class="primary"
            onClick={() => onDecide({ request, decision: 'granted' })}
          >
            Grant
          </button>
        )}
      </div>
    </li>
  );
}

function DecisionDialog(props: {
  readonly deciding: Deciding;
  readonly onOver: (isDone: boolean) => void;
}): JSX.Element {
  const { request, decision } = props.deciding;
  const isGrant = decision === 'granted';
  return (
    <ReasonDialog
      title={isGrant ? 'Grant the request?' : 'Decline the request?'}
      text={`${isGrant ? `Gives ${grantText(request)}. ` : ''}${request.principal} of ${request.team}: “${request.reason}”`}
      action={isGrant ? 'Grant' : 'Decline'}
      isDangerous={!isGrant}
      act={(reason) => write(`/requests/${request.ticketId}/decision`, { decision, reason })}
      onDone={() => props.onOver(true)}
      onCancel={() => props.onOver(false)}
    />
  );
}
