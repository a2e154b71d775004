import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, money, unitsOf } from '../amounts.js';
import { type Problem, toProblem, write } from '../api-client.js';
import type { CreditsAndAmount, Priced, Principal, Tier } from '../api-types.js';
import { useLive } from '../live.js';
import { Figure, filledIn, PageHead, ProblemNote, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { duration } from '../times.js';

/** Asks what a statement would cost; nothing runs and nothing is held. */
export function PricePage(): JSX.Element {
  const [priced, setPriced] = useState<Priced | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const ask = (event: SubmitEvent): void => {
    event.preventDefault();
    const fields = filledIn(event.target as HTMLFormElement);
    setBusy(true);
    setProblem(undefined);
    write<Priced>('/explain', fields)
      .then(setPriced, (thrown: unknown) => {
        setPriced(undefined);
        setProblem(toProblem(thrown));
      })
      .finally(() => setBusy(false));
  };
  return (
    <>
      <PageHead title="Price a statement" />
      <form class="card price-form" onSubmit={ask}>
        <label>
          Statement
          <textarea
            name="sqlText"
            required
            rows={7}
            maxLength={200_000}
            spellcheck={false}
            class="code"
            placeholder="SELECT … FROM …"
          />
        </label>
        <div class="fields">
          <WhoField />
          <WarehouseField />
          <label>
            Database
            <input name="database" placeholder="as the statement says" />
          </label>
          <label>
            Schema
            <input name="schema" placeholder="PUBLIC" />
          </label>
        </div>
        <div class="card-actions">
          <span class="faint push">Nothing runs, nothing is held, nothing is charged.</span>
          <button type="submit" class="primary" disabled={isBusy}>
            {isBusy ? 'Pricing …' : 'Price it'}
          </button>
        </div>
      </form>
      <ProblemNote problem={problem} />
      <div aria-live="polite">{priced !== undefined && <Answer priced={priced} />}</div>
    </>
  );
}

/** A token that is a principal asks for itself. */
function WhoField(): JSX.Element | null {
  const { me } = useSignedIn();
  const isAsked = me.role !== 'analyst';
  const team = me.team === null ? '' : `&team=${encodeURIComponent(me.team)}`;
  const { value } = useLive<{ readonly principals: readonly Principal[] }>(
    isAsked ? `/principals?limit=500${team}` : null,
    0,
  );
  if (!isAsked) return null;
  return (
    <label>
      Sent by
      <input
        name="principal"
        list="principals"
        required={me.principal === null}
        placeholder={me.principal ?? 'a principal'}
      />
      <datalist id="principals">
        {value?.principals.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </label>
  );
}

function WarehouseField(): JSX.Element {
  const { value } = useLive<{ readonly tiers: readonly Tier[] }>('/tiers?limit=500', 0);
  return (
    <label>
      Warehouse
      <select name="warehouse">
        <option value="">of the default tier</option>
        {value?.tiers.map(({ id, warehouse }) => (
          <option key={id} value={warehouse}>
            {warehouse} ({id})
          </option>
        ))}
      </select>
    </label>
  );
}

function Answer({ priced }: { readonly priced: Priced }): JSX.Element {
  const { refusal, decision } = priced;
  const isAllowed = refusal === null;
  return (
    <div class="stack">
      <section class={isAllowed ? 'card outcome' : 'refusal'}>
        <h2>{isAllowed ? `It would ${WORDS[decision] ?? 'run'}` : 'It would not run now'}</h2>
        {refusal !== null && <pre tabIndex={0}>{refusal.message}</pre>}
        {priced.isFree && <p>It uses no warehouse and costs nothing.</p>}
        {[...priced.reasons, ...priced.warnings].map(({ source, message }) => (
          <p key={`${source} ${message}`}>
            <code>{source}</code>: {message}
          </p>
        ))}
        {!priced.isFree && <Amounts priced={priced} />}
      </section>
      {priced.cheaper.length > 0 && <Cheaper priced={priced} />}
      {priced.budgets.length > 0 && <Budgets priced={priced} />}
      <Facts priced={priced} />
    </div>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  allow: 'run',
  queue: 'wait in the queue of another tier, then run',
  approve: 'wait for an approval',
};

function Amounts({ priced }: { readonly priced: Priced }): JSX.Element | null {
  const { estimate, hold, ceiling } = priced;
  const currency = priced.currency ?? 'USD';
  if (estimate === null) return null;
  const of = ({ amount }: CreditsAndAmount): string => money(amount, currency);
  return (
    <>
      <dl class="figures">
        <Figure
          name="Expected"
          value={of(estimate.expected)}
          note={`${of(estimate.low)} to ${of(estimate.high)}`}
        />
        {hold !== null && (
          <Figure
            name="Held while it runs"
            value={of(hold)}
            note={`${credits(hold.credits)} credits`}
          />
        )}
        {ceiling !== null && <Figure name="Stopped at" value={of(ceiling)} note="tier and rules" />}
        <Figure name="Takes" value={duration(estimate.expectedSeconds * 1000)} />
      </dl>
      <p class="faint">
        {estimate.basis}: {estimate.basisText}.
        {estimate.partitions !== null &&
          ` Reads ${estimate.partitions.assigned} of ${estimate.partitions.total} partitions.`}
      </p>
    </>
  );
}

function Cheaper({ priced }: { readonly priced: Priced }): JSX.Element {
  return (
    <section class="card">
      <h2>What would be cheaper</h2>
      <ul class="stack">
        {priced.cheaper.map(({ table, column, range, after }) => (
          <li key={`${table}.${column}`}>
            Filter <code>{column}</code> of <code>{table}</code> to {range}: about{' '}
            <strong>{money(after.amount, priced.currency ?? 'USD')}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Budgets({ priced }: { readonly priced: Priced }): JSX.Element {
  return (
    <section class="card">
      <h2>Budgets it would be held against</h2>
      <ul class="stack">
        {priced.budgets.map(({ budgetId, isHard, availableCredits, isShort, periodEndsAt }) => (
          <li key={budgetId}>
            <strong>{budgetId}</strong>:{' '}
            {availableCredits === null
              ? 'no limit'
              : `${credits(unitsOf(availableCredits) < 0n ? '0' : availableCredits)} credits left`}
            {isShort && <span class="state bad">{isHard ? 'too little' : 'over, warns only'}</span>}{' '}
            <span class="faint">
              until <When at={periodEndsAt} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Facts({ priced }: { readonly priced: Priced }): JSX.Element {
  const size = priced.warehouseSize === null ? '' : ` (${priced.warehouseSize})`;
  const list = (names: readonly string[]): string => names.join(', ') || '–';
  return (
    <section class="card">
      <h2>What Tollgate sees in it</h2>
      <dl class="facts">
        <div>
          <dt>Where</dt>
          <dd>
            {priced.warehouse ?? 'no warehouse'}
            {size}, tier {priced.tier ?? '–'}
          </dd>
        </div>
        <div>
          <dt>Sent by</dt>
          <dd>
            {priced.principal} of {priced.team}
          </dd>
        </div>
        {priced.statements.map((each, index) => (
          <div key={index}>
            <dt>
              {each.class}
              {each.isOpaque ? ', not understood' : ''}
            </dt>
            <dd>
              reads {list(each.tablesRead)}; writes {list(each.tablesWritten)}
              {each.unknown.length > 0 && `; not known: ${list(each.unknown)}`}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
