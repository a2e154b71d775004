/** dashboards/team-datasource.sql: the role of one team reads no row of another, and no table. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderDashboards } from '../../dashboards/catalogue.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { expand } from './macros.js';
import { NOON, seed } from './seed.js';

const SCRIPT = readFileSync(
  new URL('../../dashboards/team-datasource.sql', import.meta.url),
  'utf8',
);
const ROLES = { sales: 'tollgate_team_sales', brien: "tollgate_team_o'brien" };

let database: TestDatabase;
let owner: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('SET search_path = tollgate');
  await seed(owner);
  await owner.query(SCRIPT);
});

afterAll(async () => {
  await owner.query('DROP SCHEMA IF EXISTS tollgate_team CASCADE');
  // Roles are the server's, not the database's.
  for (const role of Object.values(ROLES)) await owner.query(`DROP ROLE IF EXISTS ${quoted(role)}`);
  await owner.end();
  await database.drop();
});

/** Runs one query as a role, as if it had signed in. */
async function as(role: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  await owner.query(`SET ROLE ${quoted(role)}`);
  try {
    return (await owner.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await owner.query('RESET ROLE');
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function viewNames(schema: string): Promise<readonly string[]> {
  const { rows } = await owner.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.views WHERE table_schema = $1 ORDER BY 1',
    [schema],
  );
  return rows.map(({ name }) => name);
}

describe('the role of a team', () => {
  test('reads its own rows in every view, and none of another team', async () => {
    const views = await viewNames('tollgate_team');
    expect(views).toHaveLength(22);
    for (const view of views) {
      const teamOf = view.startsWith('dash_budget')
        ? 'node_id'
        : view === 'dash_allocation'
          ? 'paying_team_id'
          : 'team_id';
      const sql = `SELECT DISTINCT ${teamOf} AS team FROM tollgate_team.${view}`;
      const all = await owner.query<{ team: string }>(
        `SELECT DISTINCT ${teamOf} AS team FROM tollgate.${view}`,
      );
      expect(all.rows, view).toContainEqual({ team: 'sales' });
      expect(await as(ROLES.sales, sql), view).toEqual([{ team: 'sales' }]);
      const others = (await as(ROLES.brien, sql)).map(({ team }) => team);
      expect(
        others.filter((team) => team !== "o'brien"),
        view,
      ).toEqual([]);
    }
  });

  test('is shown the whole dashboard of teams, with the amounts of its own', async () => {
    const range = { from: new Date(NOON.getTime() - 86_400_000), to: NOON };
    const board = JSON.parse(
      renderDashboards().find(({ file }) => file === 'team.json')?.text ?? '',
    ) as { panels: { title: string; targets: { rawSql: string }[] }[] };
    const shown = async (role: string, title: string): Promise<unknown> => {
      const sql = board.panels.find((panel) => panel.title === title)?.targets[0]?.rawSql ?? '';
      // Both teams are asked for, as a reader who edits the query may do.
      const expanded = expand(sql, range, { team: ['sales', "o'brien"] });
      return as(role, expanded.replaceAll('tollgate.dash_', 'tollgate_team.dash_'));
    };
    expect(board.panels.length).toBeGreaterThan(10);
    for (const { title } of board.panels) await shown(ROLES.sales, title);
    expect(await shown(ROLES.sales, 'Credits')).toEqual([{ credits: 2 }]);
    expect(await shown(ROLES.brien, 'Credits')).toEqual([{ credits: 0.25 }]);
    for (const panel of ['Spend by principal', 'Spend by workload', 'Dearest shapes'])
      expect(await shown(ROLES.brien, panel)).toMatchObject([{ credits: 0.25 }]);
    expect(await shown(ROLES.brien, 'How good estimates were')).toMatchObject([{ statements: 1 }]);
  });

  test('sees through no function of its own what the filter holds back', async () => {
    // A cheap function would be run first, were the view not a barrier.
    await owner.query(
      `CREATE FUNCTION public.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
       $$ BEGIN RAISE EXCEPTION 'saw %', $1; END $$`,
    );
    await expect(
      as(ROLES.sales, `SELECT FROM tollgate_team.dash_team WHERE public.tell(team_id)`),
    ).rejects.toThrow('saw sales');
    await owner.query(
      `CREATE OR REPLACE FUNCTION public.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
       $$ BEGIN IF $1 <> 'sales' THEN RAISE EXCEPTION 'saw %', $1; END IF; RETURN true; END $$`,
    );
    for (const view of ['dash_team', 'dash_charge', 'dash_open_ticket', 'dash_shape_sum'])
      await as(ROLES.sales, `SELECT FROM tollgate_team.${view} WHERE public.tell(team_id)`);
  });

  test.each([
    'tollgate.charge',
    'tollgate.ticket',
    'tollgate.dash_charge',
    'tollgate.dash_budget',
    'tollgate.audit_event',
    'tollgate_team.member',
  ])('is refused %s', async (name) => {
    await expect(as(ROLES.sales, `SELECT FROM ${name}`)).rejects.toThrow('permission denied');
  });

  test('may not write, and may not become another role', async () => {
    await expect(
      as(ROLES.sales, `UPDATE tollgate_team.dash_team SET team_name = 'mine'`),
    ).rejects.toThrow(/permission denied|cannot update/);
    await expect(
      as(ROLES.sales, `INSERT INTO tollgate_team.member VALUES ('x', 'sales')`),
    ).rejects.toThrow('permission denied');
    const { rows } = await owner.query(
      `SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'tollgate_team_')
         AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
           OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid))`,
    );
    expect(rows).toEqual([]);
  });

  test('is guarded by the filter: without it the other team is seen', async () => {
    await owner.query('BEGIN');
    await owner.query(
      'CREATE OR REPLACE VIEW tollgate_team.dash_charge AS SELECT c.* FROM tollgate.dash_charge c',
    );
    const seen = await as(ROLES.sales, 'SELECT DISTINCT team_id FROM tollgate_team.dash_charge');
    await owner.query('ROLLBACK');
    expect(seen).toHaveLength(2);
  });
});

describe('the script', () => {
  test('changes nothing when it is run again', async () => {
    const state = async (): Promise<unknown> => [
      (await owner.query('SELECT * FROM tollgate_team.member ORDER BY 1')).rows,
      (
        await owner.query(
          `SELECT rolname, rolcanlogin FROM pg_roles WHERE starts_with(rolname, 'tollgate_team_') ORDER BY 1`,
        )
      ).rows,
      await viewNames('tollgate_team'),
    ];
    const before = await state();
    await owner.query(SCRIPT);
    expect(await state()).toEqual(before);
  });

  test('takes the view from a team that is set aside', async () => {
    await owner.query(`UPDATE tollgate.org_node SET is_active = false WHERE id = 'o''brien'`);
    await owner.query(SCRIPT);
    expect(await as(ROLES.brien, 'SELECT FROM tollgate_team.dash_charge')).toEqual([]);
    expect(
      await as(ROLES.sales, 'SELECT DISTINCT team_id FROM tollgate_team.dash_charge'),
    ).toHaveLength(1);
    await owner.query(`UPDATE tollgate.org_node SET is_active = true WHERE id = 'o''brien'`);
  });
});
