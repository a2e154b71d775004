import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { defaultDefinition } from '../../../warehouse/fleet/definition.js';
import { Fleet } from '../../../warehouse/fleet/fleet.js';
import { freshId, idOfName } from '../../../warehouse/fleet/warehouse-id.js';
import { EventLog } from '../../../warehouse/metering/event-log.js';
import { manualClock } from '../support/manual-clock.js';
import { START } from './model.js';

describe('the fleet', () => {
  let dir: string;
  let events: EventLog;
  let fleet: Fleet;
  const clock = manualClock(START);
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tollgate-fleet-'));
    events = await EventLog.open(dir);
    fleet = await Fleet.open(dir, clock, events, silentLog);
  });
  afterEach(async () => {
    fleet.close();
    await events.close();
    await rm(dir, { recursive: true });
  });

  const names = (one: Fleet): readonly string[] =>
    one.list().map((warehouse) => warehouse.definition.name);

  test('begins with the three of the demo, which suspend after a minute and have many places', () => {
    expect(fleet.list().map(({ definition }) => definition)).toMatchObject([
      { name: 'INTERACTIVE_WH', size: 'XSMALL', autoSuspendSeconds: 60, maxConcurrency: 64 },
      { name: 'STANDARD_WH', size: 'MEDIUM', autoSuspendSeconds: 60, maxConcurrency: 64 },
      { name: 'BATCH_WH', size: 'XLARGE', autoSuspendSeconds: 60, maxConcurrency: 64 },
    ]);
  });

  test('keeps every one of many that are created at once', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => fleet.create(defaultDefinition(`W${index}`, START))),
    );
    const again = await Fleet.open(dir, clock, events, silentLog);
    expect(names(again)).toHaveLength(33);
    expect(names(again)).toEqual(names(fleet));
    again.close();
  });

  test('finds a renamed warehouse for those who still hold its former name, until another takes it', async () => {
    const warehouse = await fleet.create(defaultDefinition('OLD', START));
    await fleet.alter(warehouse, { ...warehouse.definition, name: 'NEW' });
    expect(fleet.get('OLD')).toBeUndefined();
    expect(fleet.ofSession('OLD')).toBe(warehouse);
    expect(fleet.ofSession(null)).toBeUndefined();
    const other = await fleet.create(defaultDefinition('OLD', START, fleet.freshId('OLD')));
    expect(fleet.ofSession('OLD')).toBe(other);
    expect(other.definition.id).not.toBe(warehouse.definition.id);
    await fleet.drop(warehouse);
    expect(fleet.ofSession('NEW')).toBeUndefined();
  });

  test('never gives the number of a dropped warehouse to another', async () => {
    const first = await fleet.create(defaultDefinition('W', START, fleet.freshId('W')));
    expect(first.definition.id).toBe(idOfName('W'));
    await fleet.drop(first);
    expect(fleet.freshId('W')).not.toBe(idOfName('W'));
  });

  test('tells how a replaced warehouse ended and the new one began', async () => {
    const first = await fleet.create(defaultDefinition('W', START, 1));
    first.resume('USER');
    await fleet.create(defaultDefinition('W', START, 2), { user: 'ADA', role: 'ACCOUNTADMIN' });
    expect(
      events.warehouseEvents().map(({ warehouseId, event, user }) => [warehouseId, event, user]),
    ).toEqual([
      [1, 'CREATED', undefined],
      [1, 'RESUMED', undefined],
      [1, 'DROPPED', 'ADA'],
      [2, 'CREATED', 'ADA'],
    ]);
  });

  test('writes a definition with everything that a restart needs', async () => {
    const wanted = {
      ...defaultDefinition('W', START, 5),
      clustersMax: 4,
      scalingPolicy: 'ECONOMY' as const,
      queuedTimeoutSeconds: 9,
      make: { kind: 'STANDARD', generation: 2, resourceConstraint: null } as const,
    };
    await fleet.create(wanted);
    const again = await Fleet.open(dir, clock, events, silentLog);
    expect(again.get('W')?.definition).toEqual(wanted);
    again.close();
    const stored = JSON.parse(await readFile(join(dir, 'warehouses.json'), 'utf8')) as unknown[];
    expect(stored).toHaveLength(4);
  });
});

test('a number that is taken is passed over', () => {
  const taken = new Set<number>();
  const ids = [1, 2, 3].map(() => {
    const id = freshId('W', (one) => taken.has(one));
    taken.add(id);
    return id;
  });
  expect(new Set(ids).size).toBe(3);
});
