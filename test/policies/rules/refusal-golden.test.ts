/** Every refusal in every size of amount and name: its first line survives tools that cut it at 90 characters. */
import { expect, test } from 'vitest';
import type { TicketId } from '#base/ids.js';
import { parseMoney } from '#base/units.js';
import type { RefusalCause } from '#policies/rules/decision.js';
import {
  approvalRefusal,
  budgetRefusal,
  declinedRefusal,
  ledgerUnavailable,
  queueRefusal,
  type Refusal,
  type RefusalContext,
  type StopCause,
  stoppedText,
} from '#policies/rules/refusal-text.js';
import { refusalOf } from '#policies/rules/refusal-of.js';
import { AT, anEstimate, credits } from '../builders.js';

const ticketId = '019a0000-0000-7000-8000-000000000001' as TicketId;
const LONG = `${'a long name of a thing '.repeat(20)}\nwith a second line`;
const CALL = `CALL TOLLGATE.REQUEST('${ticketId}', 'reason')`;

/** Low and high credits at 3 a credit, and how the first line tells their range. */
const AMOUNTS = {
  realistic: ['53.333333333333', '70.666666666666', 'about $159.99 to $212.00'],
  tiny: ['0.000000000001', '0.000000000002', 'about under $0.01 to $0.01'],
  zero: ['0', '0', 'about $0.00'],
  'one amount': ['2', '2', 'about $6.00'],
  huge: ['1234567890', '99999999999999', 'about $3,703,703,670.00 to over $9,999,999,999'],
  largest: [
    '99999999999999999999999999',
    '99999999999999999999999999',
    'about over $9,999,999,999',
  ],
} as const;

function contextOf(
  amounts: keyof typeof AMOUNTS,
  changes: Partial<RefusalContext> = {},
): RefusalContext {
  const [low, high] = AMOUNTS[amounts];
  return {
    ticketId,
    estimate: anEstimate({ lowCredits: credits(low), highCredits: credits(high) }),
    tier: 'interactive',
    pricePerCredit: parseMoney('3'),
    currency: 'USD',
    at: AT,
    owner: 'marketing-leads',
    ...changes,
  };
}

const CAUSES: Readonly<Record<string, RefusalCause>> = {
  rule: { kind: 'rule', ruleId: 'no-star', message: 'name the columns' },
  'rule with a long message': { kind: 'rule', ruleId: 'r', message: LONG },
  ceiling: { kind: 'ceiling', ceilingCredits: credits('10'), source: 'tier interactive' },
  'ceiling of nothing': { kind: 'ceiling', ceilingCredits: credits('0'), source: 'a rule' },
  opaque: { kind: 'opaque' },
  'external location': { kind: 'external-location', location: 'external' },
  'unknown location': { kind: 'external-location', location: 'unknown' },
};

function refusals(context: RefusalContext): readonly (readonly [string, Refusal])[] {
  return [
    ...Object.entries(CAUSES).map(([name, cause]) => [name, refusalOf(cause, context)] as const),
    ...Object.entries(CAUSES).map(
      ([name, cause]) => [`approval: ${name}`, approvalRefusal(cause, context)] as const,
    ),
    ['declined', declinedRefusal({ author: LONG, reason: LONG }, context)],
    ['budget', budgetRefusal(standing(context), askOf(context), context)],
    [
      'access',
      refusalOf(
        {
          kind: 'access',
          listId: 'people',
          what: LONG,
          team: 'marketing',
          owner: LONG,
          message: LONG,
        },
        context,
      ),
    ],
  ];
}

/** A budget is asked for what is held, here the upper end of the estimate. */
function askOf(context: RefusalContext): Parameters<typeof budgetRefusal>[1] {
  return { holdCredits: context.estimate.highCredits, path: [] };
}

function standing(context: RefusalContext): Parameters<typeof budgetRefusal>[0] {
  return {
    budgetId: LONG,
    node: LONG,
    isHard: true,
    limitCredits: context.estimate.highCredits,
    spentCredits: context.estimate.lowCredits,
    heldCredits: credits('0'),
    availableCredits: credits('1'),
    periodEndsAt: Date.UTC(2026, 11, 1, 5),
    timeZone: 'America/New_York',
    owner: 'marketing-leads',
  };
}

