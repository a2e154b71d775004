/** A statement that chose the off-peak hours, through the whole system by the real Node driver, on a clock of sixty. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { ControlDocument } from '../../policies/control/document.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { type Client, connectNode, type Row } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

const SCALE = 60;
const MINUTE_MS = 60_000;
/** Of the business clock: some seconds of ours. */
const AHEAD_MS = 4 * MINUTE_MS;

let system: System;
let client: Client;

beforeAll(async () => {
  system = await startSystem({ timeScale: SCALE });
  client = await connectNode(system.proxyUrl, { warehouse: 'STANDARD_WH' });
  // The first statement waits for the parser.
  await client.rows('SELECT COUNT(*) AS N FROM REGION');
});
afterAll(async () => {
  await client?.close();
  await system?.stop();
});

async function businessNow(): Promise<number> {
  const { body } = await system.admin('GET', '/api/v1/prices');
  return Date.parse(z.object({ at: z.string() }).parse(body).at);
}

/** Puts hours of the standard tier in force that begin soon; when they do. */
async function openSoon(): Promise<number> {
  const { body } = await system.admin('GET', '/api/v1/control');
  const current = z.object({ controlVersion: z.int(), document: z.unknown() }).parse(body);
  const document = current.document as ControlDocument;
  const opensAt = Math.ceil(((await businessNow()) + AHEAD_MS) / MINUTE_MS) * MINUTE_MS;
  const clock = (at: number): string => new Date(at).toISOString().slice(11, 16);
  const windows = [{ from: clock(opensAt), to: clock(opensAt + 6 * 60 * MINUTE_MS) }];
  const tiers = document.tiers.map((tier) =>
    tier.id === 'standard' ? { ...tier, offPeak: { timeZone: 'UTC', windows } } : tier,
  );
  const applied = await system.admin('PUT', '/api/v1/control', {
    document: { ...document, tiers },
    expectedVersion: current.controlVersion,
    reason: 'hours that begin soon',
  });
  expect(applied.status).toBe(200);
  return opensAt;
}

/** Submits without waiting, as `execute` with `asyncExec` does; the id that the driver was told. */
function submit(sqlText: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.connection.execute({
      sqlText,
      asyncExec: true,
      complete: (error, statement) => {
        if (error) reject(error);
        else resolve(statement.getQueryId());
      },
    });
  });
}

async function resultOf(queryId: string): Promise<readonly Row[]> {
  const statement = await client.connection.getResultsFromQueryId({ sqlText: '', queryId });
  const rows: Row[] = [];
  for await (const row of statement.streamRows()) rows.push(row as Row);
  return rows;
}

test('it is submitted by day, waits unpolled for its hours, runs in them, and is charged once', async () => {
  const opensAt = await openSoon();
  const text = '/* tollgate: off-peak */ SELECT COUNT(*) AS N FROM REGION WHERE R_REGIONKEY >= 0';
  const explained = `EXPLAIN COST ${text}`;
  // The proxy has the new version.
  await eventually(async () => expect((await client.run(explained)).kind).toBe('rows'));
  let id = '';
  await eventually(async () => {
    id = await submit(text);
  });
  const seen = await client.rows(
    `SELECT STATE, WAITS_FOR, RUNS_AT FROM TOLLGATE.MY_QUERIES WHERE TICKET = '${id}'`,
  );
  expect(seen).toMatchObject([{ STATE: 'RESERVED', WAITS_FOR: 'off-peak' }]);
  await eventually(async () => {
    const { rows } = await system.database.db.query<{ sent_at: Date | null; state: string }>(
      'SELECT state, sent_at FROM ticket WHERE id = $1',
      [id],
    );
    expect(rows).toMatchObject([{ state: 'SETTLED' }]);
    // A timer may be a millisecond early.
    expect(rows[0]?.sent_at?.getTime()).toBeGreaterThanOrEqual(opensAt - SCALE * 2);
  });
  expect(await resultOf(id)).toEqual([{ N: 5 }]);
  const { rows: charges } = await system.database.db.query(
    'SELECT count(*)::int AS n FROM charge WHERE ticket_id = $1',
    [id],
  );
  expect(charges).toEqual([{ n: 1 }]);
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
}, 60_000);
