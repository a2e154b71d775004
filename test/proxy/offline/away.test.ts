import { expect, test } from 'vitest';
import { Fault } from '../../../base/errors.js';
import { LedgerWatch, type Away } from '../../../proxy/offline/away.js';
import { eventually } from '../../e2e/support/eventually.js';

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const failed = (code: string): Fault =>
  new Fault('ledgerUnavailable', 'The ledger does not answer.', { cause: coded(code) });

/** A ledger whose answers to our own question are these, one after the other, and then yes. */
function watchOf(answers: readonly (Error | null)[]) {
  const left = [...answers];
  const seen: (Away | 'answered')[] = [];
  let asked = 0;
  const watch = new LedgerWatch({
    ask: () => {
      asked += 1;
      const answer = left.shift() ?? null;
      return answer === null ? Promise.resolve() : Promise.reject(answer);
    },
    onAway: (away) => seen.push(away),
    onAnswer: () => seen.push('answered') > 0,
    intervalMs: 1,
  });
  return { watch, seen, asked: () => asked };
}

test('a ledger that takes no writes is away, perhaps for this replica alone, until it takes them again', async () => {
  const readOnly = new Fault('ledgerUnavailable', 'Postgres takes no writes');
  const { watch, seen } = watchOf([readOnly, readOnly]);
  watch.suspect(failed('25006'));
  await eventually(() => expect(seen).toContain('answered'));
  expect(seen.slice(0, 3)).toEqual(['unreachable', 'unreachable', 'answered']);
  expect(watch.away).toBeNull();
  await watch.stop();
});

test('a port that nobody listens at is down; what one statement did suspects nobody', async () => {
  const { watch, seen, asked } = watchOf([coded('ECONNREFUSED')]);
  for (const code of ['23505', '57014', '42703']) watch.suspect(failed(code));
  expect(asked()).toBe(0);
  watch.suspect(failed('ECONNREFUSED'));
  await eventually(() => expect(seen).toContain('answered'));
  expect(seen.slice(0, 2)).toEqual(['down', 'answered']);
  await watch.stop();
});
