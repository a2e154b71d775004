/** A cancel counts from the moment it is answered, however far the statement is on its way upstream. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { eventually } from './support/eventually.js';
import { startSystem, type System } from './support/system.js';

const GATE = 4242;

let system: System;
let owner: pg.Client;
let client: RawClient;

beforeAll(async () => {
  system = await startSystem();
  owner = new pg.Client({ connectionString: system.database.ownerUrl });
  await owner.connect();
  // Holds the hand-over of statements while somebody has the lock.
  await owner.query(`
    CREATE FUNCTION tollgate.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NEW; END $$;
    CREATE TRIGGER wait_at_gate BEFORE UPDATE ON tollgate.ticket FOR EACH ROW
      WHEN (OLD.state = 'RESERVED' AND NEW.state = 'SENT') EXECUTE FUNCTION tollgate.wait_at_gate()`);
  client = new RawClient(Number(new URL(system.proxyUrl).port));
  expect((await client.login()).body.success).toBe(true);
}, 120_000);

afterAll(async () => {
  await owner?.end();
  await system?.stop();
});

async function ticketOf(requestId: string): Promise<Record<string, unknown>> {
  const { rows } = await system.database.db.query<Record<string, unknown>>(
    'SELECT state, ending, sent_at FROM ticket WHERE request_id = $1',
    [requestId],
  );
  return rows[0] ?? {};
}

function ranUpstream(marker: string): number {
  return system.warehouse.queryHistory().filter(({ started }) => started.text.includes(marker))
    .length;
}

function abort(requestId: string): Promise<unknown> {
  return client.send('POST', `/queries/v1/abort-request?requestId=${randomUUID()}`, { requestId });
}

test('one that is cancelled while its hold is handed over is never sent, and holds nothing', async () => {
  const requestId = randomUUID();
  await owner.query('SELECT pg_advisory_lock($1)', [GATE]);
  const reply = client.query('SELECT SYSTEM$WAIT(30) AS AT_THE_GATE', {}, requestId);
  await eventually(async () => {
    const { rows } = await owner.query(
      "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted",
      [GATE],
    );
    expect(rows).toHaveLength(1);
  });
  expect(await abort(requestId)).toMatchObject({ body: { success: true } });
  await owner.query('SELECT pg_advisory_unlock($1)', [GATE]);
  expect(await reply).toMatchObject({ body: { success: false, code: '000604' } });
  await eventually(async () => expect(await ticketOf(requestId)).toMatchObject({ state: 'VOID' }));
  expect(ranUpstream('AT_THE_GATE')).toBe(0);
  await expectNoOpenHolds(system.database.db);
  await expectInvariants(system.database.db);
});

test('one that another replica was asked to cancel while it waited is cancelled though it was sent since', async () => {
  const requestId = randomUUID();
  const reply = client.query('SELECT SYSTEM$WAIT(30) AS SENT_SINCE', {}, requestId);
  await eventually(() => expect(ranUpstream('SENT_SINCE')).toBe(1));
  await system.database.db.query(
    'UPDATE ticket SET cancel_asked_at = now() WHERE request_id = $1',
    [requestId],
  );
  expect(await reply).toMatchObject({ body: { success: false, code: '000604' } });
  await eventually(async () =>
    expect(await ticketOf(requestId)).toMatchObject({ state: 'SETTLED', ending: 'cancelled' }),
  );
  await expectNoOpenHolds(system.database.db);
});
