import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ApiRole } from '../../admin/actor.js';
import { type AdminOptions, createAdminApp } from '../../admin/server.js';
import type { AdminApi } from '../../admin/admin-api.js';
import type { UpstreamProbe } from '../../admin/sign-in.js';
import { ensureControl } from '../../admin/stores/control-store.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { systemIds } from '../../base/ids.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import type { Database } from '../../base/postgres/pool.js';
import type { SealKey } from '../../base/sealing.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { testBillsApi } from '../support/bills-api.js';
import { type ManualClock, manualClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

export const TOKEN = 'a-token-of-the-test';
export const SEAL_KEYS: readonly SealKey[] = [{ id: 'test', key: Buffer.alloc(32, 5) }];

export interface AdminReply {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly text: string;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** The admin API over a database with the demo document in it. */
export interface AdminWorld {
  readonly app: FastifyInstance;
  /** What the app is made of, for a second one beside it. */
  readonly options: AdminOptions & { readonly api: AdminApi };
  readonly database: TestDatabase;
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  call(
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<AdminReply>;
  /** Issues a token and gives its text. */
  /** A token of a person of its own, or of the one that is named. */
  issue(token: {
    readonly name?: string;
    readonly role: ApiRole;
    readonly team?: string;
    readonly principal?: string;
    readonly expiresAt?: string;
  }): Promise<string>;
  /** Statements that the API has sent to the database so far. */
  statements(): number;
  /** Lets real time pass: caches and caps of the API forget. */
  passReal(ms: number): void;
  close(): Promise<void>;
}

/** What an activation proves a key with. */
export type Probed = Parameters<UpstreamProbe['signIn']>[0];

export interface AdminWorldOptions {
  /** The document in force; null: none is. The demo's unless given. */
  readonly first?: ControlDocument | null;
  /** What takes the place of a sign-in upstream. */
  readonly probe?: UpstreamProbe;
}

export async function createAdminWorld(made: AdminWorldOptions = {}): Promise<AdminWorld> {
  const { first = demoControlDocument(), probe = { signIn: () => Promise.resolve() } } = made;
  const database = await createTestDatabase();
  const clock = manualClock();
  let realMs = 0;
  let sent = 0;
  const db: Database = {
    ...database.db,
    query: (text, values) => {
      sent += 1;
      return database.db.query(text, values);
    },
  };
  const ledger = createLedger(database.db, clock);
  if (first !== null) await ensureControl(database.db, first, clock.now());
  const options: AdminWorld['options'] = {
    log: silentLog,
    metrics: createMetrics(),
    readiness: () => [{ name: 'ledger', isReady: true, why: null }],
    listeners: () => [{ name: 'proxy', url: 'http://127.0.0.1:8080', purpose: 'drivers' }],
    api: {
      db,
      ledger,
      clock,
      token: TOKEN,
      ids: systemIds(),
      sealKeys: SEAL_KEYS,
      signIn: { sealKeys: SEAL_KEYS, randomBytes, probe },
      realNow: () => realMs,
      bills: testBillsApi(db, clock),
    },
  };
  const app = await createAdminApp(options);
  let issued = 0;
  const call: AdminWorld['call'] = async (method, path, body, headers = {}) => {
    const reply = await app.inject({
      method,
      url: path,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const type = String(reply.headers['content-type'] ?? '');
    return {
      status: reply.statusCode,
      json: (type.includes('json;') ? reply.json() : {}) as Record<string, unknown>,
      text: reply.body,
      type,
      headers: reply.headers,
    };
  };
  return {
    app,
    options,
    database,
    ledger,
    clock,
    call,
    issue: async (token) => {
      issued += 1;
      // Each of another person: tokens of one name are of one.
      const name = `of the test ${issued}`;
      const reply = await call('POST', '/api/v1/tokens', { name, ...token });
      return String(reply.json['secret']);
    },
    statements: () => sent,
    passReal: (ms) => {
      realMs += ms;
    },
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}
