import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { owed, unitsOf } from '../amounts.js';
import { write } from '../api-client.js';
import type { Adjustment, Dispute } from '../finance-types.js';
import { useLive } from '../live.js';
import { PageHead, ProblemNote, ReasonDialog, State, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 30_000;

/** What is said to be wrong on bills, and money that people moved between them. */
export function DisputesPage(): JSX.Element {
  const { me } = useSignedIn();
  const isLead = me.role === 'team-lead';
  // An accepted dispute is an adjustment: the second list is asked again when the first changes.
  const [changes, setChanges] = useState(0);
  return (
    <>
      <PageHead title={isLead ? 'Disputes' : 'Disputes and adjustments'} />
      <Disputes isLead={isLead} onChange={() => setChanges((before) => before + 1)} />
      {!isLead && <Adjustments key={changes} />}
    </>
  );
}

type Outcome = 'accepted' | 'refused' | 'withdrawn';

const OUTCOMES: Readonly<Record<Outcome, { readonly name: string; readonly text: string }>> = {
  accepted: {
    name: 'Accept',
    text: 'Its money is taken from the team’s bill by an adjustment in the open month. Above a limit another person approves it.',
  },
  refused: { name: 'Refuse', text: 'The bill stands. The team sees the reason.' },
  withdrawn: { name: 'Withdraw', text: 'The bill stands.' },
};

interface Ending {
  readonly dispute: Dispute;
  readonly outcome: Outcome;
}

function Disputes(props: { readonly isLead: boolean; readonly onChange: () => void }): JSX.Element {
  const live = useLive<{ readonly disputes: readonly Dispute[] }>('/disputes?limit=200', EVERY_MS);
  const [ending, setEnding] = useState<Ending | undefined>(undefined);
  const over = (): void => {
    setEnding(undefined);
    live.reload();
    props.onChange();
  };
  const outcomes: readonly Outcome[] = props.isLead ? ['withdrawn'] : ['refused', 'accepted'];
  const disputes = live.value?.disputes;
  return (
    <section class="card">
      <h2>Disputes</h2>
      <ProblemNote problem={live.problem} />
      {disputes?.length === 0 && (
        <p class="faint">None. A line of a bill is disputed on the page of the bill.</p>
      )}
      {disputes !== undefined && disputes.length > 0 && (
        <Table
          label="Disputes"
          rows={disputes}
          keyOf={({ id }) => id}
          columns={disputeColumns(outcomes, (dispute, outcome) => setEnding({ dispute, outcome }))}
        />
      )}
      {ending !== undefined && (
        <EndDialog ending={ending} onDone={over} onCancel={() => setEnding(undefined)} />
      )}
    </section>
  );
}

function EndDialog(props: {
  readonly ending: Ending;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}): JSX.Element {
  const { dispute, outcome } = props.ending;
  const { name, text } = OUTCOMES[outcome];
  return (
    <ReasonDialog
      title={`${name} the dispute of ${dispute.team}?`}
      text={text}
      action={name}
      act={(reason, fields) =>
        write(`/disputes/${dispute.id}/decision`, { outcome, reason, ...fields })
      }
      onDone={props.onDone}
      onCancel={props.onCancel}
    >
      {outcome === 'accepted' && (
        <label>
          Which team bears it
          <input name="debitedTeam" placeholder="the one that bears rounding" />
        </label>
      )}
    </ReasonDialog>
  );
}

function disputeColumns(
  outcomes: readonly Outcome[],
  onEnd: (dispute: Dispute, outcome: Outcome) => void,
): readonly Column<Dispute>[] {
  return [
    {
      name: 'Bill',
      cell: ({ team, month }) => (
        <a href={`/bills/${encodeURIComponent(team)}/${month}`}>
          {team}, {month}
        </a>
      ),
      sortKey: ({ team, month }) => `${month} ${team}`,
    },
    {
      name: 'Amount',
      isAmount: true,
      cell: ({ amount, currency }) => owed(amount, currency),
      sortKey: ({ amount }) => unitsOf(amount),
    },
    {
      name: 'Why',
      class: 'words',
      cell: ({ reason, raisedBy, endedBy, endReason }) => (
        <>
          “{reason}” <span class="faint">{raisedBy}</span>
          {endReason !== null && (
            <p>
              “{endReason}” <span class="faint">{endedBy}</span>
            </p>
          )}
        </>
      ),
    },
    {
      name: 'Decided by',
      cell: ({ owner, dueOn, isOverdue }) => (
        <>
          {owner}, {isOverdue ? <strong>{dueOn}, overdue</strong> : dueOn}
        </>
      ),
      sortKey: ({ dueOn }) => dueOn,
    },
    { name: 'State', cell: ({ state }) => <State of={state} />, sortKey: ({ state }) => state },
    {
      name: 'Decide',
      cell: (dispute) =>
        dispute.state === 'waiting' &&
        outcomes.map((outcome) => (
          <button
            key={outcome}
            type="button"
            class="small"
            aria-label={`${OUTCOMES[outcome].name} dispute ${dispute.id} of ${dispute.team}`}
            onClick={() => onEnd(dispute, outcome)}
          >
            {OUTCOMES[outcome].name}
          </button>
        )),
    },
  ];
}

interface Deciding {
  readonly adjustment: Adjustment;
  readonly decision: 'approved' | 'declined';
}

function Adjustments(): JSX.Element {
  const { me } = useSignedIn();
  const live = useLive<{ readonly adjustments: readonly Adjustment[] }>(
    '/adjustments?limit=200',
    EVERY_MS,
  );
  const [deciding, setDeciding] = useState<Deciding | undefined>(undefined);
  const [isMoving, setMoving] = useState(false);
  const close = (): void => {
    setDeciding(undefined);
    setMoving(false);
  };
  const over = (): void => {
    close();
    live.reload();
  };
  const adjustments = live.value?.adjustments;
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="push">Adjustments</h2>
        <button type="button" onClick={() => setMoving(true)}>
          Move money …
        </button>
      </div>
      <ProblemNote problem={live.problem} />
      {adjustments?.length === 0 && <p class="faint">None: no money was moved between bills.</p>}
      {adjustments !== undefined && adjustments.length > 0 && (
        <Table
          label="Adjustments"
          rows={adjustments}
          keyOf={({ id }) => id}
          columns={adjustmentColumns(me.id, setDeciding)}
        />
      )}
      {isMoving && <MoveDialog onDone={over} onCancel={close} />}
      {deciding !== undefined && (
        <ReasonDialog
          title={`${deciding.decision === 'approved' ? 'Approve' : 'Decline'} the adjustment?`}
          text={`${owed(deciding.adjustment.amount, deciding.adjustment.currency)} from the bill of ${deciding.adjustment.creditedTeam} to that of ${deciding.adjustment.debitedTeam}.`}
          action={deciding.decision === 'approved' ? 'Approve' : 'Decline'}
          act={(reason) =>
            write(`/adjustments/${deciding.adjustment.id}/decision`, {
              decision: deciding.decision,
              reason,
            })
          }
          onDone={over}
          onCancel={close}
        />
      )}
    </section>
  );
}

