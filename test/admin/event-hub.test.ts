import { expect, test } from 'vitest';
import { EventHub, type Change, type Follower } from '../../admin/events/event-hub.js';
import { type PulseRow, type Topic, TOPICS } from '../../admin/stores/pulse-store.js';
import { silentLog } from '../../base/log.js';

interface World {
  readonly hub: EventHub;
  readonly told: [id: string, topics: readonly Topic[]][];
  ended: number;
  isWelcome: boolean;
  rows: readonly PulseRow[] | Error;
  readonly look: () => Promise<void>;
  readonly follow: (sees?: Follower['sees']) => (() => void) | null;
}

const row = (topic: Topic, node: string | null, digest: string, principal = null): PulseRow => ({
  topic,
  node,
  principal,
  digest,
});

function createWorld(followersMax = 5): World {
  let nowMs = 0;
  const hub = new EventHub({
    read: () =>
      world.rows instanceof Error ? Promise.reject(world.rows) : Promise.resolve(world.rows),
    log: silentLog,
    followersMax,
    epoch: 'e1',
    realNow: () => nowMs,
  });
  const world: World = {
    hub,
    told: [],
    ended: 0,
    isWelcome: true,
    rows: [],
    look: () => {
      nowMs += 1_000;
      return hub.look();
    },
    follow: (sees = () => true) =>
      hub.follow({
        sees,
        tell: (id, topics) => world.told.push([id, topics]),
        beat: () => undefined,
        isWelcome: () => Promise.resolve(world.isWelcome),
        end: () => {
          world.ended += 1;
        },
      }),
  };
  return world;
}

test('tells what changed, came and went, each follower its own', async () => {
  const world = createWorld();
  world.follow(({ node }) => node === 'a');
  world.rows = [row('budgets', 'a', '1'), row('budgets', 'b', '1')];
  await world.look();
  expect(world.told).toEqual([]);
  world.rows = [row('budgets', 'a', '1'), row('budgets', 'b', '2')];
  await world.look();
  expect(world.told).toEqual([]);
  world.rows = [row('budgets', 'b', '2'), row('running', 'a', '1')];
  await world.look();
  expect(world.told).toEqual([['e1-2', ['running', 'budgets']]]);
  world.hub.close();
});

test('who comes back learns what was missed, and everything where that is not known', async () => {
  const world = createWorld();
  const all = (): boolean => true;
  world.rows = [row('control', null, '1')];
  await world.look();
  const { id } = world.hub;
  expect(world.hub.since(id, all)).toEqual([]);
  world.rows = [row('control', null, '2')];
  await world.look();
  expect(world.hub.since(id, all)).toEqual(['control']);
  expect(world.hub.since(id, ({ topic }: Change) => topic !== 'control')).toEqual([]);
  for (const unknown of [undefined, '', 'e0-0', 'e1-9', 'e1-x', 'e1'])
    expect(world.hub.since(unknown, all), String(unknown)).toEqual(TOPICS);
  for (let digest = 3; digest < 400; digest += 1) {
    world.rows = [row('control', null, String(digest))];
    await world.look();
  }
  expect(world.hub.since(id, all)).toEqual(TOPICS);
});

test('a look within a second of the last asks nothing; one that failed is told by the next', async () => {
  const world = createWorld();
  world.follow();
  world.rows = [row('control', null, '1')];
  await world.look();
  world.rows = [row('control', null, '2')];
  await world.hub.look();
  expect(world.told).toEqual([]);
  const { rows } = world;
  world.rows = new Error('the database is away');
  await world.look();
  expect(world.told).toEqual([]);
  world.rows = rows;
  await world.look();
  expect(world.told).toEqual([['e1-1', ['control']]]);
  world.hub.close();
});

test('takes as many as it may, ends each once, and takes nobody after its end', () => {
  const world = createWorld(2);
  const leave = world.follow();
  world.follow();
  expect(world.follow()).toBeNull();
  expect(world.hub.occupancy).toEqual({ used: 2, max: 2 });
  leave?.();
  leave?.();
  expect(world.ended).toBe(1);
  expect(world.follow()).not.toBeNull();
  world.hub.close();
  expect([world.ended, world.hub.occupancy.used]).toEqual([3, 0]);
  expect(world.follow()).toBeNull();
});
