import { expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import type { Refusal } from '#policies/rules/refusal-text.js';
import type { Analysed } from '../../proxy/stages.js';
import { stormKeyOf, Storms } from '../../proxy/storms.js';
import { buildTicketId } from '../support/builders.js';
import { manualClock } from '../support/clock.js';

interface World {
  realMs: number;
  readonly storms: Storms;
}

function world(): World {
  const made: World = {
    realMs: 1_000,
    storms: new Storms(silentLog, manualClock(), () => made.realMs),
  };
  return made;
}

function asked(
  at: World,
  changes: { principal?: string; shape?: string; version?: number } = {},
): Analysed {
  const principal = { id: changes.principal ?? 'marketing_analyst' };
  return {
    identity: { account: 'demo' },
    principal,
    signedIn: { principal },
    facts: { fingerprint: changes.shape ?? 'shape' },
    call: { ticketId: buildTicketId(), arrivedAtMs: at.realMs },
    snapshot: { version: changes.version ?? 1 },
  } as unknown as Analysed;
}

/** Sends it again and again, a tenth of a second after each answer; how many were sent. */
function loop(at: World, times: number, end: (statement: Analysed) => void): number {
  let sent = 0;
  for (let each = 0; each < times; each += 1) {
    at.realMs += 100;
    const statement = asked(at);
    if (at.storms.ask(statement) !== null) continue;
    sent += 1;
    at.realMs += 1;
    end(statement);
  }
  return sent;
}

const missing = { code: '002003', message: "Object 'T' does not exist" };

test('a statement that fails in a loop is answered with what failed and until when, its caller and shape alone', () => {
  const at = world();
  expect(loop(at, 100, (each) => at.storms.ended(stormKeyOf(each), missing))).toBe(20);
  const refusal = at.storms.ask(asked(at));
  expect(refusal?.code).toBe('retryStorm');
  expect(refusal?.message).toMatch(
    /^TG2111 Not run, nothing charged: it failed 20 times in a row, and is tried again in \d+ s\.\nLast {5}002003 Object 'T' does not exist\nUntil {4}2026-07-15T12:00:0\d/,
  );
  expect(at.storms.ask(asked(at, { principal: 'sales_analyst' }))).toBeNull();
  expect(at.storms.ask(asked(at, { shape: 'other' }))).toBeNull();
});

test('whoever only asks what would become of it is told the same, and uses up no try', () => {
  const at = world();
  loop(at, 100, (each) => at.storms.ended(stormKeyOf(each), missing));
  expect(at.storms.peek(asked(at))?.message).toBe(at.storms.ask(asked(at))?.message);
  expect(at.storms.peek(asked(at, { shape: 'other' }))).toBeNull();
  at.realMs += 20_000;
  expect(at.storms.peek(asked(at))).toBeNull();
  expect(at.storms.peek(asked(at))).toBeNull();
  // The one try is still there.
  expect(at.storms.ask(asked(at))).toBeNull();
  expect(at.storms.ask(asked(at))?.code).toBe('retryStorm');
  expect(at.storms.peek(asked(at))?.code).toBe('retryStorm');
});

test('a success closes it at once and forgets what failed before', () => {
  const at = world();
  loop(at, 100, (each) => at.storms.ended(stormKeyOf(each), missing));
  at.realMs += 20_000;
  const probe = asked(at);
  expect(at.storms.ask(probe)).toBeNull();
  expect(at.storms.ask(asked(at))?.code).toBe('retryStorm');
  at.storms.ended(stormKeyOf(probe), null);
  expect(at.storms.ask(asked(at))).toBeNull();
  // One success in nineteen failures: it is never opened.
  let n = 0;
  const sent = loop(at, 500, (each) => {
    n += 1;
    at.storms.ended(stormKeyOf(each), n % 19 === 0 ? null : missing);
  });
  expect(sent).toBe(500);
});

test('refusals count where a repeat cannot change them, until another control version is in force', () => {
  const at = world();
  const refusal = (code: Refusal['code']): Refusal => ({
    code,
    message: 'TG Not run\nmore',
    detail: {},
  });
  expect(loop(at, 60, (each) => at.storms.refused(each, refusal('queueFull')))).toBe(60);
  expect(loop(at, 60, (each) => at.storms.refused(each, refusal('approvalNeeded')))).toBe(60);
  expect(loop(at, 60, (each) => at.storms.refused(each, refusal('budgetExceeded')))).toBe(20);
  expect(at.storms.ask(asked(at))?.message).toContain('it was refused 20 times');
  expect(at.storms.ask(asked(at, { version: 2 }))).toBeNull();
});
