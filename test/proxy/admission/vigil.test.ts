import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import type { Approval } from '../../../billing/approvals.js';
import type { KnownTicket } from '../../../billing/ledger.js';
import { Vigil } from '../../../proxy/admission/vigil.js';
import { Attendance } from '../../../proxy/attendance.js';
import type { SealedIdentity } from '../../../proxy/identity/tokens.js';
import { RequestEntry } from '../../../proxy/requests.js';
import { buildTicketId } from '../../support/builders.js';

interface World {
  nowMs: number;
  seenAgoMs: number | null;
  decided: Approval[];
  isLedgerAway: boolean;
  /** Epoch milliseconds of real time. */
  realMs: number;
  renewed: SealedIdentity | undefined;
}

const vigils: Vigil[] = [];
afterEach(async () => {
  for (const vigil of vigils.splice(0)) await vigil.stop();
});

function vigilOver(world: World): Vigil {
  const vigil = new Vigil({
    ledger: {
      ticket: () =>
        world.isLedgerAway
          ? Promise.reject(new Error('away'))
          : Promise.resolve({ seenAgoMs: world.seenAgoMs } as KnownTicket),
    },
    decided: (ticketIds) =>
      Promise.resolve(world.decided.filter(({ ticketId }) => ticketIds.includes(ticketId))),
    log: silentLog,
    abandonedAfterMs: 90_000,
    newest: () => Promise.resolve(world.renewed),
    realTime: () => world.realMs,
  });
  vigils.push(vigil);
  return vigil;
}

function quiet(): World {
  return {
    nowMs: 0,
    seenAgoMs: null,
    decided: [],
    isLedgerAway: false,
    realMs: 0,
    renewed: undefined,
  };
}

function entryIn(world: World): RequestEntry {
  return new RequestEntry(
    { account: 'demo', sessionId: '1', requestId: 'r' },
    {
      ticketId: buildTicketId(),
      hash: 'h',
      isAsync: false,
      teamId: 'marketing',
      viaPrincipalId: null,
    },
    new Attendance(() => world.nowMs),
  );
}

test('a statement is given up when nobody has asked for it long enough, at this replica or another', async () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const entry = entryIn(world);
  vigil.enter(entry);
  world.nowMs = 89_999;
  await vigil.round();
  expect(entry.cancelled.aborted).toBe(false);
  world.nowMs = 90_000;
  world.seenAgoMs = 10_000;
  await vigil.round();
  expect(entry.cancelled.aborted).toBe(false);
  world.seenAgoMs = 95_000;
  await vigil.round();
  expect(entry.cancelled.reason).toBe('abandoned');
});

test('one that somebody waits for is kept, however long', async () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const entry = entryIn(world);
  entry.attendance.enter();
  vigil.enter(entry);
  world.nowMs = 10_000_000;
  await vigil.round();
  expect(entry.cancelled.aborted).toBe(false);
  entry.attendance.leave();
  world.nowMs += 90_000;
  await vigil.round();
  expect(entry.cancelled.reason).toBe('abandoned');
});

test('a ledger that is away gives nothing up', async () => {
  const world = { ...quiet(), isLedgerAway: true };
  const vigil = vigilOver(world);
  const entry = entryIn(world);
  vigil.enter(entry);
  world.nowMs = 1_000_000;
  await vigil.round();
  expect(entry.cancelled.aborted).toBe(false);
});

test('a decision is told to the statement that waits for it, also when it was made before', async () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const entry = entryIn(world);
  const { ticketId } = entry.owner;
  const granted: Approval = { ticketId, state: 'granted', author: 'a', reason: 'r' };
  vigil.enter(entry);
  world.decided = [granted];
  expect(await vigil.decision(entry, 60_000)).toEqual(granted);
  world.decided = [];
  expect(await vigil.decision(entry, 1)).toBe('timeout');
  const asked = vigil.decision(entry, 60_000);
  entry.cancel('cancelled');
  expect(await asked).toBe('left');
});

test('a replica that stops gives up what waits and what comes to wait', () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const [before, after] = [entryIn(world), entryIn(world)];
  vigil.enter(before);
  vigil.giveUp();
  vigil.enter(after);
  expect([before.cancelled.reason, after.cancelled.reason]).toEqual(['draining', 'draining']);
});

const HOUR_MS = 3_600_000;

function tokenUntil(tokenEndsAtMs: number | undefined): SealedIdentity {
  return {
    kind: 'session',
    account: 'demo',
    sessionId: '1',
    snowflakeUser: 'MARKETING_ANALYST',
    upstreamToken: 't',
    tokenEndsAtMs,
  };
}

test('a statement is given up five minutes before the token ends that it would be sent by, and not before', async () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const entry = entryIn(world);
  entry.attendance.enter();
  entry.identity = tokenUntil(HOUR_MS);
  vigil.enter(entry);
  world.realMs = HOUR_MS - 300_000;
  await vigil.round();
  expect(entry.cancelled.aborted).toBe(false);
  world.realMs += 1;
  await vigil.round();
  expect(entry.cancelled.reason).toBe('expiring');
});

test('a token that was renewed at another replica keeps it waiting; one whose end nobody knows too', async () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const [renewed, unknown] = [entryIn(world), entryIn(world)];
  for (const entry of [renewed, unknown]) entry.attendance.enter();
  renewed.identity = tokenUntil(HOUR_MS);
  unknown.identity = tokenUntil(undefined);
  vigil.enter(renewed);
  vigil.enter(unknown);
  world.realMs = HOUR_MS;
  world.renewed = tokenUntil(2 * HOUR_MS);
  await vigil.round();
  expect(renewed.cancelled.aborted).toBe(false);
  expect(renewed.identity?.tokenEndsAtMs).toBe(2 * HOUR_MS);
  world.realMs = 2 * HOUR_MS - 299_999;
  await vigil.round();
  expect(renewed.cancelled.reason).toBe('expiring');
  expect(unknown.cancelled.aborted).toBe(false);
});

test('what waits unattended is not given up for want of polls', async () => {
  const world = quiet();
  const vigil = vigilOver(world);
  const entry = entryIn(world);
  vigil.enter(entry, 'unattended');
  world.nowMs = 10_000_000;
  await vigil.round();
  expect(entry.cancelled.aborted).toBe(false);
});
