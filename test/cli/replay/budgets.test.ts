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
      },
      {
        ...rest,
        id: 'open',
        limitCredits: 'unlimited',
        hard: false,
        period: { kind: 'month', timeZone: 'UTC' },
      },
    ]),
  ).toEqual([
    {
      id: 'weekly',
      isHard: true,
      limitCredits: credits('12.5'),
      period: { periodKind: 'week', timeZone: 'Europe/Berlin', weekStartsOn: 7 },
    },
    {
      id: 'open',
      isHard: false,
      limitCredits: null,
      period: { periodKind: 'month', timeZone: 'UTC', weekStartsOn: 1 },
    },
  ]);
});
