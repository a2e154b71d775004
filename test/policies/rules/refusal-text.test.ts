import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TicketId } from '#base/ids.js';
import { type Money, NO_CREDITS, parseMoney, tryParseMoney } from '#base/units.js';
import {
  bytesText,
  instantText,
  moneyText,
  nameText,
  spanText,
} from '#policies/rules/amount-text.js';
import {
  approvalRefusal,
  budgetRefusal,
  ceilingRefusal,
  identityRefusal,
  ledgerUnavailable,
  opaqueRefusal,
  queueRefusal,
  type RefusalContext,
  stoppedText,
} from '#policies/rules/refusal-text.js';
import { refusalOf } from '#policies/rules/refusal-of.js';
import type { BudgetAsk, StandingText } from '#policies/rules/budget-text.js';
import { AT, anEstimate, credits } from '../builders.js';

const ticketId = '019a0000-0000-7000-8000-000000000001' as TicketId;
const context: RefusalContext = {
  ticketId,
  estimate: anEstimate({
    basis: 'TABLE_STATS',
    lowCredits: credits('53.333333333333'),
    highCredits: credits('70.666666666666'),
    bytes: 50.1e12,
    partitions: { assigned: 6_200, total: 6_300 },
    advice: [
      {
        table: 'ANALYTICS.WEB.EVENTS',
        column: 'EVENT_DATE',
        range: 'one day',
        creditsAfter: credits('0.02'),
      },
    ],
  }),
  tier: 'interactive',
  pricePerCredit: parseMoney('3'),
  currency: 'USD',
  at: AT,
};
const standing: StandingText = {
  budgetId: 'marketing-monthly',
  node: 'marketing',
  isHard: true,
  limitCredits: credits('1666.666666666667'),
  spentCredits: credits('1604.133333333333'),
  heldCredits: credits('45.7'),
  availableCredits: credits('16.833333333334'),
  periodEndsAt: Date.UTC(2026, 11, 1, 5),
  timeZone: 'America/New_York',
  owner: 'marketing-leads',
};
const ask: BudgetAsk = { holdCredits: credits('70.666666666666'), path: [standing] };

test('a budget refusal says what was needed, what is left, until when and what next', () => {
  const { code, message } = budgetRefusal(standing, ask, context);
  expect(code).toBe('budgetExceeded');
  expect(message.split('\n')).toEqual([
    'TG2001 Not run, nothing charged: needs about $212.00, $50.50 is left in marketing-monthly.',
    'Budget   marketing-monthly of marketing (hard) · $4,812.40 spent + $137.10 held of $5,000.00',
    'Resets   1 Dec 00:00 America/New_York (in 7 d 17 h) · owner marketing-leads',
    'Estimate $159.99–$212.00 (TABLE_STATS) · 50.1 TB, 6,200 of 6,300 partitions, no filter on EVENT_DATE of EVENTS',
    'Do next  1) filter EVENT_DATE of EVENTS to one day: about $0.06',
    `         2) ask for it: CALL TOLLGATE.REQUEST('${ticketId}', 'reason')`,
    `Why      SELECT * FROM TABLE(TOLLGATE.WHY('${ticketId}'))`,
  ]);
});

test('what is needed is the hold, which the ceiling caps, and every other budget that lacks it is named', () => {
  const other = { ...standing, budgetId: 'commercial-weekly', node: 'commercial' };
  const path = [
    { ...other, availableCredits: credits('-3') },
    { ...other, budgetId: 'soft', isHard: false },
    { ...other, budgetId: 'wide', availableCredits: credits('20') },
    { ...other, budgetId: 'unlimited', limitCredits: null, availableCredits: null },
    standing,
  ];
  const { message, detail } = budgetRefusal(
    standing,
    { holdCredits: credits('20'), path },
    context,
  );
  expect(message.split('\n')[0]).toBe(
    'TG2001 Not run, nothing charged: needs about $60.00, $50.50 is left in marketing-monthly.',
  );
  expect(message.split('\n').filter((line) => line.startsWith('Also'))).toEqual([
    'Also     commercial-weekly of commercial has $0.00 left until 1 Dec 00:00 America/New_York',
  ]);
  expect(detail).toMatchObject({
    neededCredits: '20.000000000000',
    neededAmount: '60.000000000000',
    alsoShort: [
      { id: 'commercial-weekly', node: 'commercial', availableCredits: '-3.000000000000' },
    ],
  });
});