test.each(Object.keys(AMOUNTS) as (keyof typeof AMOUNTS)[])(
  'with %s amounts every refusal has code, that nothing was charged and its amounts within 90 characters',
  (amounts) => {
    const [, , range] = AMOUNTS[amounts];
    const seen = refusals(contextOf(amounts));
    expect(seen).toHaveLength(17);
    for (const [name, { message, detail }] of seen) {
      const first = message.split('\n')[0] ?? '';
      expect(first, name).toMatch(/^TG2\d{3} Not run, nothing charged: \S/);
      // Budgets and ceilings tell what is needed and what there is; the others both ends of the estimate.
      const isOfTwo = /^(ceiling|budget)/.test(name);
      if (isOfTwo && !/huge|largest/.test(amounts))
        expect(first.slice(0, 90).match(/[$][\d,]+\.\d\d/g)?.length, first).toBeGreaterThanOrEqual(
          2,
        );
      if (!isOfTwo) expect(first.slice(0, 90), name).toContain(range);
      expect(message.split('\n').at(-1), name).toBe(
        `Why      SELECT * FROM TABLE(TOLLGATE.WHY('${ticketId}'))`,
      );
      expect(detail, name).toMatchObject({ charged: false, ticketId, owner: 'marketing-leads' });
    }
  },
);

test('what somebody can lift names whom to ask and the call to copy; what nobody lifts names neither', () => {
  const context = contextOf('realistic');
  for (const [name, { message, detail }] of refusals(context)) {
    if (name === 'declined') continue;
    if (name === 'access') {
      expect(message).not.toContain('TOLLGATE.REQUEST');
      continue;
    }
    expect(message, name).toContain(`) ask marketing-leads: ${CALL}\n`);
    if (name !== 'budget')
      expect(detail['passes'], name).toEqual([
        expect.stringMatching(/^(rule:|ceiling$|opaque$|ext)/),
      ]);
  }
  for (const cause of [
    { ...(CAUSES['rule'] as Extract<RefusalCause, { kind: 'rule' }>), isApprovable: false },
    { ...(CAUSES['ceiling'] as Extract<RefusalCause, { kind: 'ceiling' }>), isApprovable: false },
  ]) {
    const { message, detail } = refusalOf(cause, context);
    expect(message).not.toContain('REQUEST');
    expect(detail).toMatchObject({ isApprovable: false });
  }
});

test('no line holds a line end or a control character, whatever names hold', () => {
  for (const [name, { message }] of refusals(contextOf('realistic', { owner: LONG })))
    for (const line of message.split('\n')) {
      expect(line, name).not.toMatch(/[\p{Cc}]/u);
      expect(line.length, name).toBeLessThan(500);
    }
});

test('with an address of the console every refusal ends with the page of its statement', () => {
  const context = contextOf('realistic', { consoleUrl: 'https://tollgate.example.com/ui/' });
  const link = `https://tollgate.example.com/ui/#/tickets/${ticketId}`;
  for (const [name, { message, detail }] of refusals(context)) {
    expect(message.split('\n').at(-1), name).toBe(`Console  ${link}`);
    expect(detail['console'], name).toBe(link);
  }
});

test('another currency and an owner of 300 characters leave the first line as short', () => {
  const context = contextOf('largest', { currency: 'CHF', owner: 'o'.repeat(300) });
  const rule = CAUSES['rule'] as RefusalCause;
  expect(refusalOf(rule, context).message.slice(0, 90)).toBe(
    'TG2101 Not run, nothing charged: about over CHF 9,999,999,999: name the columns (rule no-s',
  );
});

test('queues tell their counts, a ledger that is away that nothing can be held', () => {
  const context = contextOf('realistic');
  const first = ({ message }: Refusal): string => (message.split('\n')[0] ?? '').slice(0, 90);
  expect(
    first(queueRefusal({ kind: 'full', waiting: 1_000_000, queueMax: 1_000_000 }, context)),
  ).toContain('1,000,000 of at most 1,000,000 statements wait');
  expect(first(queueRefusal({ kind: 'timeout', waitedMs: 0, timeoutMs: 1 }, context))).toContain(
    'waited 0 s of at most 0 s',
  );
  expect(first(ledgerUnavailable(context))).toContain('the ledger does not answer');
});

const STOPS: readonly (readonly [code: string, cause: StopCause])[] = [
  ['TG4001', { kind: 'ceiling', ceilingMoney: parseMoney('50') }],
  ['TG4002', { kind: 'budget', budgetId: LONG }],
  ['TG4003', { kind: 'killed', by: LONG }],
  ['TG4004', { kind: 'gone' }],
];

test('a stop says after how long and at what price within 90 characters', () => {
  for (const [code, cause] of STOPS)
    for (const [charged, text] of [
      ['50', '$50.00'],
      ['0', '$0.00'],
      ['0.000000000001', 'under $0.01'],
      ['1234567.5', '$1,234,567.50'],
    ] as const) {
      const { message } = stoppedText(cause, {
        ticketId,
        tier: 'interactive',
        elapsedMs: 38 * 60_000,
        chargedMoney: parseMoney(charged),
        currency: 'USD',
        expectedMoney: null,
      });
      // Half a unit of 1e-12 rounds to a cent nowhere: it is told as under one.
      expect(message.slice(0, 90)).toContain(`${code} Stopped after 38 min at ${text}: `);
    }
});
