/** Presets on the facts of real texts: what each refuses, what it lets by, and what it makes of what is not known. */
import { expect, test } from 'vitest';
import type { PresetDocument } from '#policies/control/document.js';
import { presetRule } from '#policies/control/presets.js';
import { createConditionCompiler } from '#policies/rules/condition.js';
import { decideText } from '#policies/rules/evaluate.js';
import { steersOf } from '#policies/rules/steers.js';
import { tableSizes } from '#policies/rules/table-sizes.js';
import type { TableStatistics } from '#policies/estimate/table-statistics.js';
import { sharedAnalyser } from '../../support/shared-analyser.js';
import { aContext, anEstimate, aSnapshot } from '../builders.js';
import { must } from '#base/assert.js';

const table = (
  gigabytes: number,
  columns: number,
  clusteringColumn: string | null,
): TableStatistics => ({
  bytes: gigabytes * 1e9,
  rows: 1,
  partitions: 1,
  clusteringColumn,
  low: null,
  high: null,
  columns: Object.fromEntries(Array.from({ length: columns }, (_, at) => [`C${at}`, 1 / columns])),
});
const TABLES: Readonly<Record<string, TableStatistics>> = {
  'A.S.BIG': table(900, 200, 'DAY'),
  'A.S.SMALL': table(1, 5, null),
};
const statistics = { table: (name: string) => TABLES[name] };

const PRESETS: Readonly<Record<string, PresetDocument>> = {
  scan: { id: 'p', preset: 'full-scan', mode: 'enforce', aboveGigabytes: 500 },
  cross: { id: 'p', preset: 'cross-join', mode: 'enforce', aboveGigabytes: 500 },
  star: { id: 'p', preset: 'select-star', mode: 'enforce', aboveColumns: 100 },
  writes: {
    id: 'p',
    preset: 'foreign-writes',
    mode: 'enforce',
    schemas: ['A.{team}', 'A.{team}_*'],
  },
  escape: { id: 'p', preset: 'tier-escape', mode: 'enforce' },
  confined: {
    id: 'p',
    preset: 'tier-escape',
    mode: 'enforce',
    warehouses: ['INTERACTIVE_*'],
    parameters: [],
  },
};

async function decided(name: string, sql: string, warehouse = 'INTERACTIVE_WH'): Promise<string> {
  const { statements } = await sharedAnalyser().analyse(
    sql,
    { database: 'A', schema: 'S' },
    { version: '1', columnsOf: () => undefined },
  );
  const steers = steersOf(sql, statements);
  const snapshot = aSnapshot([], { presets: [must(PRESETS[name], name)] });
  const base = aContext(snapshot, {
    team: must(snapshot.team('data-science'), 'a team'),
    warehouse,
  });
  return decideText(
    statements.map((facts, at) => ({
      facts,
      estimate: anEstimate(),
      location: 'none' as const,
      steers: steers[at] ?? [],
      sizes: tableSizes(facts, statistics),
    })),
    anEstimate(),
    { ...base, tier: { ...base.tier, opaque: 'allow' } },
  ).kind;
}

test.each(Object.entries(PRESETS))(
  'the rule of %s is a condition that is accepted',
  (_name, preset) => {
    const { when } = presetRule(preset);
    const result = createConditionCompiler().compile(when);
    expect(result.ok ? '' : `${result.problem}: ${when}`).toBe('');
  },
);

test.each([
  ['scan', 'select c1 from big'],
  ['scan', "select c1 from big where c2 = 'x'"],
  ['scan', "select a.c1 from big a join big b on a.c1 = b.c1 where a.day = '2026-01-01'"],
  ['scan', 'create table small2 as select c1 from big'],
  ['cross', 'select 1 from big, small'],
  ['star', 'select * from big'],
  ['star', 'select b.* from small s join big b on s.c1 = b.c1'],
  ['writes', 'insert into other.t select 1'],
  ['writes', 'create table s.t (a int)'],
  ['writes', 'drop schema data_science'],
  ['writes', 'call anything()'],
  ['writes', 'insert into identifier($t) select 1'],
  ['escape', 'alter warehouse batch_wh set warehouse_size = xlarge'],
  ['escape', 'create warehouse big_wh'],
  ['escape', "alter session set query_tag = 'x'"],
  ['escape', "alter session set timezone = 'UTC', statement_timeout_in_seconds = 0"],
  ['escape', 'alter session unset statement_timeout_in_seconds'],
  ['escape', 'alter session set "STATEMENT_TIMEOUT_IN_SECONDS" = 0'],
  ['escape', 'use warehouse identifier($w)'],
  ['escape', "execute immediate 'alter warehouse x resume'"],
  ['escape', "execute immediate 'use warehouse batch_wh'"],
  ['escape', 'select 1; alter warehouse batch_wh resume'],
  ['escape', 'show tables ->> alter warehouse batch_wh resume'],
  ['confined', 'use warehouse batch_wh'],
  ['confined', 'use warehouse "interactive wh"'],
])('%s refuses %s', async (name, sql) => {
  expect(await decided(name, sql)).toBe('refuse');
});

test.each([
  ['scan', "select c1 from big where day = '2026-01-01'"],
  ['scan', 'select c1 from small'],
  ['scan', 'select c1 from never_imported'],
  ['cross', 'select 1 from small a, small b'],
  ['cross', 'select 1 from big b join small s on b.c1 = s.c1'],
  ['star', 'select * from small'],
  ['star', 'select c1, c2 from big'],
  ['writes', 'insert into a.data_science.t select c1 from big'],
  ['writes', 'create table data_science_lab.t as select 1 as a'],
  ['writes', 'select c1 from big'],
  ['escape', 'use warehouse batch_wh'],
  ['escape', "alter session set timezone = 'UTC'"],
  ['escape', 'use role analyst'],
  ['escape', 'select 1'],
  ['confined', 'use warehouse interactive_wh'],
  ['confined', "alter session set query_tag = 'x'"],
])('%s lets %s by', async (name, sql) => {
  expect(await decided(name, sql)).toBe('allow');
});

test('a login on another warehouse is no way round', async () => {
  expect(await decided('confined', 'select c1 from small', 'BATCH_WH')).toBe('refuse');
});
