import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSealer } from '../../../base/sealing.js';
import type { AccountDocument } from '../../../policies/control/document.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '../../../base/service-keys.js';
import { loadConfig } from '../../../base/config.js';
import { applyControl } from '../../../admin/stores/control-store.js';
import { checkControl } from '../../../cli/examination/control.js';
import { checkDatabase, checkRights, databasePlace } from '../../../cli/examination/database.js';
import { checkTeamUsers } from '../../../cli/examination/team-users.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import { createTestDatabase, openTestPool, type TestDatabase } from '../../support/database.js';
import { ownerQuery } from '../../e2e/support/owner-query.js';

const now = (): number => Date.now();
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('the database', () => {
  test('with our schema and an application role is fine, and its clock is ours', async () => {
    const { findings, isUsable } = await checkDatabase('here', database.db, now);
    expect(isUsable).toBe(true);
    expect(findings.map(({ check, status }) => [check, status])).toEqual([
      ['database', 'ok'],
      ['rights', 'ok'],
      ['clock', 'ok'],
    ]);
  });

  test('whose clock is an hour off fails', async () => {
    const { findings } = await checkDatabase('here', database.db, () => now() - 3_600_000);
    expect(findings.at(-1)).toMatchObject({ check: 'clock', status: 'failed' });
  });

  test('that is empty is a note, and nothing more is asked of it', async () => {
    const empty = await createTestDatabase({ empty: true });
    const { findings, isUsable } = await checkDatabase('here', empty.db, now);
    expect(isUsable).toBe(false);
    expect(findings.find(({ check }) => check === 'schema')).toMatchObject({ status: 'note' });
    await empty.drop();
  });

  test('that lets nobody in says which word of the URL is wrong, and tells no secret', async () => {
    const said = async (change: (url: URL) => void): Promise<string> => {
      const url = new URL(database.url);
      change(url);
      const closed = openTestPool(url.href, 1);
      const { findings } = await checkDatabase('here', closed, now);
      await closed.stop();
      expect(findings).toMatchObject([{ check: 'database', status: 'failed' }]);
      return `${findings[0]?.says} ${findings[0]?.fix}`;
    };
    const password = await said((url) => (url.password = 'hunter2'));
    expect(password).toMatch(/refuses the user or its password \(28P01\)/);
    expect(password).not.toContain('hunter2');
    expect(await said((url) => (url.pathname = '/nowhere'))).toMatch(/no such database \(3D000\)/);
    expect(await said((url) => (url.port = '1'))).toMatch(/nobody listens.*\(ECONNREFUSED\)/);
  });

  test('of an older release is a note that names what must be stopped first; of a newer one fails', async () => {
    const old = await createTestDatabase();
    const forget = `DELETE FROM tollgate.migration WHERE name >= '0048'`;
    await ownerQuery(old, forget);
    const [, older] = (await checkDatabase('here', old.db, now)).findings;
    expect(older).toMatchObject({ check: 'schema', status: 'note' });
    expect(older?.fix).toMatch(/Stop every older process before: 0048_settled_in_place/);
    expect(older?.says).toMatch(/lacks \d+ migrations, 0048_settled_in_place to /);
    await old.drop();
    const newer = await createTestDatabase();
    await ownerQuery(
      newer,
      `INSERT INTO tollgate.migration (name, run_on) VALUES ('9999_b', now())`,
    );
    await ownerQuery(
      newer,
      `INSERT INTO tollgate.schema_release (name, older_may_run) VALUES ('9999_b', false)`,
    );
    const findings = (await checkDatabase('here', newer.db, now)).findings;
    expect(findings[1]).toMatchObject({ check: 'schema', status: 'failed' });
    expect(findings[1]?.says).toContain('9999_b');
    await newer.drop();
  });

  test('behind a pooler that drops or refuses what a connection says of itself fails, and names the way out', async () => {
    const pooled = openTestPool(database.url, 1);
    // What the next connection of a pooler by transactions has.
    await pooled.query('SET search_path = public');
    const dropped = await checkDatabase('here', pooled, now);
    await pooled.stop();
    // PgBouncer, of a parameter that it does not know.
    const unknown = Object.assign(new Error('unsupported startup parameter: options'), {
      code: '08P01',
    });
    const refusing = { query: () => Promise.reject(unknown) } as never;
    const refused = await checkDatabase('here', refusing, now);
    for (const { findings, isUsable } of [dropped, refused]) {
      expect(isUsable).toBe(false);
      expect(findings).toMatchObject([
        { status: 'failed', fix: expect.stringContaining('Name the server itself') },
      ]);
      expect(findings[0]?.says).toMatch(/pooler/);
    }
  });

  test('that takes no writes fails, although it answers', async () => {
    const standby = openTestPool(database.url, 1);
    await standby.query('SET default_transaction_read_only = on');
    const { findings, isUsable } = await checkDatabase('here', standby, now);
    await standby.stop();
    expect(isUsable).toBe(false);
    expect(findings).toMatchObject([
      { status: 'failed', says: expect.stringContaining('takes no writes') },
    ]);
  });

  test('that is away, or too old, fails in words', async () => {
    const gone = openTestPool('postgres://u:hunter2@127.0.0.1:1/d', 1);
    const away = await checkDatabase('127.0.0.1:1/d', gone, now);
    await gone.stop();
    expect(away).toMatchObject({ isUsable: false, findings: [{ status: 'failed' }] });
    expect(JSON.stringify(away)).not.toContain('hunter2');
    const rows = [{ number: 140_005, name: '14.5', at: String(now()) }];
    const old = { query: () => Promise.resolve({ rows, rowCount: 1 }) } as never;
    expect((await checkDatabase('old', old, now)).findings).toMatchObject([
      { status: 'failed', says: 'old is PostgreSQL 14.5' },
    ]);
  });

  test('whose role lacks a right fails with the grant that gives it', async () => {
    await ownerQuery(database, 'REVOKE INSERT ON tollgate.charge FROM tollgate_app');
    const finding = await checkRights(database.db);
    await ownerQuery(database, 'GRANT INSERT ON tollgate.charge TO tollgate_app');
    expect(finding).toMatchObject({
      status: 'failed',
      says: 'rights on our tables that tollgate_app lacks: 1',
    });
    expect(finding.statements).toEqual(['GRANT INSERT ON tollgate.charge TO tollgate_app;']);
  });

  test('whose role owns the tables is a note', async () => {
    const owner = openTestPool(database.ownerUrl, 1);
    expect(await checkRights(owner)).toMatchObject({ status: 'note' });
    await owner.stop();
  });

  test('that is embedded is found by its pid file and password, and only while both are there', () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'tollgate-embedded-'));
    const outcome = loadConfig({ environment: {} });
    if ('problems' in outcome) throw new Error('defaults are valid');
    expect(databasePlace(outcome.secrets, dataDir)).toBeUndefined();
    mkdirSync(path.join(dataDir, 'postgres', 'data'), { recursive: true });
    writeFileSync(path.join(dataDir, 'postgres', 'app-password'), 'abc\n');
    writeFileSync(
      path.join(dataDir, 'postgres', 'data', 'postmaster.pid'),
      '1\n/d\n1700000000\n5433\n',
    );
    expect(databasePlace(outcome.secrets, dataDir)).toEqual({
      url: 'postgres://tollgate_app:abc@127.0.0.1:5433/tollgate',
      place: 'embedded on 127.0.0.1:5433',
    });
    rmSync(dataDir, { recursive: true });
  });
});