test('the JSON twin carries the same amounts as decimal strings', () => {
  expect(budgetRefusal(standing, ask, context).detail).toMatchObject({
    code: 'TG2001',
    ticketId,
    charged: false,
    budget: {
      id: 'marketing-monthly',
      availableCredits: '16.833333333334',
      resetsAt: '2026-12-01T05:00:00.000Z',
    },
    estimate: { highCredits: '70.666666666666', highAmount: '211.999999999998', bytes: 50.1e12 },
    doNext: [expect.stringContaining('EVENT_DATE'), expect.stringContaining('TOLLGATE.REQUEST')],
  });
});

test('both amounts stand within the first 90 characters, whatever the names and amounts are', () => {
  const amount = fc.bigInt({ min: 0n, max: 3_000_000n * 10n ** 12n });
  fc.assert(
    fc.property(
      amount,
      amount,
      fc.string({ unit: 'binary', maxLength: 200 }),
      (need, left, budgetId) => {
        const message = budgetRefusal(
          { ...standing, budgetId, availableCredits: left as never },
          { ...ask, holdCredits: need as never },
          context,
        ).message.slice(0, 90);
        expect(message).toMatch(
          /^TG2001 Not run, nothing charged: needs about (under )?\$[\d,]+\.\d\d, (under )?\$[\d,]+\.\d\d is left/,
        );
      },
    ),
  );
});

test('a budget in debt has nothing left, and less than a cent is not nothing', () => {
  const first = (availableCredits: string): string =>
    budgetRefusal({ ...standing, availableCredits: credits(availableCredits) }, ask, context)
      .message;
  expect(first('-20')).toContain('$0.00 is left');
  expect(first('0.001')).toContain('under $0.01 is left');
});

test.each([
  [
    ceilingRefusal(
      { kind: 'ceiling', ceilingCredits: credits('10'), source: 'tier interactive' },
      context,
    ),
    'TG2201 Not run, nothing charged: needs about $212.00, one statement may cost $30.00 (tier interactive).',
  ],
  [
    refusalOf({ kind: 'rule', ruleId: 'no-star', message: 'name the\ncolumns' }, context),
    'TG2101 Not run, nothing charged: about $159.99 to $212.00: name the columns (rule no-star).',
  ],
  [
    refusalOf({ kind: 'external-location', location: 'external' }, context),
    'TG2101 Not run, nothing charged: about $159.99 to $212.00: data is not loaded from or unloaded to places outside the account (rule external-location).',
  ],
  [
    opaqueRefusal(context),
    'TG2102 Not run, nothing charged: about $159.99 to $212.00: what this statement does cannot be seen from its text, and tier interactive refuses that.',
  ],
  [
    approvalRefusal({ kind: 'rule', ruleId: 'x', message: 'a dear cross join' }, context),
    'TG2401 Not run, nothing charged: about $159.99 to $212.00 waits for approval: a dear cross join (rule x).',
  ],
  [
    queueRefusal({ kind: 'full', waiting: 2_000, queueMax: 2_000 }, context),
    'TG2301 Not run, nothing charged: 2,000 of at most 2,000 statements wait in tier interactive already.',
  ],
  [
    queueRefusal({ kind: 'timeout', waitedMs: 121_000, timeoutMs: 120_000 }, context),
    'TG2302 Not run, nothing charged: waited 2 min of at most 2 min in tier interactive.',
  ],
  [
    queueRefusal({ kind: 'lost' }, context),
    'TG2303 Not run, nothing charged: its place in tier interactive was lost; send it again.',
  ],
  [
    ledgerUnavailable(context),
    'TG2501 Not run, nothing charged: the ledger does not answer, so no budget can be held.',
  ],
])('a refusal opens with its code and says that nothing was charged: %#', (refusal, firstLine) => {
  expect(refusal.message.split('\n')[0]).toBe(firstLine);
  expect(refusal.message).toContain(`TOLLGATE.WHY('${ticketId}')`);
});

