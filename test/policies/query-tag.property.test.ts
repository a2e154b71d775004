import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidV7, type TicketId } from '#base/ids.js';
import {
  decodeQueryTag,
  encodeQueryTag,
  QUERY_TAG_LENGTH_MAX,
  type TollgateTag,
} from '#policies/query-tag.js';

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/);
const ticketId = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 47 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([at, random]) => uuidV7(at, random) as TicketId);
const ownTag: fc.Arbitrary<TollgateTag> = fc.record({
  ticketId,
  team: name,
  tier: name,
  src: fc.constantFrom('passthrough', 'terminated'),
});
const userTag = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4_000 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue(), { maxKeys: 5 })
    .map((value) => JSON.stringify(value)),
  fc.json(),
  fc.constantFrom('', ' ', '{}', '{"tg":"x"}', '{"team":"mine"}', '{"tag":1}', '{"cut":true}'),
);

test('a tag is JSON with our four keys whole and first, never above the limit', () => {
  fc.assert(
    fc.property(ownTag, fc.option(userTag), (tag, user) => {
      const text = encodeQueryTag(tag, user);
      expect(text.length).toBeLessThanOrEqual(QUERY_TAG_LENGTH_MAX);
      const fields = JSON.parse(text) as Record<string, unknown>;
      expect(Object.keys(fields).length).toBeGreaterThanOrEqual(4);
      expect(fields).toMatchObject({
        tg: tag.ticketId,
        team: tag.team,
        tier: tag.tier,
        src: tag.src,
      });
      expect(decodeQueryTag(text)?.tag).toEqual(tag);
    }),
    { numRuns: 500 },
  );
});

test('wrapping a tag of ours again replaces our keys and leaves the user part as it was', () => {
  fc.assert(
    fc.property(ownTag, ownTag, fc.option(userTag), (first, second, user) => {
      const once = encodeQueryTag(first, user);
      const twice = encodeQueryTag(second, once);
      expect(decodeQueryTag(twice)?.tag).toEqual(second);
      if (decodeQueryTag(once)?.isCut !== true) expect(twice).toBe(encodeQueryTag(second, user));
      expect(encodeQueryTag(second, twice)).toBe(twice);
    }),
    { numRuns: 500 },
  );
});

test('a user tag that fits comes back whole', () => {
  fc.assert(
    fc.property(
      ownTag,
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 }),
      (tag, user) => {
        fc.pre(decodeQueryTag(user) === undefined);
        const decoded = decodeQueryTag(encodeQueryTag(tag, user));
        expect(decoded).toMatchObject({ isCut: false });
        if (!user.trim().startsWith('{')) expect(decoded?.userTag).toBe(user);
      },
    ),
  );
});

const sample: TollgateTag = {
  ticketId: '019a0000-0000-7000-8000-000000000001' as TicketId,
  team: 'marketing',
  tier: 'interactive',
  src: 'passthrough',
};

test("the keys of a tool's JSON tag stay on the top level, as written", () => {
  const dbt = '{ "app": "dbt", "dbt_snowflake_query_tags_version":"2.5.0", "n": 1.0 }';
  const text = encodeQueryTag(sample, dbt);
  expect(JSON.parse(text)).toMatchObject({ app: 'dbt', tg: sample.ticketId });
  expect(decodeQueryTag(text)?.userTag).toBe(dbt);
});

test('a user cannot name another ticket or team by putting our keys into the tag', () => {
  const forged = '{"app":"x","tg":"019a0000-0000-7000-8000-00000000dead","team":"finance"}';
  const fields = JSON.parse(encodeQueryTag(sample, forged)) as Record<string, unknown>;
  expect(fields).toMatchObject({ tg: sample.ticketId, team: 'marketing', tag: forged });
});

test('a tag of ours that a client parsed and wrote with other spacing is still unwrapped', () => {
  const once = JSON.parse(encodeQueryTag(sample, '{"app":"dbt"}')) as Record<string, unknown>;
  const respaced = JSON.stringify(once, null, 1);
  const twice = encodeQueryTag({ ...sample, tier: 'batch' }, respaced);
  expect(JSON.parse(twice)).toEqual({ ...once, tier: 'batch' });
});

test.each(['', 'x'])(
  'a tag too long is cut at its end, said so, and never inside a character: %j',
  (head) => {
    const text = encodeQueryTag(sample, head + '💰'.repeat(1_500));
    const decoded = decodeQueryTag(text);
    expect(decoded?.isCut).toBe(true);
    expect(decoded?.userTag).toMatch(/^x?(💰)+$/u);
    expect(text.length).toBeGreaterThan(QUERY_TAG_LENGTH_MAX - 4);
  },
);