describe('the control document', () => {
  const configured = [
    {
      account: 'demo',
      name: 'demo',
      origin: 'http://127.0.0.1:1',
      service: { user: null, privateKeyFile: null },
    },
  ];

  test('is skipped without a database, a note while there is none, and told once there is one', async () => {
    expect((await checkControl(null, configured)).findings).toMatchObject([{ status: 'skipped' }]);
    expect((await checkControl(database.db, configured)).findings).toMatchObject([
      { status: 'note', says: 'none yet, so proxies are not ready' },
    ]);
    await applyControl(database.db, {
      document: demoControlDocument(),
      actor: { id: 'test', role: 'platform' },
      reason: 'test',
      at: now(),
    });
    const { findings, document } = await checkControl(database.db, configured);
    expect(findings).toMatchObject([
      { status: 'ok', says: 'version 1: 15 teams, 16 budgets, 5 rules' },
      { check: 'account demo', status: 'ok' },
    ]);
    expect(document?.teams).toHaveLength(15);
  });

  test('that this program cannot read fails with the way back', async () => {
    const unread = {
      query: () =>
        Promise.resolve({ rows: [{ version: '9', document: { nonsense: 1 } }], rowCount: 1 }),
    } as never;
    expect((await checkControl(unread, configured)).findings).toMatchObject([
      { status: 'failed', fix: expect.stringContaining('rollback') },
    ]);
  });
});