test('a caller without a team is told who it is, on one line', () => {
  const { code, message } = identityRefusal('unknown', { account: 'demo', snowflakeUser: 'A\nB' });
  expect(code).toBe('principalUnknown');
  expect(message).toMatch(
    /^TG1002 Not run, nothing charged: A B of account demo belongs to no team/,
  );
  expect(identityRefusal('suspended', { account: 'demo', snowflakeUser: 'X' }).code).toBe(
    'principalSuspended',
  );
});

test('a stopped statement says after how long, at what price and why', () => {
  const stop = {
    ticketId,
    tier: 'interactive',
    elapsedMs: 38 * 60_000,
    chargedMoney: parseMoney('50'),
    currency: 'USD',
    expectedMoney: parseMoney('82'),
  };
  const text = stoppedText({ kind: 'ceiling', ceilingMoney: parseMoney('50') }, stop);
  expect(text.code).toBe('ceilingReached');
  expect(text.message.split('\n')[0]).toBe(
    'TG4001 Stopped after 38 min at $50.00: one statement in tier interactive may cost $50.00. The result is lost. It was expected to take $82.00 in all.',
  );
  expect(
    stoppedText({ kind: 'ceiling', ceilingMoney: parseMoney('0.15'), isByBreakGlass: true }, stop)
      .message,
  ).toContain(': one statement by break-glass may cost $0.15. ');
  expect(
    stoppedText({ kind: 'budget', budgetId: 'm' }, { ...stop, expectedMoney: null }).message,
  ).toMatch(
    /^TG4002 Stopped after 38 min at \$50\.00: m has nothing left to hold for it\. The result is lost\.\n/,
  );
  expect(stoppedText({ kind: 'killed', by: 'ops' }, stop).code).toBe('killed');
});

test('an estimate without statistics is a plain range', () => {
  const plain = anEstimate({ lowCredits: NO_CREDITS });
  expect(opaqueRefusal({ ...context, estimate: plain }).message).toContain(
    '\nEstimate $0.00–$6.00 (HISTORY)\n',
  );
});

test('money, bytes, spans, instants and names read as people write them', () => {
  const money = (text: string, rounding?: 'up' | 'down'): string =>
    moneyText(tryParseMoney(text) as Money, 'USD', rounding);
  expect([
    money('1234567.891'),
    money('-0.5'),
    money('0.015', 'up'),
    money('0.015', 'down'),
  ]).toEqual(['$1,234,567.89', '-$0.50', '$0.02', '$0.01']);
  expect(moneyText(parseMoney('1000'), 'CHF')).toBe('CHF 1,000.00');
  expect([0, 999, 1_000, 999_949, 999_950, 50.1e12].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '999.9 kB',
    '1.0 MB',
    '50.1 TB',
  ]);
  expect([0, 59_000, 60_000, 3_600_000, 5_400_000, 86_400_000, 97_200_000].map(spanText)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '1 h',
    '1 h 30 min',
    '1 d',
    '1 d 3 h',
  ]);
  expect(instantText(Date.UTC(2026, 2, 29, 1), 'Europe/Berlin')).toBe('29 Mar 03:00 Europe/Berlin');
  expect(nameText('a\u0000b\u202Ec', 3)).toBe('a …');
});
