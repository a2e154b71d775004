/**
 * An explanation on a terminal: the decision first, as a driver would show it, then price, place and reasons, then each
 * statement with its tables. Names come from SQL and documents, so each is cleaned of what a terminal would obey.
 */
import { formatInstant } from '../../base/time.js';
import { type Credits, priceCredits } from '../../base/units.js';
import {
  bytesText,
  countText,
  moneyText,
  nameText,
  spanText,
} from '../../policies/rules/amount-text.js';
import type { Decision, Reason } from '../../policies/rules/decision.js';
import type { PricedText } from '../../proxy/estimate.js';
import type { Placement } from '../../proxy/stages.js';
import { BASIS_TEXT, readable } from '../../proxy/surface/explain-cost.js';
import { wrap } from '../plan-text.js';
import type { Terminal } from '../terminal.js';
import { type Explanation, firstLine } from './explain.js';
import type { Decided } from './outcome.js';
import { guessedText } from './guess-text.js';
import { lined, type Paint, painter } from './layout.js';
import { statementLines } from './statement-text.js';

const WIDTH_MIN = 40;
const WIDTH_MAX = 120;
const STATEMENTS_SHOWN_MAX = 20;
const REASONS_SHOWN_MAX = 10;
const GREEN = 32;
const YELLOW = 33;
const RED = 31;
const DIM = 2;

type Line = readonly [label: string, text: string];

/** The whole explanation for a terminal, no wider than it is and no wider than 120. */
export function explanationText(
  explanation: Explanation,
  { columns, hasColours = false }: Pick<Terminal, 'columns' | 'hasColours'>,
): string {
  const width = Math.max(WIDTH_MIN, Math.min(columns, WIDTH_MAX));
  const paint = painter(hasColours);
  const { statements } = explanation.facts;
  const shown = statements.slice(0, STATEMENTS_SHOWN_MAX);
  const more = statements.length - shown.length;
  return [
    ...decisionLines(explanation, width, paint),
    '',
    ...lined(headLines(explanation), width, paint),
    ...shown.flatMap((_, index) => ['', ...statementLines(explanation, index, width, paint)]),
    ...(more > 0 ? ['', `and ${more} more statements; --json lists them all`] : []),
    ...(explanation.outcome.kind === 'answered-by-tollgate'
      ? []
      : ['', ...wrap(notAsked(explanation), width, '', '').map((line) => paint(DIM, line))]),
  ].join('\n');
}

function notAsked({ question }: Explanation): string {
  return question.live === null
    ? 'Budgets are not asked offline, nor is what this shape took before; EXPLAIN COST in SQL asks both, --control live the budgets.'
    : 'What this shape took before and the queue are not asked here; EXPLAIN COST in SQL asks both.';
}

function decisionLines(explanation: Explanation, width: number, paint: Paint): readonly string[] {
  const { mark, colour, word, text } = toldOf(explanation);
  const [first = '', ...rest] = wrap(text, width, `${mark} ${word}: `, '  ');
  const head = `${mark} ${word}`;
  return [paint(colour, head) + first.slice(head.length), ...rest];
}

interface Told {
  readonly mark: string;
  readonly colour: number;
  readonly word: string;
  readonly text: string;
}

function toldOf({ outcome }: Explanation): Told {
  const refused = { mark: '✗', colour: RED, word: 'Refused' };
  switch (outcome.kind) {
    case 'answered-by-tollgate':
      return {
        ...ALLOWED,
        text: 'Tollgate answers it itself, from its ledger, at no cost.',
      };
    case 'not-priced':
      return { ...refused, text: firstLine(outcome.refusal) };
    case 'decided': {
      const { decision, refusal, price } = outcome;
      if (refusal === null) return { ...ALLOWED, text: allowedText(price) };
      const text = firstLine(refusal);
      if (decision.kind === 'approve')
        return { mark: '!', colour: YELLOW, word: approvalWord(decision), text };
      return { ...refused, text };
    }
  }
}

const ALLOWED = { mark: '✓', colour: GREEN, word: 'Allowed' } as const;

function approvalWord({ waitSeconds }: Extract<Decision, { kind: 'approve' }>): string {
  return waitSeconds === 0
    ? 'Needs approval'
    : `Waits up to ${spanText(waitSeconds * 1000)} for approval, else`;
}

function allowedText({ isFree, estimate, placement }: PricedText): string {
  if (isFree) return 'it uses no warehouse and costs nothing.';
  const money = moneyOf(placement);
  const expected = money(estimate.expectedCredits);
  const about = expected.startsWith('under') ? expected : `about ${expected}`;
  return `${about}; ${money(estimate.highCredits, 'up')} would be held while it runs.`;
}

function moneyOf({
  pricePerCredit,
  currency,
}: Placement): (credits: Credits, rounding?: 'up' | 'down') => string {
  return (credits, rounding) =>
    moneyText(
      priceCredits(credits, pricePerCredit, rounding ?? 'half-even'),
      currency,
      rounding ?? 'half-even',
    );
}

