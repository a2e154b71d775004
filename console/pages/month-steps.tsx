import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { write } from '../api-client.js';
import type { Close, CloseStep } from '../finance-types.js';
import { ReasonDialog, When } from '../parts.js';
import { monthName } from '../times.js';

interface StepWords {
  readonly path: string;
  readonly name: string;
  readonly done: string;
  readonly text: string;
  readonly needsReason: boolean;
}

const STEPS: Readonly<Record<CloseStep, StepWords>> = {
  freeze: {
    path: 'freeze',
    name: 'Freeze',
    done: 'frozen',
    text: 'What is known now is written down as the bills of the month. It may be frozen anew until it is proposed.',
    needsReason: false,
  },
  propose: {
    path: 'propose',
    name: 'Propose',
    done: 'proposed',
    text: 'The month goes into review. Another person has to approve it.',
    needsReason: false,
  },
  signOff: {
    path: 'sign-off',
    name: 'Sign off',
    done: 'signed off',
    text: 'The month may be approved although not everything agrees. The reason stands on every bill.',
    needsReason: true,
  },
  approve: {
    path: 'approve',
    name: 'Approve',
    done: 'approved',
    text: 'The bills are right. With the last approval the month waits only to be closed.',
    needsReason: false,
  },
  return: {
    path: 'return',
    name: 'Return',
    done: 'returned',
    text: 'The month leaves the review and may be frozen anew. Its approvals are void.',
    needsReason: true,
  },
  close: {
    path: 'close',
    name: 'Close',
    done: 'closed',
    text: 'Nothing of it ever changes again. What is found later stands in the month that is open then.',
    needsReason: false,
  },
  reopen: {
    path: 'reopen',
    name: 'Reopen',
    done: 'reopened',
    text: 'Another version of the month begins. The closed one stands until that one is closed.',
    needsReason: true,
  },
};

/** The one step that leads on is the primary button. */
const FORWARD: readonly CloseStep[] = ['approve', 'close', 'propose', 'freeze'];

/** What may be done with the month now, and what was done with it. */
export function MonthSteps(props: {
  readonly close: Close;
  readonly onTaken: () => void;
}): JSX.Element {
  const { close } = props;
  const [step, setStep] = useState<CloseStep | undefined>(undefined);
  const over = (): void => {
    setStep(undefined);
    props.onTaken();
  };
  const forward = FORWARD.find((each) => close.stepsOpen.includes(each));
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="push">Steps</h2>
        {close.stepsOpen.map((each) => (
          <button
            key={each}
            type="button"
            class={each === forward ? 'primary' : ''}
            onClick={() => setStep(each)}
          >
            {STEPS[each].name} …
          </button>
        ))}
      </div>
      <p class="faint">{whatIsNext(close)}</p>
      {close.steps.length > 0 && (
        <ol class="changes">
          {close.steps.map(({ step: taken, by, at, reason }) => (
            <li key={`${taken} ${at}`}>
              {STEPS[taken].done} by <strong>{by}</strong>, <When at={at} />
              {reason !== null && `: “${reason}”`}
            </li>
          ))}
        </ol>
      )}
      {step !== undefined && (
        <ReasonDialog
          title={`${STEPS[step].name} ${monthName(close.month)}?`}
          text={STEPS[step].text}
          action={STEPS[step].name}
          isReasonOptional={!STEPS[step].needsReason}
          act={(reason) =>
            write(`/closes/${close.month}/${STEPS[step].path}`, reason === '' ? {} : { reason })
          }
          onDone={over}
          onCancel={over}
        />
      )}
    </section>
  );
}

function whatIsNext({
  state,
  stepsOpen,
  approvals,
  approvalsNeeded,
  reconciliation,
}: Close): string {
  const hasOpen = reconciliation.openCount > 0 && reconciliation.signedOff === null;
  switch (state) {
    case 'open':
      return stepsOpen.includes('freeze')
        ? 'It is complete and may be frozen.'
        : 'Provisional: it changes with every import until it is over, complete and frozen.';
    case 'softClosed':
      return 'Frozen, and not proposed yet. What Snowflake tells late is taken in by freezing it anew.';
    case 'inReview':
      return `${hasOpen ? 'What does not agree has to be signed off first. ' : ''}${approvals.length} of ${approvalsNeeded} approved it; nobody approves or signs off what they froze or proposed.`;
    case 'approved':
      return 'Approved, and waits to be closed.';
    case 'closed':
      return 'Closed: nothing of it changes. Corrections stand in the open month.';
    case 'superseded':
      return 'A later version took its place; this one is kept as it was.';
  }
}
