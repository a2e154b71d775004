import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidV7, type TicketId } from '#base/ids.js';
import { claimInTag, withoutClaim } from '#policies/claim-tag.js';
import { membersOf, withoutMember } from '#policies/json-members.js';
import { encodeQueryTag } from '#policies/query-tag.js';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJ0ZWFtIjoibWFya2V0aW5nIn0.c2lnbmF0dXJl';
const tagOf = (fields: object): string => JSON.stringify(fields);
const ours = {
  ticketId: uuidV7(0, new Uint8Array(10)) as TicketId,
  team: 'sales',
  tier: 'standard',
  src: 'driver',
};

test('the members of a JSON object are found where they stand, as JSON.parse reads them', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue(), { maxKeys: 6 }),
      fc.constantFrom(undefined, 1, '\t'),
      (value, space) => {
        const text = JSON.stringify(value, null, space);
        const members = membersOf(text) ?? [];
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(members.length).toBe(Object.keys(parsed).length);
        for (const { name, start, end, value: read } of members) {
          expect(read).toEqual(parsed[name]);
          expect(JSON.parse(`{${text.slice(start, end)}}`)).toEqual({ [name]: parsed[name] });
        }
        for (const { name } of members) {
          const { [name]: _, ...rest } = parsed;
          const without = withoutMember(text, name);
          expect(JSON.parse(without ?? '{}')).toEqual(rest);
        }
      },
    ),
  );
});

test('any text has members or has none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('{"a":1,}')), (text) => {
      let isObject = false;
      try {
        const value: unknown = JSON.parse(text);
        isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      } catch {
        // Not JSON: no members either.
      }
      expect(membersOf(text) !== undefined).toBe(isObject);
    }),
  );
});

test('a claim is read from the top level of a tag alone', () => {
  const named = { kind: 'named', token: TOKEN };
  expect(claimInTag(null)).toEqual({ kind: 'absent' });
  expect(claimInTag('nightly run')).toEqual({ kind: 'absent' });
  expect(claimInTag(tagOf({ app: 'x' }))).toEqual({ kind: 'absent' });
  expect(claimInTag(tagOf({ tollgate_claim: TOKEN, app: 'x' }))).toEqual(named);
  expect(claimInTag(`{"tollgate\\u005fclaim":"${TOKEN}"}`)).toEqual(named);
  expect(claimInTag(tagOf({ tollgate_claim: { jwt: TOKEN } })).kind).toBe('malformed');
  expect(claimInTag(tagOf({ app: { tollgate_claim: TOKEN } })).kind).toBe('malformed');
  expect(claimInTag(`tollgate_claim=${TOKEN}`).kind).toBe('malformed');
  expect(claimInTag(`{"tollgate_claim":"a","tollgate_claim":"${TOKEN}"}`).kind).toBe('malformed');
  expect(claimInTag(`{"tollgate_claim":"${TOKEN}"`).kind).toBe('malformed');
  expect(claimInTag(tagOf({ tollgate_claim: TOKEN, pad: 'x'.repeat(20_000) })).kind).toBe(
    'malformed',
  );
});

test('the rest of a tag stays as it was written', () => {
  expect(withoutClaim(`{ "app" : "x", "tollgate_claim":"${TOKEN}" , "n":1.0 }`)).toBe(
    '{"app" : "x","n":1.0}',
  );
  expect(withoutClaim(tagOf({ tollgate_claim: TOKEN }))).toBeNull();
  expect(withoutClaim('nightly run')).toBe('nightly run');
});

test('no claim travels upstream in the tag that we write', () => {
  const tag = fc.oneof(
    fc
      .tuple(fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue(), { maxKeys: 4 }), fc.nat(4))
      .map(([fields, at]) => {
        const entries = Object.entries(fields);
        entries.splice(at, 0, ['tollgate_claim', TOKEN]);
        return JSON.stringify(Object.fromEntries(entries));
      }),
    fc.tuple(fc.string(), fc.string()).map(([a, b]) => `${a}tollgate_claim${b}${TOKEN}`),
    fc.string().map((a) => `{"tollgate\\u005fclaim":"${TOKEN}","a":${JSON.stringify(a)}}`),
    fc.constantFrom(
      `{"tollgate_claim":"${TOKEN}","tollgate_claim":"${TOKEN}"}`,
      `{"x":{"tollgate_claim":"${TOKEN}"}}`,
      `{"tag":"tollgate_claim ${TOKEN}"}`,
      encodeQueryTag(ours, 'x').replace('"x"', `"x","tollgate_claim":"${TOKEN}"`),
    ),
  );
  fc.assert(
    fc.property(tag, (text) => {
      const sent = encodeQueryTag(ours, text);
      expect(sent).not.toContain(TOKEN);
      expect(sent).not.toContain('tollgate_claim');
      expect(JSON.parse(sent)).toMatchObject({ tg: ours.ticketId, team: 'sales' });
    }),
  );
});
