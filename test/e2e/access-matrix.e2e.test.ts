/**
 * 15 teams × database, schema, table, column, class and action, each in every form in which a statement can name an object,
 * through the real Node driver and the SQL API: what is open runs, what is closed is refused and never reaches the warehouse.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOSED_BY, MATRIX_ACCESS, MATRIX_TEAMS } from '../policies/access/matrix-lists.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { SqlApiClient } from '../support/sql-api.js';
import { eventually } from './support/eventually.js';
import { connectNode } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';
import { connectOwner, newUpstreamToken } from './support/upstream-tokens.js';

type Kind = keyof typeof CLOSED_BY;
type Forms = Readonly<Record<string, string>>;

/** A read in every form; a copy of it is a definition, too. */
function readForms(column: string, table: string, copy: string): Forms {
  return {
    plain: `SELECT ${column} FROM ${table}`,
    cte: `WITH C AS (SELECT ${column} AS V FROM ${table}) SELECT V FROM C`,
    copied: `CREATE OR REPLACE TABLE ANALYTICS.LAB.${copy} AS SELECT ${column} AS V FROM ${table}`,
    identifier: `SELECT ${column} FROM IDENTIFIER('${table}')`,
    several: `SELECT 1 AS ONE; SELECT ${column} FROM ${table}`,
  };
}

/** What a team sends of each kind; tables that it makes have its name, so that nobody else makes them at the same time. */
function formsOf(team: string, front: string): Readonly<Record<Kind, Forms>> {
  const own = `OF_${team}_${front}`.toUpperCase().replaceAll('-', '_');
  const regions = 'AS SELECT R_NAME FROM ANALYTICS.TPCH.REGION';
  const none = 'SELECT * FROM ANALYTICS.TPCH.NATION WHERE N_NATIONKEY < 0';
  return {
    database: readForms('A', 'VAULT.S.T', own),
    schema: readForms('ID', 'ANALYTICS.HR.STAFF', own),
    table: readForms('ID', 'ANALYTICS.HR.PAYROLL', own),
    column: readForms('SALARY', 'ANALYTICS.HR.STAFF', own),
    class: {
      plain: `CREATE OR REPLACE TABLE ANALYTICS.LAB.${own} (A INT)`,
      cte: `CREATE OR REPLACE TABLE ANALYTICS.LAB.${own} AS WITH C AS (SELECT 1 AS A) SELECT A FROM C`,
      copied: `CREATE OR REPLACE TABLE ANALYTICS.LAB.${own} ${regions}`,
      identifier: `CREATE OR REPLACE TABLE IDENTIFIER('ANALYTICS.LAB.${own}') (A INT)`,
      several: `SELECT 1 AS ONE; CREATE OR REPLACE TABLE ANALYTICS.LAB.${own} (A INT)`,
    },
    action: {
      plain: `INSERT INTO ANALYTICS.TPCH.NATION ${none}`,
      cte: `INSERT INTO ANALYTICS.TPCH.NATION WITH C AS (${none}) SELECT * FROM C`,
      identifier: `INSERT INTO IDENTIFIER('ANALYTICS.TPCH.NATION') ${none}`,
      several: `SELECT 1 AS ONE; INSERT INTO ANALYTICS.TPCH.NATION ${none}`,
    },
  };
}

/** Whose way a statement takes: the text, and whether it is several statements → `ran`, or the code of its refusal. */
type Send = (text: string, isSeveral: boolean) => Promise<string>;

interface Cell {
  readonly name: string;
  readonly text: string;
  readonly isSeveral: boolean;
  readonly expected: string;
}

const REFUSED = '712103';

function cellsOf(team: string, front: string): readonly Cell[] {
  return Object.entries(formsOf(team, front)).flatMap(([kind, forms]) =>
    Object.entries(forms).map(([form, text]) => {
      const name = `${team} ${kind} ${form} ${front}`;
      const isDefinition = form === 'copied' && kind !== 'class';
      const closed =
        CLOSED_BY[kind as Kind](team) !== '' || (isDefinition && CLOSED_BY.class(team) !== '');
      return {
        name,
        text: `/* ${name} */ ${text}`,
        isSeveral: form === 'several',
        expected: closed ? REFUSED : 'ran',
      };
    }),
  );
}

