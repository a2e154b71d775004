import { expect, test } from 'vitest';
import { firstStage, type Admitted, type Received } from '../../proxy/stages.js';

const received = { requestId: 'r', bodyBytes: 1, wasCompressed: false } as Received;

test('what a later stage sets has its place from the start, so that no step adds a field', () => {
  const first = firstStage(received);
  expect(first).toMatchObject(received);
  const places = Object.keys(first);
  const later: Partial<Admitted> = { facts: { statements: [] } as never, isFree: true, runsAt: 0 };
  expect(Object.keys({ ...first, ...later })).toEqual(places);
});

test('a statement that was received has nothing of a later stage', () => {
  const { hold, permit, isFree } = firstStage(received) as Admitted;
  expect([hold, permit, isFree]).toEqual([undefined, undefined, undefined]);
});
