import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AccountNames, foldAccountName } from '../../../proxy/upstream/account-names.js';

const id = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
const accounts = fc.uniqueArray(
  fc.record({ account: id, otherNames: fc.array(id, { maxLength: 2 }) }),
  {
    minLength: 1,
    maxLength: 5,
    selector: ({ account }) => foldAccountName(account),
  },
);
const host = fc.oneof(
  fc.string(),
  fc.webAuthority({ withPort: true }),
  fc.ipV4(),
  fc.ipV6().map((text) => `[${text}]`),
  fc.tuple(id, fc.domain()).map((parts) => parts.join('.')),
  fc.constant(undefined),
);
const login = fc.oneof(fc.string(), id, fc.constant(undefined));

test('whatever host and login say, an account is chosen only by a name that it has', () => {
  fc.assert(
    fc.property(
      accounts,
      host,
      login,
      fc.array(fc.domain(), { maxLength: 2 }),
      (all, at, by, shared) => {
        const names = new AccountNames(all, shared);
        const choice = names.choose(at, by);
        if (choice.kind !== 'chosen') return;
        const chosen = all.find(({ account }) => account === choice.account);
        const own = [choice.account, ...(chosen?.otherNames ?? [])].map(foldAccountName);
        const label = foldAccountName((at ?? '').trim().split(/[.:]/)[0] ?? '');
        const said = [by ?? '', (by ?? '').split('.')[0] ?? ''].map(foldAccountName);
        expect(own.includes(label) || said.some((name) => own.includes(name))).toBe(true);
      },
    ),
  );
});

test('an account is reached at its own label and refused at the label of another, in any spelling', () => {
  const spelt = (text: string, upper: boolean, dash: boolean): string => {
    const dashed = dash ? text.replaceAll('_', '-') : text;
    return upper ? dashed.toUpperCase() : dashed;
  };
  fc.assert(
    fc.property(
      accounts,
      fc.nat(),
      fc.nat(),
      fc.boolean(),
      fc.boolean(),
      (all, i, j, upper, dash) => {
        const names = new AccountNames(all, []);
        const one = all[i % all.length]?.account ?? '';
        const two = all[j % all.length]?.account ?? '';
        const at = `${spelt(one, upper, dash)}.gw.example.com:443`;
        expect(names.ofHost(at)).toBe(one);
        expect(names.choose(at, spelt(two, !upper, !dash))).toEqual(
          one === two
            ? { kind: 'chosen', account: one }
            : { kind: 'conflict', ofHost: one, ofLogin: two },
        );
      },
    ),
  );
});

test('a dotted host name that begins with no account never chooses one', () => {
  fc.assert(
    fc.property(accounts, id, login, (all, label, by) => {
      const names = new AccountNames(all, []);
      const at = `x-${label}-none.example.com`;
      fc.pre(names.ofHost(at) === undefined);
      expect(names.choose(at, by).kind).toBe('unknownHost');
    }),
  );
});
