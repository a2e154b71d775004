import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits } from '../amounts.js';
import { write } from '../api-client.js';
import type { Budget, Principal } from '../api-types.js';
import { useLive } from '../live.js';
import { ReasonDialog } from '../parts.js';

/** Whose part: a member, or workloads by a pattern. */
type Whose = { readonly principal: string } | { readonly workload: string } | 'new';

interface Part extends Budget {
  readonly workload?: string | null;
}

/** How the team's budget is split; whoever leads it changes the parts. */
export function SplitCard(props: {
  readonly team: string;
  readonly members: readonly Principal[];
  readonly mayChange: boolean;
}): JSX.Element | null {
  const { team, members, mayChange } = props;
  const at = `/teams/${encodeURIComponent(team)}/split`;
  const live = useLive<{ readonly parts: readonly Part[] }>(at, 0);
  const [whose, setWhose] = useState<Whose | undefined>(undefined);
  if (live.value === undefined) return null;
  const { parts } = live.value;
  const over = (): void => {
    setWhose(undefined);
    live.reload();
  };
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="push">How the budget is split</h2>
        {mayChange && (
          <button type="button" onClick={() => setWhose('new')}>
            Add a part
          </button>
        )}
      </div>
      <p class="faint">
        A part stops its member or workloads where it is used up, whatever the team still has.
      </p>
      <ul class="changes">
        {parts.map((part) => (
          <li key={part.id} class="part">
            <strong>{part.workload ?? part.node}</strong>{' '}
            {part.standing !== null && (
              <span>
                {credits(part.standing.spentCredits)} of {credits(part.standing.limitCredits)}{' '}
                credits spent
              </span>
            )}
            {mayChange && (
              <button
                type="button"
                class="small"
                aria-label={`Change the part of ${part.workload ?? part.node}`}
                onClick={() =>
                  setWhose(
                    typeof part.workload === 'string'
                      ? { workload: part.workload }
                      : { principal: part.node },
                  )
                }
              >
                Change
              </button>
            )}
          </li>
        ))}
        {parts.length === 0 && <li>Every member may spend all of it.</li>}
      </ul>
      {whose !== undefined && <PartDialog at={at} whose={whose} members={members} onOver={over} />}
    </section>
  );
}

function PartDialog(props: {
  readonly at: string;
  readonly whose: Whose;
  readonly members: readonly Principal[];
  readonly onOver: () => void;
}): JSX.Element {
  const { at, whose, members, onOver } = props;
  const isNew = whose === 'new';
  return (
    <ReasonDialog
      title={isNew ? 'A part of the budget' : 'Change the part'}
      text="Credits a month, at most what the team has; write none to take the part away."
      action={isNew ? 'Add it' : 'Change it'}
      act={(reason, { of, limitCredits }) =>
        write(
          at,
          { ...(isNew ? named(of ?? '', members) : whose), limitCredits, reason },
          { method: 'PUT' },
        )
      }
      onDone={onOver}
      onCancel={onOver}
    >
      {isNew && (
        <label>
          Member, or workloads such as dbt/*
          <input name="of" required list="members" />
          <datalist id="members">
            {members.map(({ id }) => (
              <option key={id} value={id} />
            ))}
          </datalist>
        </label>
      )}
      <label>
        Credits a month
        <input name="limitCredits" required inputMode="decimal" placeholder="25" />
      </label>
    </ReasonDialog>
  );
}

/** What has a slash is workloads, unless a member is called so. */
function named(of: string, members: readonly Principal[]): object {
  const isMember = members.some(({ id }) => id === of) || !of.includes('/');
  return isMember ? { principal: of } : { workload: of };
}
