import type { JSX } from 'preact';
import { credits, percent, unitsOf } from '../amounts.js';
import type { Bridge, Budget, BudgetList } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { Empty, Figure, PageHead, ProblemNote, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { sorted } from '../sorting.js';
import { duration } from '../times.js';

const EVERY_MS = 5_000;
const TOPICS: readonly Topic[] = ['budgets', 'control'];

export function BudgetsPage(): JSX.Element {
  const { me } = useSignedIn();
  const live = useLive<BudgetList>('/budgets?limit=500', EVERY_MS, TOPICS);
  const bridge = useLive<Bridge>(
    me.team === null ? null : `/budgets/${encodeURIComponent(me.team)}/bridge`,
    0,
  );
  const isOwn = me.team !== null;
  return (
    <>
      <PageHead title={isOwn ? 'My budget' : 'Budgets'} live={live as Live<unknown>} />
      <ProblemNote problem={live.problem} />
      {live.value !== undefined && <Budgets budgets={live.value.budgets} isOwn={isOwn} />}
      {bridge.value !== undefined && <BridgeLines bridge={bridge.value} />}
    </>
  );
}

function Budgets(props: {
  readonly budgets: readonly Budget[];
  readonly isOwn: boolean;
}): JSX.Element {
  const { budgets, isOwn } = props;
  if (budgets.length === 0)
    return (
      <Empty title="No budget yet">
        A budget is a part of the control document: <code>tollgate plan</code> shows what a change
        does, <code>tollgate apply</code> brings it into force.
      </Empty>
    );
  const rows = sorted(budgets, usedShare, true);
  return (
    <>
      {isOwn ? <OwnFigures tightest={rows[0]} /> : <Figures budgets={budgets} />}
      <ul class={isOwn ? 'budgets few' : 'budgets'}>
        {rows.map((budget) => (
          <BudgetRow key={budget.id} budget={budget} />
        ))}
      </ul>
    </>
  );
}

/** Counts, because budgets of teams, of their people and of the whole overlap, so that a sum would count twice. */
function Figures({ budgets }: { readonly budgets: readonly Budget[] }): JSX.Element {
  const over = budgets.filter((budget) => toneOf(budget) === 'bad').length;
  const tight = budgets.filter((budget) => toneOf(budget) === 'warn').length;
  const holding = budgets.filter(({ standing }) => unitsOf(standing?.heldCredits) > 0n).length;
  return (
    <dl class="figures">
      <Figure name="Budgets" value={String(budgets.length)} />
      <Figure name="Used up" value={String(over)} tone={over > 0 ? 'bad' : undefined} />
      <Figure
        name="Above 80 % or running out"
        value={String(tight)}
        tone={tight > 0 ? 'warn' : undefined}
      />
      <Figure name="With statements under way" value={String(holding)} />
    </dl>
  );
}

function OwnFigures({ tightest }: { readonly tightest: Budget | undefined }): JSX.Element | null {
  const standing = tightest?.standing;
  if (standing === null || standing === undefined) return null;
  const { availableCredits, spentCredits, heldCredits } = standing;
  return (
    <dl class="figures">
      <Figure
        name="Left"
        {...(availableCredits === null
          ? { value: 'no limit' }
          : { value: credits(availableCredits), unit: 'credits' })}
      />
      <Figure name="Spent" value={credits(spentCredits)} unit="credits" />
      <Figure name="Held by what runs" value={credits(heldCredits)} unit="credits" />
    </dl>
  );
}

function usedShare({ standing }: Budget): number | null {
  if (standing === null || standing.limitCredits === null) return null;
  return percent(
    unitsOf(standing.spentCredits) + unitsOf(standing.heldCredits),
    unitsOf(standing.limitCredits),
  );
}

type Tone = 'good' | 'warn' | 'bad';

function toneOf(budget: Budget): Tone {
  const { standing } = budget;
  const share = usedShare(budget);
  if (standing === null || share === null) return 'good';
  if (standing.isPassed || share >= 100) return 'bad';
  return share >= 80 || (standing.forecast?.exhaustedAt ?? null) !== null ? 'warn' : 'good';
}

export function BudgetRow({ budget }: { readonly budget: Budget }): JSX.Element {
  const { standing } = budget;
  const tone = toneOf(budget);
  return (
    <li class={`budget ${tone}`}>
      <div class="budget-name">
        <h2>{budget.node}</h2>
        <span class="faint">
          {budget.isHard ? 'hard' : 'warns only'} · {budget.period.kind}
          {budget.counts === 'direct' ? '' : ` · counts ${budget.counts}`}
        </span>
      </div>
      {standing === null ? (
        <p class="faint">Its days are not now.</p>
      ) : (
        <>
          <Bar budget={budget} />
          <p class="budget-figures">
            <strong>
              {standing.availableCredits === null ? 'no limit' : credits(standing.availableCredits)}
            </strong>{' '}
            {standing.availableCredits === null ? '' : 'credits left'}
            <span class="faint">
              {credits(standing.spentCredits)} of{' '}
              {standing.limitCredits === null ? '∞' : credits(standing.limitCredits)}
            </span>
          </p>
          <p class="budget-outlook">
            <Outlook budget={budget} />
          </p>
        </>
      )}
    </li>
  );
}

function Bar({ budget }: { readonly budget: Budget }): JSX.Element {
  const { standing } = budget;
  const limit = unitsOf(standing?.limitCredits);
  const isLimited = standing?.limitCredits !== null;
  const spent = isLimited ? percent(unitsOf(standing?.spentCredits), limit) : 0;
  const held = isLimited ? percent(unitsOf(standing?.heldCredits), limit) : 0;
  const expected = standing?.forecast?.expectedCredits;
  const text = `${budget.node}: ${Math.round(spent)} % spent, ${Math.round(held)} % held`;
  return (
    <svg
      class="bar"
      role="img"
      aria-label={text}
      width="100%"
      height="10"
      preserveAspectRatio="none"
    >
      <rect class="bar-ground" width="100%" height="10" rx="3" />
      <rect class="bar-held" width={`${Math.min(100, spent + held)}%`} height="10" rx="3" />
      <rect class="bar-spent" width={`${spent}%`} height="10" rx="3" />
      {expected !== undefined && isLimited && (
        <rect
          class="bar-expected"
          x={`${percent(unitsOf(expected), limit)}%`}
          width="2"
          height="10"
        />
      )}
    </svg>
  );
}

function Outlook({ budget }: { readonly budget: Budget }): JSX.Element {
  const { standing } = budget;
  if (standing === null) return <></>;
  const { forecast, periodEndsAt, isPassed } = standing;
  const days = duration(Date.parse(periodEndsAt) - Date.now());
  if (isPassed) return <>Over its limit; a new period begins in {days}.</>;
  if (forecast === null) return <span class="faint">New period in {days}</span>;
  const { exhaustedAt, expectedCredits } = forecast;
  if (exhaustedAt !== null)
    return (
      <>
        Runs out <When at={exhaustedAt} /> at this pace
      </>
    );
  return (
    <span class="faint">
      Forecast {credits(expectedCredits)}; new period in {days}
    </span>
  );
}

const LINE_NAMES: Readonly<Record<string, string>> = {
  direct: 'Settled with statements',
  metered: 'Moved by metering',
  loading: 'Loading of their warehouses',
  billed: 'Missing to the bill at the end',
  spent: 'Spent of the budget',
  withoutLoading: 'Without loading',
  bypass: 'Around Tollgate',
  idleShare: 'Share of idle time',
  cloudServices: 'Cloud services',
  adjustment: 'Adjustment of cloud services',
  services: 'Serverless services',
  unexplained: 'Not explained',
  difference: 'Difference',
  teamBilled: 'Billed to the team',
};

function BridgeLines({ bridge }: { readonly bridge: Bridge }): JSX.Element | null {
  const found = bridge.budgets[0];
  if (found === undefined) return null;
  const lines = found.lines.filter(
    ({ line, credits }) => unitsOf(credits) !== 0n || line === 'spent' || line === 'teamBilled',
  );
  return (
    <section class="card">
      <h2>From what is spent to what is billed</h2>
      <table class="lines">
        <tbody>
          {lines.map(({ line, credits: each }) => (
            <tr key={line} class={line === 'spent' || line === 'teamBilled' ? 'total' : ''}>
              <th scope="row">{LINE_NAMES[line] ?? line}</th>
              <td class="amount">
                {credits(each)}
                <span class="unit"> credits</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
