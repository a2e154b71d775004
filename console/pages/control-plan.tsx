import type { JSX } from 'preact';
import { money } from '../amounts.js';
import type { Plan } from '../api-types.js';
import { Figure } from '../parts.js';

const SHOWN_MAX = 200;
const EXAMPLES_MAX = 10;

/** What a document would change: in words, in money, and what it would have made of the last 30 days. */
export function PlanCard(props: {
  readonly plan: Plan;
  readonly onApply: () => void;
}): JSX.Element {
  const { plan, onApply } = props;
  if (!plan.isChanged)
    return (
      <section class="card">
        <h2>It changes nothing</h2>
        <p class="faint">Version {plan.controlVersion} says the same.</p>
      </section>
    );
  const { currency, amountBefore, amountAfter } = plan.teamsMonthly;
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="push">
          {plan.changesTotal} {plan.changesTotal === 1 ? 'change' : 'changes'} to version{' '}
          {plan.controlVersion}
        </h2>
        <button type="button" class="primary" onClick={onApply}>
          Apply …
        </button>
      </div>
      {amountBefore !== null && amountAfter !== null && amountBefore !== amountAfter && (
        <p>
          Monthly budgets of all teams: {money(amountBefore, currency)} →{' '}
          <strong>{money(amountAfter, currency)}</strong>
        </p>
      )}
      <ul class="changes">
        {plan.changes.slice(0, SHOWN_MAX).map(({ part, key, change, text, deltaAmount }) => (
          <li key={`${part} ${key}`}>
            <span class={`state ${TONES[change] ?? ''}`}>{change}</span> {text}
            {deltaAmount !== null && (
              <span class="faint"> ({money(deltaAmount, currency)} a period)</span>
            )}
          </li>
        ))}
      </ul>
      {plan.changesTotal > SHOWN_MAX && (
        <p class="faint">and {plan.changesTotal - SHOWN_MAX} more</p>
      )}
      <Past plan={plan} />
      {plan.notices.map(({ about, text }) => (
        <p key={`${about} ${text}`} class="note warn">
          {about}: {text}
        </p>
      ))}
    </section>
  );
}

const TONES: Readonly<Record<string, string>> = { added: 'good', removed: 'bad', changed: 'warn' };

function Past({ plan: { past, lastDays } }: { readonly plan: Plan }): JSX.Element {
  return (
    <>
      <h2>What it would have made of the last 30 days</h2>
      {past !== null && (
        <dl class="figures">
          <Figure name="Statements looked at" value={String(past.statements)} />
          <Figure
            name="Would have been refused"
            value={String(past.refused.statements)}
            note={worth(past.refused)}
            tone={past.refused.statements > 0 ? 'warn' : undefined}
          />
          <Figure
            name="Would have been let through"
            value={String(past.freed.statements)}
            note={worth(past.freed)}
          />
        </dl>
      )}
      <ul class="changes">
        {lastDays.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
        {past?.examples.slice(0, EXAMPLES_MAX).map((each) => (
          <li key={each.ticketId}>
            <a href={`/tickets/${each.ticketId}`}>{money(each.amount, each.currency)}</a> of{' '}
            {each.principal}, {each.team}: {each.by}
          </li>
        ))}
      </ul>
      {lastDays.length === 0 && past === null && (
        <p class="faint">It decides nothing about statements.</p>
      )}
    </>
  );
}

function worth({ amounts }: NonNullable<Plan['past']>['refused']): string {
  return amounts.map(({ amount, currency }) => money(amount, currency)).join(' + ') || '–';
}
