/** Every panel's and variable's SQL, run on a database with charges, holds, refusals, budgets and metered hours. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderDashboards } from '../../dashboards/catalogue.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { metricCatalogue } from '../support/metric-catalogue.js';
import { isTyped } from './panel-queries.js';
import { expand, type TimeRange } from './macros.js';
import { metricsOf } from './promql.js';
import { NOON, seed } from './seed.js';

interface Target {
  readonly refId: string;
  readonly format?: string;
  readonly rawSql?: string;
  readonly expr?: string;
  readonly datasource: { readonly uid: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly fieldConfig: {
    readonly defaults: { readonly unit?: string };
    readonly overrides: readonly { readonly matcher: { readonly options: string } }[];
  };
  readonly targets: readonly Target[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string;
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

const rendered = renderDashboards();
const dashboards = rendered.map(({ file, text }) => ({
  file,
  board: JSON.parse(text) as Dashboard,
}));
const panels = dashboards.flatMap(({ file, board }) =>
  board.panels.map((panel) => ({ file, panel })),
);
const onLedger = panels.filter(({ panel }) => panel.datasource.uid === '${datasource}');
const onMetrics = panels.filter(({ panel }) => panel.datasource.uid === '${metrics}');

const DAY: TimeRange = { from: new Date(NOON.getTime() - 86_400_000), to: NOON };
/** Finance chooses months. */
const MONTH: TimeRange = {
  from: new Date('2026-07-01T00:00:00Z'),
  to: new Date('2026-07-31T23:59:59Z'),
};
const TEAMS = { team: ['sales', "o'brien"] };

const FLOAT8 = 701;
const TEXT = new Set([25, 19, 1043]);
const NUMERIC = 1700;

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query('SET search_path = tollgate');
  await seed(client);
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

describe('a committed dashboard', () => {
  test('is one of five, with a name of its own', () => {
    expect(rendered.map(({ file }) => file)).toEqual([
      'finance-month.json',
      'money-now.json',
      'platform.json',
      'query-shapes.json',
      'team.json',
    ]);
    expect(new Set(dashboards.map(({ board }) => board.uid)).size).toBe(5);
    expect(new Set(dashboards.map(({ board }) => board.title)).size).toBe(5);
  });

  test.each(rendered)('$file is what its source builds', ({ file, text }) => {
    expect(readFileSync(new URL(`../../dashboards/${file}`, import.meta.url), 'utf8')).toBe(text);
  });

  test.each(dashboards)(
    '$file has panels with their own ids, places, units and words',
    ({ board }) => {
      const own = board.panels;
      expect(own.length).toBeGreaterThan(8);
      expect(new Set(own.map(({ id }) => id)).size).toBe(own.length);
      expect(new Set(own.map(({ title }) => title)).size).toBe(own.length);
      for (const panel of own) {
        expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
        expect(panel.fieldConfig.defaults.unit).toMatch(/\S/);
        expect(panel.description).toMatch(/\.$/);
        expect(own.filter((other) => other !== panel && overlap(panel, other))).toEqual([]);
        const refIds = panel.targets.map(({ refId }) => refId);
        expect(new Set(refIds).size).toBe(refIds.length);
      }
    },
  );

  test('that overlaps itself would be told', () => {
    const [first, second] = dashboards[0]?.board.panels ?? [];
    expect(first && second && overlap(first, second)).toBe(false);
    expect(first && overlap(first, first)).toBe(true);
  });

  test.each(dashboards)('$file names its data sources by variables only', ({ board }) => {
    for (const name of ['datasource', 'metrics'])
      expect(board.templating.list).toContainEqual(
        expect.objectContaining({ name, type: 'datasource' }),
      );
    for (const panel of board.panels) {
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const target of panel.targets) {
        expect(target.datasource.uid).toBe(panel.datasource.uid);
        expect(target.rawSql === undefined).toBe(target.datasource.uid === '${metrics}');
        expect(target.expr === undefined).toBe(target.datasource.uid === '${datasource}');
      }
    }
  });

  test.each(dashboards)('$file uses the variables that it has, and no other', ({ board }) => {
    const text = JSON.stringify(board.panels);
    const used = [...text.matchAll(/\$\{(\w+)(?::\w+)?\}/g)].map((match) => match[1]);
    const defined = board.templating.list.map(({ name }) => name);
    for (const name of used) expect(defined).toContain(name);
    for (const { name, type } of board.templating.list)
      if (type === 'query') expect(used).toContain(name);
  });
});

