import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SealKey } from '../../../base/sealing.js';
import {
  TokenSealer,
  type SealedIdentity,
  type TokenKind,
} from '../../../proxy/identity/tokens.js';
import { longRun } from '../../support/long-run.js';

const KEYS: readonly SealKey[] = [
  { id: 'k1', key: Buffer.alloc(32, 1) },
  { id: 'k2', key: Buffer.alloc(32, 2) },
];
const NOW_MS = Date.UTC(2026, 10, 25);

function sealer(keys: readonly SealKey[]): TokenSealer {
  let drawn = 0;
  return new TokenSealer({
    keys,
    // Repeatable and never the same twice.
    randomBytes: (size) =>
      createHash('sha512')
        .update(String((drawn += 1)))
        .digest()
        .subarray(0, size),
    cachedMax: 1,
    audience: 'deployment-a',
    now: () => NOW_MS,
  });
}

function identity(kind: TokenKind, user: string): SealedIdentity {
  return { kind, account: 'demo', sessionId: '42', snowflakeUser: user, upstreamToken: 'ver:3-x' };
}

/** Ours, of two people, kinds and keys: what an attacker could hold and combine. */
const VALID: readonly { readonly token: string; readonly kind: TokenKind }[] = [
  { kind: 'session', token: sealer(KEYS).seal(identity('session', 'ANALYST')) },
  { kind: 'master', token: sealer(KEYS).seal(identity('master', 'ANALYST')) },
  { kind: 'session', token: sealer([...KEYS].reverse()).seal(identity('session', 'OTHER')) },
  { kind: 'session', token: sealer(KEYS).seal(identity('session', 'x'.repeat(300))) },
];
const VALID_TOKENS: ReadonlySet<string> = new Set(VALID.map(({ token }) => token));

type Mutate = (token: string, at: number, value: number, other: string) => string;

/** `at` and `value` are any whole numbers; `other` is another valid token. */
const MUTATIONS: Readonly<Record<string, Mutate>> = {
  bitFlipped: (token, at, value) =>
    onBytes(token, (bytes) => {
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << (value % 8));
    }),
  byteReplaced: (token, at, value) =>
    onBytes(token, (bytes) => {
      bytes[at % bytes.length] = value % 256;
    }),
  bytesCut: (token, at) => reencoded(token, (bytes) => bytes.subarray(0, at % bytes.length)),
  headCut: (token, at) => reencoded(token, (bytes) => bytes.subarray(1 + (at % bytes.length))),
  bytesGrown: (token, at, value) =>
    reencoded(token, (bytes) => Buffer.concat([bytes, Buffer.alloc(1 + (at % 40), value % 256)])),
  textCut: (token, at) => token.slice(0, at % token.length),
  characterReplaced: (token, at, value) => {
    const index = at % token.length;
    return token.slice(0, index) + String.fromCharCode(value % 0x250) + token.slice(index + 1);
  },
  characterInserted: (token, at, value) => {
    const index = at % (token.length + 1);
    return token.slice(0, index) + String.fromCharCode(value % 0x250) + token.slice(index);
  },
  keyRenamed: (token, at) =>
    token.replace(/^tg1\.k\d/, `tg1.${['k1', 'k2', 'k3', '', 'K1', 'k1 '][at % 6] ?? ''}`),
  prefixRenamed: (token, at) =>
    token.replace(/^tg1/, ['tg2', 'tgk1', 'TG1', '', 'tgc1'][at % 5] ?? ''),
  spliced: (token, at, _value, other) => {
    const index = at % token.length;
    return token.slice(0, index) + other.slice(index);
  },
  bodySwapped: (token, _at, _value, other) =>
    `${token.split('.').slice(0, 2).join('.')}.${other.split('.')[2] ?? ''}`,
  caseTurned: (token, at) => {
    const index = at % token.length;
    const character = token.charAt(index);
    const turned =
      character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();
    return token.slice(0, index) + turned + token.slice(index + 1);
  },
  otherAlphabet: (token) => token.replaceAll('-', '+').replaceAll('_', '/'),
  padded: (token, at) => token + '='.repeat(1 + (at % 3)),
  doubled: (token, _at, _value, other) => `${token}.${other}`,
};

function reencoded(token: string, change: (bytes: Buffer) => Buffer): string {
  const [prefix, key, body = ''] = token.split('.');
  return `${prefix}.${key}.${change(Buffer.from(body, 'base64url')).toString('base64url')}`;
}

function onBytes(token: string, change: (bytes: Buffer) => void): string {
  return reencoded(token, (bytes) => {
    change(bytes);
    return bytes;
  });
}

test('no mutated token opens, as either kind; whole ones open as their own kind alone', () => {
  const run = longRun('tokens', 3_000);
  const opener = sealer(KEYS);
  const names = Object.keys(MUTATIONS);
  const tried = new Map<string, number>();
  let same = 0;
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.nat(VALID.length - 1),
      fc.nat(VALID.length - 1),
      fc.array(fc.tuple(fc.nat(names.length - 1), fc.nat(1 << 20), fc.nat(1 << 20)), {
        minLength: 1,
        maxLength: 3,
      }),
      (one, two, steps) => {
        const other = VALID[two]?.token ?? '';
        let token = VALID[one]?.token ?? '';
        for (const [which, at, value] of steps) {
          const name = names[which] ?? '';
          // A mutation of nothing left is nothing.
          if (token.length > 0) token = MUTATIONS[name]?.(token, at, value, other) ?? token;
          tried.set(name, (tried.get(name) ?? 0) + 1);
        }
        if (VALID_TOKENS.has(token)) {
          same += 1;
          return;
        }
        const opened = opener.open(token, 'session') ?? opener.open(token, 'master');
        if (opened !== undefined) accepted += 1;
        expect(opened, token).toBeUndefined();
      },
    ),
    { numRuns: run.count, seed: run.seed },
  );
  // It looked: every mutation was tried, most gave another token, and the opener does open what is whole.
  expect([...tried.keys()].sort()).toEqual([...names].sort());
  expect(same).toBeLessThan(run.count / 4);
  for (const { token, kind } of VALID) {
    expect(opener.open(token, kind)).toMatchObject({ kind });
    expect(opener.open(token, kind === 'session' ? 'master' : 'session')).toBeUndefined();
  }
  run.report({ mutated: run.count - same, unchanged: same, accepted });
});
