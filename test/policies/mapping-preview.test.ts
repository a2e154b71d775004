import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addCredits, formatAmount, parseCredits, parseMoney } from '#base/units.js';
import { demoControlDocument } from '#policies/control/demo.js';
import type { ControlDocument, MappingDocument } from '#policies/control/document.js';
import { createPrincipalResolver } from '#policies/identity.js';
import { type CallerUse, mappingMoves } from '#policies/mapping-preview.js';

const withMapping = (
  mapping: readonly MappingDocument[],
  changes: Partial<ControlDocument> = {},
): ControlDocument => ({
  ...demoControlDocument(),
  networks: [{ id: 'office', cidrs: ['10.0.0.0/8'] }],
  ...changes,
  mapping,
});

let serial = 0;
const use = (snowflakeUser: string, changes: Partial<CallerUse> = {}): CallerUse => ({
  account: 'demo',
  snowflakeUser,
  role: null,
  currency: 'USD',
  statements: 10,
  credits: parseCredits('1.5'),
  money: parseMoney('4.5'),
  ticketId: `ticket-${(serial += 1)}`,
  ...changes,
});

const toSales = { match: { snowflakeUser: 'ETL_*' }, team: 'sales' };
const toLegal = { match: { snowflakeUser: 'ETL_*' }, team: 'legal' };

test('statements are summed by the team they leave and the team they reach', () => {
  const { moves, staying } = mappingMoves(
    withMapping([toSales]),
    withMapping([{ match: { snowflakeUser: 'ETL_A' }, team: 'legal' }, toSales]),
    [use('ETL_A'), use('ETL_A', { role: 'LOADER', statements: 1 }), use('ETL_B')],
  );
  expect(moves).toHaveLength(1);
  expect(moves[0]).toMatchObject({
    from: { kind: 'known', team: 'sales' },
    to: { kind: 'known', team: 'legal' },
    statements: 11,
    amounts: [{ currency: 'USD', money: parseMoney('9') }],
    principals: [{ from: 'DEMO/ETL_A', to: 'DEMO/ETL_A', statements: 11 }],
  });
  expect(formatAmount(moves[0]?.credits ?? parseCredits('0'))).toBe('3.000000000000');
  expect(staying.statements).toBe(10);
});

test('a user that nobody answers for any more, a suspended one and another principal are moves', () => {
  const document = demoControlDocument();
  const suspended = document.principals.map((each) => ({
    ...each,
    status: each.id === 'sales_analyst' ? ('suspended' as const) : each.status,
  }));
  const { moves } = mappingMoves(
    withMapping([toSales, { match: { snowflakeUser: 'ANNA' }, team: 'sales' }]),
    withMapping([{ match: { snowflakeUser: 'ANNA' }, principal: 'sales_analyst' }], {
      principals: suspended,
    }),
    [use('ETL_A'), use('ANNA'), use('NOBODY')],
  );
  expect(moves.map(({ from, to }) => [from.team, to.kind])).toEqual([
    ['sales', 'unknown'],
    ['sales', 'suspended'],
  ]);
  const samePayer = mappingMoves(
    withMapping([{ match: { snowflakeUser: 'ANNA' }, team: 'sales' }]),
    withMapping([{ match: { snowflakeUser: 'ANNA' }, principal: 'sales_analyst' }]),
    [use('ANNA')],
  );
  expect(samePayer.moves[0]).toMatchObject({
    from: { team: 'sales' },
    to: { team: 'sales' },
    principals: [{ from: 'DEMO/ANNA', to: 'sales_analyst' }],
  });
});

test('what depends on a network is undecided, unless the network changes nothing', () => {
  const inOffice = { match: { network: 'office' }, team: 'legal' };
  const kinds = (current: readonly MappingDocument[], next: readonly MappingDocument[]) => {
    const result = mappingMoves(withMapping(current), withMapping(next), [use('ETL_A')]);
    return [result.moves.length, result.undecided.statements, result.staying.statements];
  };
  expect(kinds([toSales], [inOffice, toSales])).toEqual([0, 10, 0]);
  expect(kinds([inOffice, toSales], [inOffice, toSales])).toEqual([0, 0, 10]);
  expect(kinds([toSales], [toSales, inOffice])).toEqual([0, 0, 10]);
  expect(kinds([toSales], [inOffice, toLegal])).toEqual([1, 0, 0]);
});

test('every statement is in one place, and a certain one where the resolvers say', () => {
  const rule: fc.Arbitrary<MappingDocument> = fc.record({
    match: fc
      .record(
        {
          snowflakeUser: fc.constantFrom('ETL_A', 'ETL_*', 'ANNA', '*'),
          role: fc.constantFrom('R', 'S'),
          network: fc.constant('office'),
        },
        { requiredKeys: [] },
      )
      .filter((match) => Object.keys(match).length > 0),
    team: fc.constantFrom('sales', 'legal'),
  });
  const caller = fc
    .tuple(fc.constantFrom('ETL_A', 'ETL_B', 'ANNA', 'X'), fc.constantFrom(null, 'R', 'S'))
    .map(([user, role]) => use(user, { role }));
  fc.assert(
    fc.property(fc.array(rule), fc.array(rule), fc.array(caller), (before, after, uses) => {
      const [current, next] = [withMapping(before), withMapping(after)];
      const { moves, undecided, staying } = mappingMoves(current, next, uses);
      const all = [...moves, undecided, staying];
      expect(all.reduce((sum, each) => sum + each.statements, 0)).toBe(uses.length * 10);
      expect(addCredits(...all.map(({ credits }) => credits))).toBe(
        addCredits(...uses.map(({ credits }) => credits)),
      );
      const [from, to] = [createPrincipalResolver(current), createPrincipalResolver(next)];
      const moving = uses.filter((each) =>
        ['10.0.0.1', '192.0.2.1'].every((address) => {
          const [a, b] = [from({ ...each, address }), to({ ...each, address })];
          return JSON.stringify(a) !== JSON.stringify(b);
        }),
      );
      const moved = moves.reduce((sum, each) => sum + each.statements, 0);
      expect(moved).toBeLessThanOrEqual(moving.length * 10);
    }),
  );
});
