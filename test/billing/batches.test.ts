import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Batches, splitting } from '../../billing/batches.js';
import type { BatchLimits } from '../../billing/batches.js';

const LIMITS: BatchLimits = { sizeMax: 3, lanesMax: 2, waitingMax: 6 };

/** Members are `lane:key`; every run waits until it is let go. */
function world(limits: BatchLimits = LIMITS): {
  readonly batches: Batches<string, string>;
  readonly runs: string[][];
  readonly letGo: () => Promise<void>;
} {
  const runs: string[][] = [];
  const waiting: (() => void)[] = [];
  const batches = new Batches<string, string>({
    limits,
    laneOf: (member) => member.split(':')[0] ?? '',
    keysOf: (member) => [member],
    run: async (members) => {
      runs.push([...members]);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return members.map((value) => ({ kind: 'done', value }));
    },
    onBatch: () => undefined,
  });
  return {
    batches,
    runs,
    letGo: async () => {
      waiting.shift()?.();
      // The next batch begins when the turn in which this one is answered has ended.
      await turn();
      await turn();
    },
  };
}

test('the first call runs at once and alone, those that come meanwhile run together', async () => {
  const { batches, runs, letGo } = world();
  const answers = ['a:1', 'a:2', 'a:3'].map((member) => batches.submit(member));
  expect(runs).toEqual([['a:1']]);
  await letGo();
  expect(runs).toEqual([['a:1'], ['a:2', 'a:3']]);
  await letGo();
  expect(await Promise.all(answers)).toEqual(['a:1', 'a:2', 'a:3']);
});

test('those who come again when they are answered run together', async () => {
  const { batches, runs, letGo } = world();
  const again = async (member: string): Promise<void> => {
    await batches.submit(member);
    await batches.submit(`${member}'`);
  };
  const ended = Promise.all(['a:1', 'a:2', 'a:3', 'a:4'].map(again));
  await letGo();
  expect(runs).toEqual([['a:1'], ['a:2', 'a:3', 'a:4']]);
  await letGo();
  expect(runs[2]).toEqual(["a:1'", "a:2'", "a:3'"]);
  await letGo();
  await letGo();
  await ended;
  expect(runs).toHaveLength(4);
});

test('a lane is never in two batches at once, and other lanes do not wait for it', async () => {
  const { batches, runs, letGo } = world();
  for (const member of ['a:1', 'a:2', 'b:1', 'c:1']) void batches.submit(member);
  expect(runs).toEqual([['a:1'], ['b:1']]);
  await letGo();
  expect(runs[2]).toEqual(['a:2', 'c:1']);
  await letGo();
  await letGo();
});

test('a batch has at most its size, and what is left comes behind the other lanes', async () => {
  const { batches, runs, letGo } = world({ sizeMax: 2, lanesMax: 1, waitingMax: 10 });
  for (const member of ['z:0', 'a:1', 'a:2', 'a:3', 'b:1']) void batches.submit(member);
  await letGo();
  await letGo();
  await letGo();
  expect(runs).toEqual([['z:0'], ['a:1', 'a:2'], ['b:1', 'a:3'].toSorted()]);
  await letGo();
});

test('two calls with one key are never in one batch', async () => {
  const { batches, runs, letGo } = world();
  for (const member of ['a:0', 'a:1', 'a:1', 'a:2']) void batches.submit(member);
  await letGo();
  expect(runs[1]).toEqual(['a:1']);
  await letGo();
  expect(runs[2]).toEqual(['a:1', 'a:2']);
  await letGo();
});

test('one call more than may wait is the fault ledgerUnavailable', async () => {
  const { batches, letGo } = world({ sizeMax: 2, lanesMax: 1, waitingMax: 2 });
  const first = [batches.submit('a:1'), batches.submit('a:2'), batches.submit('a:3')];
  await expect(batches.submit('a:4')).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  expect(batches.waiting).toBe(2);
  await letGo();
  await letGo();
  expect(await Promise.all(first)).toHaveLength(3);
});

test('a batch that throws fails all its members alike', async () => {
  const away = new Error('away');
  const batches = new Batches<string, string>({
    limits: LIMITS,
    laneOf: () => '',
    keysOf: (member) => [member],
    run: () => Promise.reject(away),
    onBatch: () => undefined,
  });
  await expect(batches.submit('a')).rejects.toBe(away);
});

test('one bad member fails alone, after as many tries as halving takes', async () => {
  let tries = 0;
  const bad = new Error('bad');
  const run = (members: readonly number[]): Promise<readonly number[]> => {
    tries += 1;
    return members.includes(5) ? Promise.reject(bad) : Promise.resolve(members);
  };
  const numbers = Array.from({ length: 16 }, (_, index) => index);
  const answers = await splitting(numbers, run, () => true);
  expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(15);
  expect(answers[5]).toEqual({ kind: 'failed', cause: bad });
  expect(tries).toBe(9);
  expect(await splitting(numbers, run, () => false)).toEqual(
    numbers.map(() => ({ kind: 'failed', cause: bad })),
  );
});
