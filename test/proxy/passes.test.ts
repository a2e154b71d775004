import { expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import type { LastingPass } from '../../billing/passes.js';
import { LastingPasses, type PassSought } from '../../proxy/passes.js';
import { manualClock } from '../support/clock.js';

const clock = manualClock();
const SOUGHT: PassSought = {
  account: 'demo',
  teamId: 'marketing',
  principalId: 'ada',
  fingerprint: 'shape',
  requestHash: 'text',
  place: 'here',
};

function aPass(changes: Partial<LastingPass> = {}): LastingPass {
  return {
    account: 'demo',
    teamId: 'marketing',
    principalId: 'ada',
    fingerprint: 'shape',
    requestHash: null,
    place: 'here',
    passes: ['rule:x'],
    amountCredits: null,
    expiresAt: clock.now() + 1000,
    ...changes,
  };
}

async function found(changes: Partial<LastingPass>): Promise<number> {
  const passes = new LastingPasses({
    read: () => Promise.resolve([aPass(changes)]),
    clock,
    log: silentLog,
  });
  await passes.refresh();
  await passes.stop();
  return passes.find(SOUGHT).length;
}

test.each<[string, Partial<LastingPass>, number]>([
  ['its own', {}, 1],
  ['the text', { fingerprint: null, requestHash: 'text' }, 1],
  ['the whole team', { principalId: null }, 1],
  ['any place', { place: null }, 1],
  ['another shape', { fingerprint: 'other' }, 0],
  ['another text', { fingerprint: null, requestHash: 'other' }, 0],
  ['another team', { teamId: 'sales' }, 0],
  ['another principal', { principalId: 'bob' }, 0],
  ['another account', { account: 'other' }, 0],
  ['another place', { place: 'there' }, 0],
  ['one that has ended', { expiresAt: clock.now() }, 0],
])('a pass for %s is found or not', async (_name, changes, count) => {
  expect(await found(changes)).toBe(count);
});

test('looking for a pass asks nobody, and a look that fails keeps what was read last', async () => {
  let reads = 0;
  let isAway = false;
  const passes = new LastingPasses({
    read: () => {
      reads += 1;
      return isAway ? Promise.reject(new Error('away')) : Promise.resolve([aPass()]);
    },
    clock,
    log: silentLog,
  });
  expect(passes.find(SOUGHT)).toEqual([]);
  await passes.refresh();
  for (let index = 0; index < 1000; index += 1) expect(passes.find(SOUGHT)).toHaveLength(1);
  isAway = true;
  await passes.refresh();
  expect(passes.find(SOUGHT)).toHaveLength(1);
  expect(reads).toBe(2);
  await passes.stop();
});
