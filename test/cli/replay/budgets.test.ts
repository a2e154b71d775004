import { expect, test } from 'vitest';
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { credits } from '../../support/builders.js';

test('budgets of a document become budgets of the book', () => {
  const rest = { node: 'marketing', counts: 'direct' } as const;
  expect(
    bookBudgets([
      {
        ...rest,
        id: 'weekly',
        limitCredits: '12.5',
        hard: true,
        period: { kind: 'week', timeZone: 'Europe/Berlin', weekStartsOn: 'sunday' },
        carryOver: { percent: 50, maxCredits: '2.5' },
        carryDebt: true,
      },
      {
        ...rest,
        id: 'open',
        limitCredits: 'unlimited',
        hard: false,
        period: {
          kind: 'fiscal',
          timeZone: 'UTC',
          fiscal: { length: 'quarter', firstMonth: 2, pattern: '4-4-5' },
        },
      },
    ]),
  ).toEqual([
    {
      id: 'weekly',
      isHard: true,
      limitCredits: credits('12.5'),
      period: {
        periodKind: 'week',
        timeZone: 'Europe/Berlin',
        weekStartsOn: 7,
        fiscal: null,
        custom: null,
      },
      carry: { percent: 50, maxCredits: credits('2.5'), debt: true },
    },
    {
      id: 'open',
      isHard: false,
      limitCredits: null,
      period: {
        periodKind: 'fiscal',
        timeZone: 'UTC',
        weekStartsOn: 1,
        fiscal: { length: 'quarter', firstMonth: 2, pattern: '4-4-5', yearStart: 'nearest' },
        custom: null,
      },
      carry: { percent: null, maxCredits: null, debt: false },
    },
  ]);
});
