import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { write } from '../api-client.js';
import type { Freeze } from '../api-types.js';
import type { Topic } from '../events.js';
import { useLive } from '../live.js';
import { ProblemNote, ReasonDialog, When } from '../parts.js';

const EVERY_MS = 10_000;
const TOPICS: readonly Topic[] = ['freezes'];
const SCOPES = ['team', 'principal', 'warehouse', 'tier', 'everything'] as const;

/** What is frozen now, with its end; the platform freezes and thaws. */
export function FreezesCard(): JSX.Element {
  const live = useLive<{ readonly freezes: readonly Freeze[] }>(
    '/freezes?limit=200',
    EVERY_MS,
    TOPICS,
  );
  const [isFreezing, setFreezing] = useState(false);
  const [thawing, setThawing] = useState<Freeze | undefined>(undefined);
  const over = (): void => {
    setFreezing(false);
    setThawing(undefined);
    live.reload();
  };
  const freezes = live.value?.freezes ?? [];
  return (
    <section class={freezes.length > 0 ? 'card frozen' : 'card'}>
      <div class="card-head">
        <h2 class="push">
          {freezes.length === 0 ? 'Nothing is frozen' : `Frozen: ${freezes.length}`}
        </h2>
        <button type="button" class="danger" onClick={() => setFreezing(true)}>
          Freeze …
        </button>
      </div>
      <ProblemNote problem={live.problem} />
      {freezes.length > 0 && (
        <ul class="changes">
          {freezes.map((freeze) => (
            <li key={freeze.id}>
              <strong>{freeze.target ?? 'everything'}</strong>{' '}
              {freeze.target === null ? '' : freeze.scope} by {freeze.frozenBy}: “{freeze.reason}”,{' '}
              {freeze.until === null ? (
                'until it is thawed'
              ) : (
                <>until {<When at={freeze.until} />}</>
              )}{' '}
              <button
                type="button"
                class="small"
                aria-label={`Thaw ${freeze.target ?? 'everything'}`}
                onClick={() => setThawing(freeze)}
              >
                Thaw
              </button>
            </li>
          ))}
        </ul>
      )}
      {isFreezing && <FreezeDialog onOver={over} />}
      {thawing !== undefined && (
        <ReasonDialog
          title={`Thaw ${thawing.target ?? 'everything'}?`}
          text="New statements are admitted again within a second."
          action="Thaw"
          act={(reason) => write(`/freezes/${thawing.id}/thaw`, { reason })}
          onDone={over}
          onCancel={over}
        />
      )}
    </section>
  );
}

function FreezeDialog({ onOver }: { readonly onOver: () => void }): JSX.Element {
  const [scope, setScope] = useState<string>('team');
  return (
    <ReasonDialog
      title="Freeze"
      text="Nothing new is admitted and what waits is refused, on every replica within a second. What runs goes on."
      action="Freeze"
      isDangerous
      act={(reason, fields) => write('/freezes', { ...fields, reason })}
      onDone={onOver}
      onCancel={onOver}
    >
      <label>
        What
        <select
          name="scope"
          value={scope}
          onChange={(event) => setScope(event.currentTarget.value)}
        >
          {SCOPES.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      {scope !== 'everything' && (
        <label>
          Which {scope}
          <input name="target" required />
        </label>
      )}
      <label>
        Until
        <input name="until" placeholder="4h, friday, 2026-12-01; empty: until it is thawed" />
      </label>
    </ReasonDialog>
  );
}