describe('the SQL', () => {
  test('is of most panels, and reads the views that are made for it', () => {
    expect(onLedger.length).toBeGreaterThan(35);
    for (const { panel } of onLedger)
      for (const { rawSql = '' } of panel.targets) {
        const read = [...rawSql.matchAll(/\btollgate\.(\w+)/g)].map((match) => match[1]);
        expect(read.length).toBeGreaterThan(0);
        for (const name of read) expect(name).toMatch(/^dash_/);
      }
  });

  test.each(onLedger)(
    'of $file, $panel.title, returns typed rows with the columns its panel needs',
    async ({ file, panel }) => {
      for (const { rawSql = '', format } of panel.targets) {
        const { fields, rows } = await run(rawSql, rangeOf(file));
        expect(rows.length).toBeGreaterThan(0);
        expect(fields.filter((field) => !isTyped(field))).toEqual([]);
        const names = fields.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const { matcher } of panel.fieldConfig.overrides)
          expect(names).toContain(matcher.options);
        if (format !== 'time_series') continue;
        expect(names.slice(0, 2)).toEqual(['time', 'metric']);
        expect([NUMERIC, FLOAT8]).toContain(fields[0]?.dataTypeID);
        expect(TEXT).toContain(fields[1]?.dataTypeID);
        expect(fields.slice(2).map(({ dataTypeID }) => dataTypeID)).toEqual([FLOAT8]);
      }
    },
  );

  test('of money now counts today up to the chosen moment, what is held, and what was refused', async () => {
    const file = 'money-now.json';
    expect(await rowsOf(file, 'Spent today')).toEqual([{ currency: 'USD', spent: 6.75 }]);
    expect(await rowsOf(file, 'Credits today')).toEqual([{ credits: 2.25 }]);
    expect(await rowsOf(file, 'Held now')).toEqual([{ held: 1.5 }]);
    expect(await rowsOf(file, 'Running now')).toEqual([{ running: 1 }]);
    expect(await rowsOf(file, 'Refused')).toEqual([{ refused: 1 }]);
    const [budget] = await rowsOf(file, 'Remaining against budget');
    expect(budget).toMatchObject({
      kind: 'hard',
      limit: 10,
      spent: 2,
      held: 1.5,
      remaining: 6.5,
      used: 0.35,
      forecast: 4,
    });
    const [running] = await rowsOf(file, 'Dearest running statements');
    expect(running).toMatchObject({
      used: 0.75,
      held: 1.5,
      'of its hold': 0.5,
      'held amount': 4.5,
    });
  });

  test('of a team shows that team only', async () => {
    const file = 'team.json';
    const brien = { team: ["o'brien"] };
    expect(await rowsOf(file, 'Credits', brien)).toEqual([{ credits: 0.25 }]);
    expect(await rowsOf(file, 'Refused', brien)).toEqual([{ refused: 0 }]);
    expect(await rowsOf(file, 'Open statements', brien)).toEqual([]);
    expect(await rowsOf(file, 'Least remaining', brien)).toEqual([{ remaining: 4.75 }]);
  });

  test('of the month adds up to what was metered, and names what does not', async () => {
    const file = 'finance-month.json';
    expect(await rowsOf(file, 'Metered')).toEqual([{ credits: 4 }]);
    expect(await rowsOf(file, 'Allocated')).toEqual([{ credits: 3 }]);
    expect(await rowsOf(file, 'Not yet allocated')).toEqual([{ credits: 1 }]);
    expect(await rowsOf(file, 'Bypass')).toEqual([{ share: 0.125 }]);
    const buckets = await rowsOf(file, 'Where metered credits went');
    expect(buckets.at(-1)).toMatchObject({ bucket: 'total', 'exact credits': '3' });
    expect(buckets.slice(0, -1).reduce((sum, row) => sum + Number(row['credits']), 0)).toBe(3);
    const [day] = await rowsOf(file, 'Reconciliation by day');
    expect(day).toMatchObject({
      'daily view': '4',
      'its hours': '4',
      'view − hours': '0',
      allocated: '3',
      'hours − allocated': '1',
      direct: '2',
      charged: '6.25',
    });
    expect(await rowsOf(file, 'Hours that do not add up yet')).toMatchObject([
      { state: 'problem', problem: 'no rate', 'exact difference': '1' },
    ]);
  });

  test('of shapes finds the one that got dearer, and the one that is new', async () => {
    const file = 'query-shapes.json';
    expect(await rowsOf(file, 'Got dearer')).toMatchObject([
      { team: 'sales', 'each before': 0.5, 'each now': 1, factor: 2, 'came to': 1 },
    ]);
    expect(await rowsOf(file, 'New shapes')).toMatchObject([{ team: "o'brien", credits: 0.25 }]);
    expect(await rowsOf(file, 'Run rate')).toMatchObject([{ statements: 2, 'in thirty days': 60 }]);
    expect(await rowsOf(file, 'Paid for nothing')).toMatchObject([{ ending: 'failed' }]);
  });

  test('of variables gives the teams', async () => {
    const queries = dashboards.flatMap(({ board }) =>
      board.templating.list.filter(({ type }) => type === 'query'),
    );
    expect(queries.length).toBeGreaterThan(2);
    for (const { query } of queries)
      expect((await client.query(query)).rows).toEqual([
        { team_id: "o'brien" },
        { team_id: 'sales' },
      ]);
  });

  test('of an unknown macro or variable is not taken', () => {
    expect(() => expand('SELECT $__nonsense(a)', DAY, TEAMS)).toThrow('unknown macro');
    expect(() => expand('SELECT ${nobody:sqlstring}', DAY, TEAMS)).toThrow('unknown variable');
    expect(() => expand('SELECT $team', DAY, TEAMS)).toThrow('not expanded');
  });
});

