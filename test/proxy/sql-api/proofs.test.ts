import { describe, expect, test } from 'vitest';
import { BearerProofs } from '../../../proxy/sql-api/proofs.js';
import type { ProofQuestion } from '../../../proxy/sql-api/proofs.js';
import { bodyOf, stubUpstream } from './stub.js';
import type { StubUpstream } from './stub.js';

const ROW = ['ANN', 'ANALYST', 'WH', 'DB', null];
const ANSWER = { status: 200, body: { code: '090001', data: [ROW] } };
const LIFE_MS = 180_000;

interface World {
  readonly upstream: StubUpstream;
  readonly proofs: BearerProofs;
  now: number;
  readonly question: (token: string, more?: Partial<ProofQuestion>) => ProofQuestion;
}

function world(answer: () => { status: number; body: unknown } = () => ANSWER): World {
  const upstream = stubUpstream(answer);
  const made: World = {
    upstream,
    now: 1_000_000,
    proofs: new BearerProofs({
      randomBytes: (size) => Buffer.alloc(size, 1),
      now: (): number => made.now,
    }),
    question: (token, more = {}) => ({
      upstream,
      headers: { authorization: `Bearer ${token}` },
      role: null,
      endsAtMs: Infinity,
      ...more,
    }),
  };
  return made;
}

describe('a proof', () => {
  test('is what Snowflake says of the token, in the role that was asked for', async () => {
    const { upstream, proofs, question } = world();
    expect(await proofs.prove(question('a', { role: 'Analyst' }))).toEqual({
      kind: 'proven',
      proof: {
        snowflakeUser: 'ANN',
        role: 'ANALYST',
        warehouse: 'WH',
        database: 'DB',
        schema: null,
      },
    });
    const [asked] = upstream.asked;
    expect(asked).toMatchObject({ method: 'POST', path: '/api/v2/statements' });
    expect(asked?.headers).toMatchObject({ authorization: 'Bearer a', host: 'demo.invalid' });
    expect(asked === undefined ? undefined : bodyOf(asked)).toMatchObject({ role: 'Analyst' });
  });

  test('is remembered for a token, an account and a role, for three minutes', async () => {
    const made = world();
    const { proofs, question, upstream } = made;
    for (let times = 0; times < 3; times += 1) await proofs.prove(question('a'));
    expect(upstream.asked).toHaveLength(1);
    await proofs.prove(question('b'));
    await proofs.prove(question('a', { role: 'R' }));
    await proofs.prove(question('a', { upstream: { ...upstream, account: 'other' } }));
    expect(upstream.asked).toHaveLength(4);
    made.now += LIFE_MS - 1;
    await proofs.prove(question('a'));
    expect(upstream.asked).toHaveLength(4);
    made.now += 1;
    await proofs.prove(question('a'));
    expect(upstream.asked).toHaveLength(5);
  });

  test('ends no later than its token', async () => {
    const made = world();
    const { proofs, question, upstream } = made;
    await proofs.prove(question('a', { endsAtMs: made.now + 5 }));
    made.now += 5;
    await proofs.prove(question('a', { endsAtMs: made.now }));
    await proofs.prove(question('a', { endsAtMs: made.now }));
    expect(upstream.asked).toHaveLength(3);
  });

  test('is asked for once by requests that come at once', async () => {
    const { proofs, question, upstream } = world();
    await Promise.all([1, 2, 3].map(() => proofs.prove(question('a'))));
    expect(upstream.asked).toHaveLength(1);
  });

  test('is not remembered when it was refused, and the answer is Snowflake’s', async () => {
    const { proofs, question, upstream } = world(() => ({ status: 401, body: { code: '390303' } }));
    for (let times = 0; times < 2; times += 1) {
      const outcome = await proofs.prove(question('a'));
      expect(outcome).toMatchObject({ kind: 'refused', reply: { status: 401 } });
    }
    expect(upstream.asked).toHaveLength(2);
  });

  test.each([
    ['an error of a gateway', { status: 502, body: {} }],
    ['a statement that goes on', { status: 202, body: { code: '333334' } }],
    ['other rows', { status: 200, body: { data: [['ANN']] } }],
    ['a row without a user', { status: 200, body: { data: [[null, 'R', null, null, null]] } }],
  ])('is not made of %s', async (_name, answer) => {
    const { proofs, question } = world(() => answer);
    await expect(proofs.prove(question('a'))).rejects.toMatchObject({ code: 'upstreamProtocol' });
  });

  test('waits for no more than 64 others', async () => {
    const { proofs, question } = world();
    const outcomes = await Promise.all(
      Array.from({ length: 66 }, (_, index) => proofs.prove(question(`t${index}`))),
    );
    expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(2);
  });
});
