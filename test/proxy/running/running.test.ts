import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TicketId } from '../../../base/ids.js';
import { RunningStatements, type RunningStatement } from '../../../proxy/running/running.js';
import { buildTicketId, credits } from '../../support/builders.js';
import { aRunningStatement, anUpstream } from './running-statement.js';

test('the shares of every moment sum to the moment, whoever joins and leaves', () => {
  const events = fc.array(
    fc.record({ afterMs: fc.nat(5_000), join: fc.boolean(), which: fc.nat(10) }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(events, (script) => {
      const running = new RunningStatements();
      const inside: TicketId[] = [];
      let now = 0;
      let busyMs = 0;
      let usedMs = 0;
      let left = 0;
      const leave = (index: number): void => {
        const [ticketId] = inside.splice(index, 1);
        if (ticketId === undefined) return;
        const ended = running.end(ticketId, now);
        expect(ended).toBeDefined();
        usedMs += ended?.usedMs ?? 0;
        left += 1;
        expect(running.end(ticketId, now)).toBeUndefined();
      };
      for (const { afterMs, join, which } of script) {
        if (inside.length > 0) busyMs += afterMs;
        now += afterMs;
        if (join) {
          const one = aRunningStatement({ startedAt: now });
          running.begin(one);
          inside.push(one.ticketId);
        } else if (inside.length > 0) leave(which % inside.length);
        expect(running.size).toBe(inside.length);
      }
      while (inside.length > 0) leave(0);
      // Each share is told in whole milliseconds.
      expect(Math.abs(usedMs - busyMs)).toBeLessThanOrEqual(left / 2 + 1e-6);
    }),
    { numRuns: 300 },
  );
});

test('statements of other warehouses and accounts take nothing of each other', () => {
  const running = new RunningStatements();
  const all = [
    aRunningStatement(),
    aRunningStatement({ warehouse: 'V' }),
    aRunningStatement({ upstream: anUpstream('other') }),
  ];
  for (const each of all) running.begin(each);
  for (const each of all) expect(running.usedMs(each, 3_000)).toBe(2_000);
});

test('two on one warehouse use half each while both run, in time and in credits', () => {
  const running = new RunningStatements();
  const [first, second] = [aRunningStatement(), aRunningStatement({ startedAt: 2_000 })];
  running.begin(first);
  running.begin(second);
  expect(running.usedMs(first, 4_000)).toBe(2_000);
  expect(running.usedCredits(second, 4_000)).toBe(credits('1'));
  expect(running.end(second.ticketId, 4_000)?.usedMs).toBe(1_000);
  expect(running.end(first.ticketId, 5_000)?.usedMs).toBe(3_000);
});

test('a clock that steps back takes nothing away', () => {
  const running = new RunningStatements();
  const one = aRunningStatement();
  running.begin(one);
  expect(running.usedMs(one, 3_000)).toBe(2_000);
  expect(running.usedMs(one, 500)).toBe(2_000);
  expect(running.usedMs(one, 4_000)).toBe(3_000);
});

test('a statement ends once, and gives its permit back once', () => {
  const running = new RunningStatements();
  let ends = 0;
  const one = aRunningStatement({
    onEnd: () => {
      ends += 1;
    },
  });
  running.begin(one);
  expect(running.end(one.ticketId, 2_000)).toMatchObject({ usedMs: 1_000 });
  expect(running.end(one.ticketId, 3_000)).toBeUndefined();
  expect(ends).toBe(1);
  expect(running.usedMs(one, 9_000)).toBe(0);
});

test('a statement is found by its ids while it runs, by the newest query id only', () => {
  const running = new RunningStatements();
  const one = aRunningStatement({ requestId: 'mine', sessionId: '7' });
  running.begin(one);
  running.identify(one.ticketId, 'q1');
  running.identify(one.ticketId, 'q2');
  expect(running.byQueryId('demo', 'q1')).toBeUndefined();
  expect(running.byQueryId('demo', 'q2')).toBe(one);
  expect(running.byRequestId({ account: 'demo', sessionId: '7' }, 'mine')).toBe(one);
  expect(running.byRequestId({ account: 'demo', sessionId: '8' }, 'mine')).toBeUndefined();
  expect(running.heldCredits()).toBe(credits('1'));
  running.end(one.ticketId, 2_000);
  expect(running.byQueryId('demo', 'q2')).toBeUndefined();
  expect(running.get(one.ticketId)).toBeUndefined();
  running.identify(one.ticketId, 'q3');
  expect(running.byQueryId('demo', 'q3')).toBeUndefined();
});

test('two accounts that give the same session, request and query ids are kept apart', () => {
  const running = new RunningStatements();
  const of = (account: string): RunningStatement =>
    aRunningStatement({
      ticketId: buildTicketId(),
      upstream: anUpstream(account),
      requestId: 'same',
      sessionId: '7',
    });
  const [alpha, beta] = [of('alpha'), of('beta')];
  for (const each of [alpha, beta]) {
    running.begin(each);
    running.identify(each.ticketId, 'q');
  }
  expect(running.byQueryId('alpha', 'q')).toBe(alpha);
  expect(running.byQueryId('beta', 'q')).toBe(beta);
  expect(running.byRequestId({ account: 'beta', sessionId: '7' }, 'same')).toBe(beta);
  running.end(beta.ticketId, 2_000);
  expect(running.byQueryId('alpha', 'q')).toBe(alpha);
  expect(running.byQueryId('beta', 'q')).toBeUndefined();
});

test('what a team has used so far is its own statements, each with its share of a warehouse that others use too', () => {
  const running = new RunningStatements();
  const ours = aRunningStatement();
  const theirs = aRunningStatement({ teamId: 'sales' });
  running.begin(ours);
  running.begin(theirs);
  // Two share 4 s at a credit a second.
  expect(running.usedOfTeam('marketing', 5_000)).toEqual([
    { ticketId: ours.ticketId, usedCredits: credits('2') },
  ]);
  running.end(theirs.ticketId, 5_000);
  expect(running.usedOfTeam('marketing', 6_000)).toEqual([
    { ticketId: ours.ticketId, usedCredits: credits('3') },
  ]);
  expect(running.usedOfTeam('sales', 6_000)).toEqual([]);
});