test('every metric that a panel asks for exists, with the labels it is asked by', () => {
  const known = new Map(metricCatalogue().metrics.map((each) => [each.name, each]));
  expect(onMetrics.length).toBeGreaterThan(20);
  for (const { panel } of onMetrics)
    for (const { expr = '' } of panel.targets)
      expect(metricsOf(expr, known).unknown, expr).toEqual([]);
  const wrong = metricsOf('sum by (team) (rate(tollgate_nothing_total[5m]))', known);
  expect(wrong.unknown).toEqual(['tollgate_nothing_total', 'team']);
});

async function run(
  sql: string,
  range: TimeRange,
  variables: Readonly<Record<string, readonly string[]>> = TEAMS,
): Promise<pg.QueryResult<Record<string, unknown>>> {
  // Grafana knows nothing of our search path.
  await client.query('SET search_path = pg_catalog');
  return client.query<Record<string, unknown>>(expand(sql, range, variables));
}

function rangeOf(file: string): TimeRange {
  return file === 'finance-month.json' ? MONTH : DAY;
}

async function rowsOf(
  file: string,
  title: string,
  variables: Readonly<Record<string, readonly string[]>> = TEAMS,
): Promise<readonly Record<string, unknown>[]> {
  const found = panels.find((each) => each.file === file && each.panel.title === title);
  const sql = found?.panel.targets[0]?.rawSql;
  if (sql === undefined) throw new Error(`no panel ${title}`);
  return (await run(sql, rangeOf(file), variables)).rows;
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