function headLines(explanation: Explanation): readonly Line[] {
  const { outcome } = explanation;
  return [
    ...(outcome.kind === 'decided'
      ? [
          ...priceLines(explanation, outcome.price),
          placeLine(outcome.price, outcome.decision),
          ...wayLines(outcome),
          ...ruleLines(outcome.decision),
        ]
      : []),
    ...callerLines(explanation),
  ];
}

function priceLines(explanation: Explanation, price: PricedText): readonly Line[] {
  const { estimate, placement, isFree } = price;
  if (isFree) return [];
  const money = moneyOf(placement);
  const low = money(estimate.lowCredits, 'down');
  const high = money(estimate.highCredits, 'up');
  const { partitions, bytes } = estimate;
  const basis = guessedText(explanation, price) ?? BASIS_TEXT[estimate.basis] ?? '';
  return [
    [
      'Price',
      `${money(estimate.expectedCredits)}, from ${low} to ${high} · ${readable(estimate.expectedCredits)} credits, from ${readable(estimate.lowCredits)} to ${readable(estimate.highCredits)} · takes ${spanText(estimate.expectedSeconds * 1000)}`,
    ],
    ['Basis', `${estimate.basis}: ${basis}`],
    ...(bytes === null
      ? []
      : [
          [
            'Reads',
            partitions === null
              ? bytesText(bytes)
              : `${bytesText(bytes)} in ${countText(partitions.assigned)} of ${countText(partitions.total)} partitions`,
          ] as const,
        ]),
    ...estimate.advice.map(({ table, column, range, creditsAfter }): Line => [
      'Cheaper',
      `filter ${nameText(column, 80)} of ${nameText(table, 160)} to ${range}: about ${money(creditsAfter, 'up')}`,
    ]),
  ];
}

function placeLine({ placement, isFree }: PricedText, { ceilingCredits }: Decision): Line {
  const { tier, warehouse, warehouseSize, creditsPerHour } = placement;
  const size = warehouseSize === null ? '' : ` (${warehouseSize})`;
  const where = `${warehouse === null ? 'no warehouse' : nameText(warehouse, 80)}${size}, tier ${tier.id}`;
  if (isFree) return ['Place', where];
  const money = moneyOf(placement);
  return [
    'Place',
    `${where}, ${readable(creditsPerHour)} credits an hour · stopped at ${money(ceilingCredits, 'down')} (${readable(ceilingCredits)} credits)`,
  ];
}

/** What a rule or its caller makes of its way: another warehouse, another queue, later hours. */
function wayLines({ decision, isSwitched, runsAt, refusal }: Decided): readonly Line[] {
  if (refusal !== null) return [];
  return [
    ...(isSwitched ? [['Moved', 'its session is switched to this warehouse for it'] as const] : []),
    ...(decision.kind === 'queue'
      ? [['Waits', `in the lane of tier ${decision.tier}`] as const]
      : []),
    ...(runsAt === null ? [] : [['Runs', `from ${formatInstant(runsAt)}, off-peak`] as const]),
  ];
}

/** Rules that fired, those that only would have decided last. */
function ruleLines({ reasons, warnings, shadow }: Decision): readonly Line[] {
  const linesOf = (found: readonly Reason[], note: string): readonly Line[] =>
    unique(found.map(({ source, message }) => `${source}${note}: ${nameText(message, 300)}`)).map(
      (text): Line => ['Rule', text],
    );
  const lines = [
    ...linesOf(reasons, ''),
    ...linesOf(warnings, ' (warns only)'),
    ...linesOf(shadow, ' (shadow: decides nothing)'),
  ];
  const more = lines.length - REASONS_SHOWN_MAX;
  return more > 0
    ? [...lines.slice(0, REASONS_SHOWN_MAX), ['Rule', `and ${more} more; --json lists them all`]]
    : lines;
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

function callerLines({ question, workload, isDryRun }: Explanation): readonly Line[] {
  const { principal, team, role, tables, at, controlSource } = question;
  const as = [
    `${nameText(principal.id, 120)} of team ${team.id}`,
    ...(role === null ? [] : [`role ${nameText(role, 80)}`]),
    ...(workload === null ? [] : [`workload ${nameText(workload, 120)}`]),
  ].join(', ');
  const by = [
    `${nameText(controlSource, 160)}`,
    tables.source === null ? 'no statistics' : `statistics of ${nameText(tables.source, 160)}`,
    `${formatInstant(at).slice(0, 16).replace('T', ' ')} UTC`,
  ].join(' · ');
  return [
    ['As', as],
    ['By', by],
    ...(isDryRun ? [['Of', 'the statement that EXPLAIN COST stands before'] as const] : []),
  ];
}
