/** A statement waits for the off-peak hours by an injected clock, in which an hour passes in a few milliseconds. */
import { expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import type { TicketId } from '../../base/ids.js';
import { Vigil } from '../../proxy/admission/vigil.js';
import { Attendance } from '../../proxy/attendance.js';
import { courseOf } from '../../policies/rules/course.js';
import { isOffPeak, keepBack } from '../../proxy/off-peak.js';
import type { Parts } from '../../proxy/parts.js';
import { RequestEntry } from '../../proxy/requests.js';
import type { Reserved } from '../../proxy/stages.js';
import { anEstimate, aSnapshot } from '../policies/builders.js';
import { buildTicketId } from '../support/builders.js';

const NOON = Date.UTC(2026, 10, 23, 12);
const EVENING = Date.UTC(2026, 10, 23, 20);
/** 8 hours in 288 ms. */
const SCALE = 100_000;

interface World {
  readonly parts: Parts;
  readonly statement: Reserved;
  readonly entry: RequestEntry;
  readonly written: [TicketId, number][];
}

function world(changes: {
  readonly sqlText?: string;
  readonly isAsync?: boolean;
  readonly tokenEndsAtMs?: number;
}): World {
  const startedMs = performance.now();
  const clock = { scale: SCALE, now: () => NOON + (performance.now() - startedMs) * SCALE };
  const snapshot = aSnapshot();
  const written: [TicketId, number][] = [];
  const vigil = new Vigil({
    ledger: { ticket: () => Promise.resolve(undefined) },
    decided: () => Promise.resolve([]),
    log: silentLog,
    abandonedAfterMs: 90_000,
    newest: () => Promise.resolve(undefined),
    realTime: Date.now,
  });
  const ticketId = buildTicketId();
  const owner = { ticketId, hash: 'h', isAsync: false, teamId: 'marketing', viaPrincipalId: null };
  const tier = {
    ...snapshot.defaultTier(),
    offPeak: { timeZone: 'UTC', windows: [{ from: '20:00', to: '06:00' }] },
  };
  const asked = {
    query: {
      sqlText: changes.sqlText ?? '/* tollgate: off-peak */ SELECT 1',
      clientTag: null,
      isAsync: changes.isAsync ?? false,
    },
    call: { ticketId },
    session: { queryTag: null, role: null, database: null, schema: null },
    identity: { tokenEndsAtMs: changes.tokenEndsAtMs },
    placement: { tier, pricePerCredit: 3n * 10n ** 12n, currency: 'USD' },
    lane: tier.lane,
    team: { id: 'marketing', owner: 'marketing-leads' },
    estimate: anEstimate(),
    facts: { fingerprint: 'f' },
    snapshot,
    isFree: false,
  };
  const parts = {
    clock,
    log: silentLog,
    vigil,
    runsAt: (id: TicketId, at: number) => {
      written.push([id, at]);
      return Promise.resolve();
    },
    runRates: { spendOf: () => undefined },
  } as unknown as Parts;
  const ceilingCredits = tier.ceilingCredits;
  const course = courseOf(
    { kind: 'allow', ceilingCredits, reasons: [], warnings: [], shadow: [] },
    {
      snapshot,
      statements: null,
      isFree: false,
      warehouse: null,
      isSwitched: false,
      movedTo: () => null,
      tier,
      isOffPeak: isOffPeak(asked as unknown as Reserved),
      at: clock.now(),
    },
  );
  const statement = {
    ...asked,
    ...(course.kind === 'runs' && course.runsAt !== null ? { runsAt: course.runsAt } : {}),
  } as unknown as Reserved;
  const entry = new RequestEntry(
    { account: 'demo', sessionId: '1', requestId: 'r' },
    owner,
    new Attendance(() => performance.now()),
  );
  return { parts, statement, entry, written };
}

test('it is held back until the hours begin, which is written first, and then goes on', async () => {
  const { parts, statement, entry, written } = world({});
  expect((await keepBack(parts, statement, entry)).kind).toBe('approved');
  // A timer may be a millisecond early.
  expect(parts.clock.now()).toBeGreaterThanOrEqual(EVENING - 2 * SCALE);
  expect(written).toEqual([[statement.call.ticketId, EVENING]]);
  await parts.vigil.stop();
});

test('one that has not chosen them goes on at once', async () => {
  const { parts, statement, entry, written } = world({ sqlText: 'SELECT 1' });
  expect((await keepBack(parts, statement, entry)).kind).toBe('approved');
  expect(parts.clock.now()).toBeLessThan(EVENING);
  expect(written).toEqual([]);
});

test('a cancel ends the wait, and so does a replica that stops', async () => {
  for (const [reason, kind] of [
    ['cancelled', 'cancelled'],
    ['draining', 'dropped'],
    ['expiring', 'refused'],
  ] as const) {
    const { parts, statement, entry } = world({});
    const kept = keepBack(parts, statement, entry);
    entry.cancel(reason);
    expect((await kept).kind).toBe(kind);
  }
});

test('who polls is told at once when its token ends before; a token that lasts is enough, and so is nobody polling', async () => {
  const ends = (minutes: number): number => Date.now() + minutes * 60_000;
  const short = world({ tokenEndsAtMs: ends(4) });
  expect(await keepBack(short.parts, short.statement, short.entry)).toMatchObject({
    kind: 'refused',
    refusal: {
      code: 'waitAbandoned',
      message: expect.stringMatching(
        /^TG2303 Not run, nothing charged: the token of its session ends in 4 min, before it would run/,
      ) as string,
    },
  });
  expect(short.written).toEqual([]);
  for (const enough of [
    world({ tokenEndsAtMs: ends(6) }),
    world({ tokenEndsAtMs: ends(4), isAsync: true }),
  ])
    expect((await keepBack(enough.parts, enough.statement, enough.entry)).kind).toBe('approved');
});
