import { expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import type { Freeze } from '../../billing/freezes.js';
import { Freezes, type Freezable } from '../../proxy/freezes.js';
import { NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';

const STATEMENT: Freezable = {
  teamId: 'sales',
  principalIds: ['bi', 'sales_analyst'],
  warehouse: 'Standard_Wh',
  tier: 'standard',
};

function aFreeze(changes: Partial<Freeze>): Freeze {
  return {
    id: '1',
    scope: 'everything',
    target: '',
    frozenBy: 'ops',
    reason: 'an incident',
    frozenAt: NOON,
    until: null,
    ...changes,
  };
}

async function of(...found: readonly Freeze[]): Promise<Freezes> {
  const freezes = new Freezes({
    read: () => Promise.resolve(found),
    clock: manualClock(),
    log: silentLog,
  });
  await freezes.refresh();
  return freezes;
}

test.each([
  ['team', 'sales', true],
  ['team', 'sale', false],
  ['principal', 'bi', true],
  ['principal', 'sales_analyst', true],
  ['principal', 'other', false],
  ['warehouse', 'STANDARD_WH', true],
  ['warehouse', 'BATCH_WH', false],
  ['tier', 'standard', true],
  ['tier', 'batch', false],
  ['everything', '', true],
] as const)('a freeze of %s %s holds for the statement: %s', async (scope, target, holds) => {
  const freezes = await of(aFreeze({ scope, target }));
  expect(freezes.of(STATEMENT)?.scope).toBe(holds ? scope : undefined);
  await freezes.stop();
});

test('a statement without a warehouse is of no frozen warehouse, and the narrower freeze is named', async () => {
  const freezes = await of(
    aFreeze({ id: '1' }),
    aFreeze({ id: '2', scope: 'team', target: 'sales' }),
    aFreeze({ id: '3', scope: 'warehouse', target: 'STANDARD_WH' }),
  );
  expect(freezes.of(STATEMENT)?.id).toBe('2');
  expect(freezes.of({ ...STATEMENT, teamId: 'other', warehouse: null })?.id).toBe('1');
  await freezes.stop();
});

test('a freeze ends at its time without being read again', async () => {
  const clock = manualClock();
  const freezes = new Freezes({
    read: () => Promise.resolve([aFreeze({ until: NOON + 1_000 })]),
    clock,
    log: silentLog,
  });
  await freezes.refresh();
  expect(freezes.of(STATEMENT)).toBeDefined();
  clock.advance(1_000);
  expect(freezes.of(STATEMENT)).toBeUndefined();
  await freezes.stop();
});

test('what waits is told once, and what could not be read stays as it was', async () => {
  let answer: () => Promise<readonly Freeze[]> = () => Promise.resolve([]);
  const freezes = new Freezes({ read: () => answer(), clock: manualClock(), log: silentLog });
  const told: string[] = [];
  freezes.watch(STATEMENT, ({ id }) => told.push(id));
  const leave = freezes.watch({ ...STATEMENT }, () => told.push('left'));
  leave();
  await freezes.refresh();
  expect(told).toEqual([]);
  answer = () => Promise.resolve([aFreeze({})]);
  await freezes.refresh();
  await freezes.refresh();
  expect(told).toEqual(['1']);
  answer = () => Promise.reject(new Error('away'));
  await freezes.refresh();
  expect(freezes.of(STATEMENT)).toBeDefined();
  await freezes.stop();
});
