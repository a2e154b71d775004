/** Every panel's and variable's SQL, run on a database with a charge, a hold, a refusal and a budget. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderDashboards } from '../../dashboards/catalogue.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { expand, type TimeRange } from './macros.js';

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
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly {
    readonly format: string;
    readonly rawSql: string;
    readonly datasource: { readonly uid: string };
  }[];
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string;
    }[];
  };
}

const rendered = renderDashboards();
const dashboards = rendered.map(({ file, text }) => ({
  file,
  board: JSON.parse(text) as Dashboard,
}));
const panels = dashboards.flatMap(({ file, board }) =>
  board.panels.map((panel) => ({ file, panel })),
);

const NOON = new Date('2026-07-15T12:00:00Z');
const RANGE: TimeRange = { from: new Date(NOON.getTime() - 86_400_000), to: NOON };
const TEAMS = { team: ['sales', "o'brien"] };

const FLOAT8 = 701;
const TEXT = new Set([25, 19, 1043]);
const INSTANT = 1184;
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
  test.each(rendered)('$file is what its source builds', ({ file, text }) => {
    expect(readFileSync(new URL(`../../dashboards/${file}`, import.meta.url), 'utf8')).toBe(text);
  });

  test.each(dashboards)(
    '$file has panels with their own ids, places, units and words',
    ({ board }) => {
      const own = board.panels;
      expect(own.length).toBeGreaterThan(5);
      expect(new Set(own.map(({ id }) => id)).size).toBe(own.length);
      expect(new Set(own.map(({ title }) => title)).size).toBe(own.length);
      for (const panel of own) {
        expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
        expect(panel.fieldConfig.defaults.unit).toMatch(/\S/);
        expect(panel.description).toMatch(/\.$/);
        expect(own.filter((other) => other !== panel && overlap(panel, other))).toEqual([]);
      }
    },
  );

  test.each(dashboards)('$file names its data source by a variable only', ({ board }) => {
    expect(board.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    );
    for (const panel of board.panels) {
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const { uid } of [
        panel.datasource,
        ...panel.targets.map((target) => target.datasource),
      ]) {
        expect(uid).toBe('${datasource}');
      }
    }
  });
});

describe('the SQL', () => {
  test.each(panels)(
    'of $panel.title runs and has the columns its panel needs',
    async ({ panel }) => {
      for (const { rawSql, format } of panel.targets) {
        const { fields, rows } = await run(rawSql);
        expect(
          fields
            .map(({ dataTypeID }) => dataTypeID)
            .filter((oid) => oid === NUMERIC && format === 'table'),
        ).toEqual([]);
        expect(rows.length).toBeGreaterThan(0);
        if (format !== 'time_series') continue;
        expect(fields.slice(0, 2).map(({ name }) => name)).toEqual(['time', 'metric']);
        expect([NUMERIC, FLOAT8]).toContain(fields[0]?.dataTypeID);
        expect(TEXT).toContain(fields[1]?.dataTypeID);
        expect(fields.slice(2).map(({ dataTypeID }) => dataTypeID)).toEqual([FLOAT8]);
      }
    },
  );

  test.each(panels)('of $panel.title has numbers and instants as such', async ({ panel }) => {
    for (const { rawSql } of panel.targets) {
      const { fields } = await run(rawSql);
      for (const { name, dataTypeID } of fields) {
        const known = dataTypeID === FLOAT8 || TEXT.has(dataTypeID) || dataTypeID === INSTANT;
        expect(known || name === 'time', `${name} has type ${dataTypeID}`).toBe(true);
      }
    }
  });

  test('of the headline counts today, what is held, and what was refused', async () => {
    const value = async (title: string): Promise<unknown> => {
      const panel = panels.find((candidate) => candidate.panel.title === title)?.panel;
      return (await run(panel?.targets[0]?.rawSql ?? '')).rows[0];
    };
    expect(await value('Spent today')).toEqual({ currency: 'USD', spent: 6 });
    expect(await value('Credits today')).toEqual({ credits: 2 });
    expect(await value('Held now')).toEqual({ held: 1.5 });
    expect(await value('Refused')).toEqual({ refused: 1 });
  });

  test('of the budgets shows what remains', async () => {
    const panel = panels.find((candidate) => candidate.panel.title === 'Remaining against budget');
    const { rows } = await run(panel?.panel.targets[0]?.rawSql ?? '');
    expect(rows[0]).toMatchObject({
      kind: 'hard',
      limit: 10,
      spent: 2,
      held: 1.5,
      remaining: 6.5,
      used: 0.35,
    });
  });

  test.each(dashboards)('of the variables of $file gives the teams', async ({ board }) => {
    const queries = board.templating.list.filter(({ type }) => type === 'query');
    expect(queries.length).toBeGreaterThan(0);
    for (const { query } of queries) {
      expect((await client.query(query)).rows).toEqual([{ id: 'sales' }]);
    }
  });

  test('of an unknown macro or variable is not taken', () => {
    expect(() => expand('SELECT $__nonsense(a)', RANGE, TEAMS)).toThrow('unknown macro');
    expect(() => expand('SELECT ${nobody:sqlstring}', RANGE, TEAMS)).toThrow('unknown variable');
    expect(() => expand('SELECT $team', RANGE, TEAMS)).toThrow('not expanded');
  });
});

async function run(sql: string): Promise<pg.QueryResult<Record<string, unknown>>> {
  // Grafana knows nothing of our search path.
  await client.query('SET search_path = pg_catalog');
  return client.query<Record<string, unknown>>(expand(sql, RANGE, TEAMS));
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** One team with a budget of 10 credits: 2 charged, 1.5 held, one statement refused; all at 11:00 of the day. */
async function seed(db: pg.Client): Promise<void> {
  const at = '2026-07-15T11:00:00Z';
  await db.query(`INSERT INTO org_node (id, kind, name) VALUES ('sales', 'team', 'Sales')`);
  await db.query(
    `INSERT INTO budget (id, node_id, limit_kind, limit_credits, is_hard, period_kind)
     VALUES ('sales-day', 'sales', 'limited', 10, true, 'day')`,
  );
  await db.query(
    `INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits, spent_credits, held_credits)
     VALUES ('sales-day', '2026-07-15', '2026-07-16', 'limited', 10, 2, 1.5)`,
  );
  const ticket = (
    id: number,
    state: string,
    hold: number,
    refusal: string | null,
  ): Promise<unknown> =>
    db.query(
      `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id,
         snowflake_user, tier, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
         high_credits, expected_seconds, price_per_credit, currency, control_version, replica, hold_credits,
         refusal_code, refusal_message, occurred_at)
       VALUES ($1, $2, 'demo', 's', 'r', 'h', 'sales_analyst', 'sales', 'SALES', 'interactive', 'query', 'f',
         'SELECT ?', 'GUESS', 0, 1, 2, 1, 3, 'USD', 1, 'a', $3, $4, $5, $6)`,
      [
        `00000000-0000-7000-8000-00000000000${id}`,
        state,
        hold,
        refusal,
        refusal && 'Not run, nothing charged.',
        at,
      ],
    );
  await ticket(1, 'SETTLED', 2, null);
  await ticket(2, 'RUNNING', 1.5, null);
  await ticket(3, 'VOID', 0, 'TG2001');
  await db.query(
    `WITH j AS (
       INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
       VALUES ('settle', '00000000-0000-7000-8000-000000000001', 'k', 'test', 'test', $1) RETURNING id
     )
     INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, occurred_at, ended_at,
       credits, money, currency, price_per_credit, warehouse_ms)
     SELECT '00000000-0000-7000-8000-000000000001', id, 'demo', 'sales', 'sales_analyst', 'interactive', 'STANDARD_WH',
       $1, $1, 2, 6, 'USD', 3, 1000 FROM j`,
    [at],
  );
}