let system: System;
beforeAll(async () => {
  system = await startSystem({ control: (document) => ({ ...document, access: MATRIX_ACCESS }) });
  const owner = await connectNode(system.warehouseUrl, {
    username: system.service.user,
    password: system.service.password,
  });
  for (const sql of [
    'CREATE DATABASE VAULT',
    'CREATE SCHEMA VAULT.S',
    'CREATE TABLE VAULT.S.T (A INT)',
    'CREATE SCHEMA ANALYTICS.HR',
    'CREATE TABLE ANALYTICS.HR.STAFF (ID INT, NAME TEXT, SALARY INT)',
    'CREATE TABLE ANALYTICS.HR.PAYROLL (ID INT, SALARY INT)',
    'CREATE SCHEMA ANALYTICS.LAB',
  ])
    await owner.rows(sql);
  await owner.close();
});

afterAll(async () => {
  if (system === undefined) return;
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system.stop();
});

/** Sends every cell of a team, and says what became of each. */
async function walk(cells: readonly Cell[], send: Send): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const { name, text, isSeveral } of cells) found[name] = await send(text, isSeveral);
  return found;
}

async function byDriver(team: string): Promise<Readonly<Record<string, string>>> {
  const client = await connectNode(system.proxyUrl, { username: `${team}_analyst` });
  const found = await walk(cellsOf(team, 'driver'), async (text, isSeveral) => {
    const result = await client.run(text, [], isSeveral ? 2 : 1);
    if (result.kind === 'rows') return 'ran';
    return result.message.startsWith('TG2103 Not run, nothing charged: ')
      ? result.code
      : `${result.code} ${result.message}`;
  });
  await client.close();
  return found;
}

async function bySqlApi(team: string, token: string): Promise<Readonly<Record<string, string>>> {
  const client = new SqlApiClient(system.proxyUrl, token);
  const place = { database: 'ANALYTICS', schema: 'TPCH', warehouse: 'STANDARD_WH' };
  return walk(cellsOf(team, 'api'), async (text, isSeveral) => {
    const parameters = isSeveral ? { parameters: { MULTI_STATEMENT_COUNT: '2' } } : {};
    const reply = await client.endOf(text, { ...place, ...parameters });
    if (reply.status === 200) return 'ran';
    return reply.status === 422 && String(reply.body.message).startsWith('TG2103 Not run, ')
      ? String(reply.body.code)
      : `${reply.status} ${reply.body.code} ${reply.body.message}`;
  });
}

/** Some seconds on a quiet machine. */
const WALK_MS = 60_000;

test(
  'what is open to a team runs and what is closed is refused, in every form and through both fronts',
  async () => {
    const owner = await connectOwner(system);
    const walks = MATRIX_TEAMS.map(async (team) => {
      const token = await newUpstreamToken(owner, `${team.toUpperCase()}_ANALYST`);
      return Promise.all([byDriver(team), bySqlApi(team, token)]);
    });
    const found = Object.assign({}, ...(await Promise.all(walks)).flat()) as Record<string, string>;
    const cells = MATRIX_TEAMS.flatMap((team) => [
      ...cellsOf(team, 'driver'),
      ...cellsOf(team, 'api'),
    ]);
    expect(found).toEqual(Object.fromEntries(cells.map(({ name, expected }) => [name, expected])));

    // It has looked: 15 teams, 29 statements of each through each front, both ends often.
    expect(cells).toHaveLength(15 * 29 * 2);
    const open = cells.filter(({ expected }) => expected === 'ran');
    expect(open.length).toBeGreaterThan(100);
    expect(cells.length - open.length).toBeGreaterThan(400);
    for (const kind of Object.keys(CLOSED_BY))
      for (const form of ['plain', 'cte', 'identifier', 'several'])
        expect(
          open.filter(({ name }) => name.includes(` ${kind} ${form} `)).length,
          `${kind} ${form}`,
        ).toBeGreaterThan(1);

    const texts = system.warehouse.queryHistory().map(({ started }) => started.text);
    const reached = new Set(
      texts.flatMap((text) => /\/\* (.+? (?:driver|api)) \*\//.exec(text)?.[1] ?? []),
    );
    expect([...reached].sort()).toEqual(open.map(({ name }) => name).sort());
  },
  WALK_MS,
);