describe('service users of teams', () => {
  const KEY = { id: 'k1', key: Buffer.alloc(32, 7) };
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();
  const accounts = [
    { id: 'passing', upstream: 'x', serviceUsers: [{ team: 'risk', snowflakeUser: 'R' }] },
    {
      id: 'demo',
      upstream: 'x',
      signIn: 'both' as const,
      serviceUsers: [
        { team: 'sales', snowflakeUser: 'TG_SALES' },
        { team: 'ml', snowflakeUser: 'TG_ML' },
        { team: 'legal', snowflakeUser: 'TG_LEGAL' },
      ],
    },
  ];

  async function insert(id: string, team: string, user: string, sealTeam = team): Promise<void> {
    const sealer = createSealer(SERVICE_KEY_PREFIX, [KEY], randomBytes);
    await database.db.query(
      `INSERT INTO service_key (id, account, team_id, snowflake_user, public_key, sealed_private_key, state, created_at, created_by, slot)
       VALUES ($1, 'demo', $2, $3, 'public', $4, 'active', now(), 'test', 1)`,
      [id, team, user, sealer.seal(pem, serviceKeyContext('demo', sealTeam, id))],
    );
  }

  test('are each tried with their own key, and each failure has its words', async () => {
    await insert('a', 'sales', 'tg_sales');
    await insert('b', 'ml', 'TG_ML', 'another-team');
    const tried: string[] = [];
    const check = (
      sealKeys: (typeof KEY)[],
      refusal?: Error,
      areKeysMadeOnDemand = false,
      of: readonly AccountDocument[] = accounts,
    ): ReturnType<typeof checkTeamUsers> =>
      checkTeamUsers(of, {
        db: database.db,
        sealKeys,
        areKeysMadeOnDemand,
        trySignIn(account, user, privateKeyPem) {
          tried.push(`${account}/${user}`);
          expect(privateKeyPem).toBe(pem);
          return refusal === undefined ? Promise.resolve() : Promise.reject(refusal);
        },
      });
    const found = await check([KEY]);
    expect(found.map(({ check: name, status }) => [name, status])).toEqual([
      ['keys of demo', 'note'],
      ['demo/sales', 'ok'],
      ['demo/ml', 'failed'],
    ]);
    expect(tried).toEqual(['demo/TG_SALES']);
    expect(found[2]?.says).toContain('cannot open');
    expect(found[0]?.says).toContain('no active key for legal:');
    expect((await check([]))[1]?.says).toContain('sealed under "k1"');
    // Where nothing else is taken, a team without a key is shut out; the embedded warehouse makes keys when needed.
    const only = accounts.map((account) => ({ ...account, signIn: 'terminated' as const }));
    expect((await check([KEY], undefined, false, only))[1]).toMatchObject({
      check: 'keys of demo',
      status: 'failed',
    });
    expect((await check([KEY], undefined, true))[0]).toMatchObject({ check: 'keys', status: 'ok' });
    expect((await check([KEY], new Error('JWT token is invalid')))[1]).toMatchObject({
      status: 'failed',
      says: expect.stringContaining('JWT token is invalid'),
    });
  });
});
