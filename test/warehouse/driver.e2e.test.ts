import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RowStatement } from 'snowflake-sdk';
import { connect } from './support/snowflake.js';
import { openWorld } from './support/world.js';
import type { World } from './support/world.js';

describe('the real Node driver against the warehouse', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.end());

  test('logs in with a team user and reads a value', async () => {
    const client = await connect(world.port);
    expect((await client.query('SELECT 7')).rows).toEqual([{ X: '7' }]);
    await client.close();
  });

  test('a wrong password is refused with 390100 and its words', async () => {
    await expect(connect(world.port, { password: 'wrong' })).rejects.toMatchObject({
      code: '390100',
      message: 'Incorrect username or password was specified.',
    });
  });

  test('login names are compared without case and a user with a hyphen has its role', async () => {
    const client = await connect(world.port, { username: 'Data-Science_Analyst' });
    const { rows } = await client.query('SELECT CURRENT_ROLE()');
    expect(rows).toEqual([{ CURRENT_ROLE: 'DATA_SCIENCE_ROLE' }]);
    await client.close();
  });

  test('binds arrive in their order', async () => {
    const client = await connect(world.port);
    await client.query('SELECT ?, ?', { binds: ['first', 'second'] });
    expect(world.engine.executed).toContain('SELECT ?, ?');
    await client.close();
  });

  test('an SQL error carries code, state, text and query id, and the session goes on', async () => {
    const client = await connect(world.port);
    await expect(client.query('BROKEN')).rejects.toMatchObject({
      code: '001003',
      sqlState: '42000',
    });
    expect((await client.query('SELECT 1')).rows).toHaveLength(1);
    await client.close();
  });

  test('session state follows USE, ALTER SESSION and SET, and comes with every answer', async () => {
    const client = await connect(world.port);
    await client.query('USE WAREHOUSE batch_wh');
    await client.query('use schema ANALYTICS.TPCH');
    await client.query("ALTER SESSION SET QUERY_TAG = 'mine'");
    await client.query('SET limit_value = 42');
    const { rows } = await client.query('SELECT $limit_value');
    expect(rows).toEqual([{ V: '42' }]);
    expect((await client.query('SELECT CURRENT_WAREHOUSE()')).rows).toEqual([
      { CURRENT_WAREHOUSE: 'BATCH_WH' },
    ]);
    expect((await client.query("SHOW PARAMETERS LIKE 'query_tag' IN SESSION")).rows).toMatchObject([
      { key: 'QUERY_TAG', value: 'mine', level: 'SESSION' },
    ]);
    await client.close();
  });

  test('a running statement is cancelled and ends with 000604', async () => {
    const client = await connect(world.port);
    const ended = new Promise<unknown>((resolve) => {
      const statement: RowStatement = client.connection.execute({
        sqlText: 'SELECT * FROM BIG 100000',
        complete: (error) => resolve(error),
      });
      const cancelWhenKnown = setInterval(() => {
        if (world.engine.executed.length === 0) return;
        clearInterval(cancelWhenKnown);
        statement.cancel(() => undefined);
      }, 5);
    });
    expect(await ended).toMatchObject({ code: '000604' });
    await client.close();
  });

  test('an asynchronous statement is followed by its status and fetched from another session of the user', async () => {
    const client = await connect(world.port);
    const queryId = await new Promise<string>((resolve, reject) => {
      client.connection.execute({
        sqlText: 'SELECT * FROM BIG 80',
        asyncExec: true,
        complete: (error, statement) => (error ? reject(error) : resolve(statement.getQueryId())),
      });
    });
    expect(await client.connection.getQueryStatus(queryId)).toBe('RUNNING');
    const other = await connect(world.port);
    const statement = await other.connection.getResultsFromQueryId({ queryId });
    expect(statement.getQueryId()).toBe(queryId);
    expect(await client.connection.getQueryStatus(queryId)).toBe('SUCCESS');
    await other.close();
    await client.close();
  });

  test('two sessions of one user keep their own state', async () => {
    const [a, b] = await Promise.all([connect(world.port), connect(world.port)]);
    await a.query('USE WAREHOUSE INTERACTIVE_WH');
    expect((await b.query('SELECT CURRENT_WAREHOUSE()')).rows).toEqual([
      { CURRENT_WAREHOUSE: 'STANDARD_WH' },
    ]);
    await Promise.all([a.close(), b.close()]);
  });

  test('an expired session token is renewed by the driver and the statement runs once', async () => {
    const client = await connect(world.port);
    world.warehouse.faults.expireTokens();
    expect((await client.query('SELECT 11')).rows).toEqual([{ X: '11' }]);
    expect(world.engine.executed.filter((sql) => sql === 'SELECT 11')).toHaveLength(1);
    await client.close();
  });

  test('a statement longer than the poll is polled for and its rows arrive', async () => {
    const client = await connect(world.port);
    // 120 GB on four nodes take 150 modelled seconds: 2.5 s, several polls.
    const { rows } = await client.query('SELECT * FROM BIG 120');
    expect(rows).toEqual([{ GB: '120' }]);
    await client.close();
  });

  test('a connection reset in the middle of a reply is repeated by the driver and runs once', async () => {
    const client = await connect(world.port);
    world.warehouse.faults.reset(20, { path: '/queries/v1/query-request', count: 1 });
    expect((await client.query('SELECT 12')).rows).toEqual([{ X: '12' }]);
    expect(world.engine.executed.filter((sql) => sql === 'SELECT 12')).toHaveLength(1);
    await client.close();
  });
});
