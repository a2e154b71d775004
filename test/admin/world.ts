import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { createAdminApp } from '../../admin/server.js';
import type { UpstreamProbe } from '../../admin/sign-in.js';
import { ensureControl } from '../../admin/stores/control-store.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { systemIds } from '../../base/ids.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import type { SealKey } from '../../base/sealing.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { type ManualClock, manualClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

export const TOKEN = 'a-token-of-the-test';
export const SEAL_KEYS: readonly SealKey[] = [{ id: 'test', key: Buffer.alloc(32, 5) }];

/** The admin API over a database with the demo document in it. */
export interface AdminWorld {
  readonly app: FastifyInstance;
  readonly database: TestDatabase;
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  call(
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; json: Record<string, unknown>; text: string; type: string }>;
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

export async function createAdminWorld(options: AdminWorldOptions = {}): Promise<AdminWorld> {
  const { first = demoControlDocument(), probe = { signIn: () => Promise.resolve() } } = options;
  const database = await createTestDatabase();
  const clock = manualClock();
  const ledger = createLedger(database.db, clock);
  if (first !== null) await ensureControl(database.db, first, clock.now());
  const app = await createAdminApp({
    log: silentLog,
    metrics: createMetrics(),
    readiness: () => [{ name: 'ledger', isReady: true, why: null }],
    listeners: () => [{ name: 'proxy', url: 'http://127.0.0.1:8080', purpose: 'drivers' }],
    api: {
      db: database.db,
      ledger,
      clock,
      token: TOKEN,
      ids: systemIds(),
      sealKeys: SEAL_KEYS,
      signIn: { sealKeys: SEAL_KEYS, randomBytes, probe },
    },
  });
  return {
    app,
    database,
    ledger,
    clock,
    call: async (method, path, body, headers = {}) => {
      const reply = await app.inject({
        method,
        url: path,
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      });
      const type = String(reply.headers['content-type'] ?? '');
      return {
        status: reply.statusCode,
        json: (type.includes('json') ? reply.json() : {}) as Record<string, unknown>,
        text: reply.body,
        type,
      };
    },
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}
