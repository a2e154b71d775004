/** What runs over the end of a budget's period: spent where it was admitted, to the last unit, and in no other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addCredits } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { periodAt } from '../../billing/period.js';
import { buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let replicas: readonly Ledger[];
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 16 });
  replicas = Array.from({ length: 4 }, () => createLedger(database.db, manualClock()));
});
afterAll(async () => {
  await expectInvariants(database.db);
  await database.drop();
});

/** Statements on either side of the boundary, over the replicas. */
const STATEMENTS = 12;
const HOLD = credits('1');
/** With an odd last decimal, so that no rounding hides anything. */
const USED = credits('0.333333333333');

describe('criterion 13: what runs over the end of a period', () => {
  test.each<
    readonly [
      string,
      { readonly kind: 'day' | 'week' | 'month'; readonly zone: string; readonly starts?: number },
      string,
    ]
  >([
    ['the end of a month', { kind: 'month', zone: 'UTC' }, '2026-11-01T00:00:00Z'],
    [
      'the end of a year in New York',
      { kind: 'month', zone: 'America/New_York' },
      '2027-01-01T05:00:00Z',
    ],
    [
      'the day into summer time in Berlin',
      { kind: 'day', zone: 'Europe/Berlin' },
      '2026-03-29T22:00:00Z',
    ],
    ['the day out of it in Berlin', { kind: 'day', zone: 'Europe/Berlin' }, '2026-10-25T23:00:00Z'],
    [
      'the day into summer time in New York',
      { kind: 'day', zone: 'America/New_York' },
      '2026-03-09T04:00:00Z',
    ],
    [
      'the day out of it in New York',
      { kind: 'day', zone: 'America/New_York' },
      '2026-11-02T05:00:00Z',
    ],
    [
      'the day out of it on Lord Howe, by half an hour',
      { kind: 'day', zone: 'Australia/Lord_Howe' },
      '2026-04-05T13:30:00Z',
    ],
    [
      'the day into it on Lord Howe',
      { kind: 'day', zone: 'Australia/Lord_Howe' },
      '2026-10-04T13:00:00Z',
    ],
    ['a midnight that Cairo skips', { kind: 'day', zone: 'Africa/Cairo' }, '2026-04-23T22:00:00Z'],
    ['the leap day', { kind: 'day', zone: 'UTC' }, '2028-02-29T00:00:00Z'],
    ['the month that ends with it', { kind: 'month', zone: 'Asia/Tokyo' }, '2028-02-29T15:00:00Z'],
    [
      'a week from Sunday',
      { kind: 'week', zone: 'Europe/Berlin', starts: 7 },
      '2026-10-24T22:00:00Z',
    ],
  ])(
    '%s: each period has exactly what it admitted, and the next begins with its full limit',
    async (name, { kind: periodKind, zone: timeZone, starts: weekStartsOn = 1 }, text) => {
      const boundary = Date.parse(text);
      const rule = { periodKind, timeZone, weekStartsOn };
      const before = periodAt(rule, boundary - 1);
      const after = periodAt(rule, boundary);
      expect([before.endsAt, after.startsAt]).toEqual([boundary, boundary]);
      // Room for exactly those that come in one period: a hold that is counted in the other one refuses the last.
      const limit = credits(String(STATEMENTS));
      await insertBudget(database.db, { id: name, limit, ...rule });

      const instants = [boundary - 1, boundary].flatMap((at) =>
        Array.from({ length: STATEMENTS }, () => at),
      );
      const tickets = await Promise.all(
        instants.map(async (occurredAt, index) => {
          const ticket = buildTicket({ occurredAt });
          const ledger = replicas[index % replicas.length] ?? replicas[0]!;
          const held = await ledger.reserve({ ticket, budgetIds: [name], holdCredits: HOLD });
          expect(held.kind).toBe('held');
          return { ledger, ticketId: ticket.ticketId, occurredAt };
        }),
      );
      // Everything ends after the boundary, whenever it began.
      await Promise.all(
        tickets.map(({ ledger, ticketId, occurredAt }) =>
          ledger.settle(
            buildSettlement(ticketId, {
              usedCredits: USED,
              startedAt: occurredAt,
              endedAt: boundary + 60_000,
            }),
          ),
        ),
      );

      const spent = addCredits(...Array.from({ length: STATEMENTS }, () => USED));
      for (const period of [before, after])
        expect(await replicas[0]!.standing([name], period.startsAt)).toMatchObject([
          {
            periodStartsAt: period.startsAt,
            periodEndsAt: period.endsAt,
            limitCredits: limit,
            spentCredits: spent,
            heldCredits: 0n,
          },
        ]);
    },
  );
});