function MoveDialog(props: {
  readonly onDone: () => void;
  readonly onCancel: () => void;
}): JSX.Element {
  return (
    <ReasonDialog
      title="Move money between bills"
      text="In the open month. Above a limit it waits until another person approves it."
      action="Move it"
      act={(reason, { corrects, ...fields }) =>
        write('/adjustments', {
          ...fields,
          reason,
          ...(corrects === undefined ? {} : { corrects: { month: corrects } }),
        })
      }
      onDone={props.onDone}
      onCancel={props.onCancel}
    >
      <label>
        From the bill of
        <input name="creditedTeam" required placeholder="marketing" />
      </label>
      <label>
        To the bill of
        <input name="debitedTeam" placeholder="the team that bears rounding" />
      </label>
      <label>
        Amount
        <input name="amount" required inputMode="decimal" placeholder="120.50" />
      </label>
      <label>
        Closed month that it mends, if any
        <input name="corrects" placeholder="2026-10" pattern="\d{4}-\d\d" />
      </label>
    </ReasonDialog>
  );
}

function adjustmentColumns(
  self: string,
  onDecide: (deciding: Deciding) => void,
): readonly Column<Adjustment>[] {
  return [
    {
      name: 'When',
      class: 'wide',
      cell: ({ proposedAt }) => <When at={proposedAt} />,
      sortKey: ({ proposedAt }) => proposedAt,
    },
    { name: 'From', cell: ({ creditedTeam }) => creditedTeam },
    { name: 'To', cell: ({ debitedTeam }) => debitedTeam },
    {
      name: 'Amount',
      isAmount: true,
      cell: ({ amount, currency }) => owed(amount, currency),
      sortKey: ({ amount }) => unitsOf(amount),
    },
    {
      name: 'Why',
      class: 'words',
      cell: ({ reason, proposedBy, decidedBy, decisionReason, corrects }) => (
        <>
          “{reason}” <span class="faint">{proposedBy}</span>
          {corrects !== null && `, of ${corrects.month}`}
          {decisionReason !== null && (
            <p>
              “{decisionReason}” <span class="faint">{decidedBy}</span>
            </p>
          )}
        </>
      ),
    },
    {
      name: 'State',
      cell: ({ state, bookedIn }) => (
        <>
          <State of={state} /> {bookedIn !== null && `in ${bookedIn}`}
        </>
      ),
      sortKey: ({ state }) => state,
    },
    {
      name: 'Decide',
      cell: (adjustment) => {
        if (adjustment.state !== 'waiting') return null;
        // Nobody approves what they proposed; they may take it back.
        const decisions =
          adjustment.proposedBy === self
            ? (['declined'] as const)
            : (['declined', 'approved'] as const);
        return decisions.map((decision) => (
          <button
            key={decision}
            type="button"
            class="small"
            aria-label={`${decision === 'approved' ? 'Approve' : 'Decline'} adjustment ${adjustment.id}`}
            onClick={() => onDecide({ adjustment, decision })}
          >
            {decision === 'approved' ? 'Approve' : 'Decline'}
          </button>
        ));
      },
    },
  ];
}
