/**
 * `npm run test:console [-- --pictures <folder>] [--only <pattern>] [--charges <number>]`: starts the system as people do, plays `npm run demo` on it, and
 * does what each role does in a real Chromium. Every page is looked at by axe in both themes and two widths; a page that
 * logs an error, breaks the content policy or asks another host fails. `--pictures` writes what it saw into a folder; `--only` does the
 * tasks whose names match. `--charges` does none of them: it makes a ledger that has so many, and measures how soon every page is there.
 */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { silentLog } from '../../base/log.js';
import { openDatabase } from '../../base/postgres/pool.js';
import { startEmbeddedPostgres } from '../../base/postgres/launcher.js';
import { ROOT } from '../drivers/places.js';
import { startServed } from '../drivers/served.js';
import { findChromium, openBrowser, type Browser } from './browser.js';
import { meter } from '../support/metered-month.js';
import { callerOf, type CallApi, issueToken } from './calls.js';
import { drawContactSheets } from './contact-sheets.js';
import { writeCharges } from './many-charges.js';
import { IS_SEEDED_LATE, PAST_MONTH } from './finance-tasks.js';
import { paintTask } from './paints.js';
import { tasksOf } from './tasks.js';
import type { Task, Visit } from './visit.js';
import { OTHER_TEAM, OWN_LEAD, OWN_TEAM, playDemo, sendOne } from './traffic.js';
import { writeUnusual } from './unusual-spending.js';
import { CLIENT_ID, CLIENT_SECRET, startIdentityProvider } from '../support/identity-provider.js';

const BUNDLE_BYTES_MAX = 100 * 1024;
const ADMIN_TOKEN = 'admin-token-of-the-console-test';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string' },
    charges: { type: 'string' },
    only: { type: 'string' },
  },
});
const CHARGES = Number(values.charges ?? 0);
const chromiumPath = findChromium();
if (chromiumPath === undefined) {
  console.log('console: skipped, there is no Chromium here');
} else {
  process.exitCode = await run(chromiumPath);
}

async function run(executablePath: string): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-console-data-'));
  const ledger = await ledgerOf(folder);
  const provider = await startIdentityProvider();
  const adminPort = await freePort();
  const url = `http://127.0.0.1:${adminPort}`;
  const served = await startServed(folder, ['proxy', 'admin', 'worker', 'warehouse'], {
    TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN,
    TOLLGATE_ADMIN_PORT: String(adminPort),
    TOLLGATE_METER_INTERVAL_MS: '500',
    TOLLGATE_CONSOLE_PUBLIC_URL: url,
    TOLLGATE_OIDC_ISSUER: provider.issuer,
    TOLLGATE_OIDC_CLIENT_ID: CLIENT_ID,
    TOLLGATE_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    TOLLGATE_OIDC_ROLES: `admins=platform,leads=team-lead:${OWN_TEAM}`,
    ...ledger.environment,
  });
  try {
    await ledger.fill();
    const call = callerOf(url, ADMIN_TOKEN);
    const traffic = await playDemo(served, call, ADMIN_TOKEN);
    await ledger.makeUnusual(call);
    const browser = await openBrowser(executablePath);
    try {
      const failures = await doTasks(browser, {
        url,
        tokens: await tokensOf(url),
        refusedTicket: traffic.refusedTicket,
        otherRefusedTicket: traffic.otherRefusedTicket,
        pictures: values.pictures ?? null,
        provider,
        send: (user, text) => sendOne(served.proxyPort, { user, text }),
      });
      if (values.pictures !== undefined) await drawContactSheets(browser, values.pictures);
      return failures;
    } finally {
      await browser.close();
      await traffic.stop();
    }
  } finally {
    await served.stop();
    await ledger.stop();
    await provider.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the identity provider shall send people back to has to be known before the start. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface FilledLedger {
  readonly environment: Readonly<Record<string, string>>;
  /** Once the schema stands. */
  readonly fill: () => Promise<void>;
  /** Once statements ran. */
  readonly makeUnusual: (call: CallApi) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A Postgres of its own, so that its owner may write months into it. */
async function ledgerOf(folder: string): Promise<FilledLedger> {
  const postgres = await startEmbeddedPostgres({
    dataDir: path.join(folder, 'ledger'),
    log: silentLog,
    durable: false,
  });
  return {
    environment: { TOLLGATE_DATABASE_URL: postgres.ownerUrl },
    fill: async () => {
      if (IS_SEEDED_LATE) await writePastMonth(postgres.ownerUrl);
      if (CHARGES === 0) return;
      await writeCharges(postgres.ownerUrl, CHARGES);
      console.log(`      ${CHARGES} charges are in the ledger`);
    },
    makeUnusual: (call) => writeUnusual(postgres.ownerUrl, call),
    stop: () => postgres.stop(new AbortController().signal),
  };
}

/** A month that is over and metered, for finance to close while the demo's is too young. */
async function writePastMonth(url: string): Promise<void> {
  const options = { url, connectionsMax: 1, connectTimeoutMs: 10_000, statementTimeoutMs: 10_000 };
  const db = openDatabase({ ...options, applicationName: 'console-test' }, () => undefined);
  try {
    await meter(db, [
      {
        at: `${PAST_MONTH}-03T08:00:00Z`,
        lines: [
          { bucket: 'direct', team: 'marketing', credits: '41.25' },
          { bucket: 'direct', team: 'sales', credits: '17.5' },
          { bucket: 'direct', team: 'growth', credits: '8.125' },
          { bucket: 'idle', team: 'marketing', credits: '3.5' },
          { bucket: 'idle', team: null, credits: '0.75' },
        ],
      },
      {
        at: `${PAST_MONTH}-17T13:00:00Z`,
        lines: [
          { bucket: 'direct', team: 'marketing', credits: '12.25' },
          { bucket: 'direct', team: 'research', credits: '23.5' },
        ],
      },
    ]);
  } finally {
    await db.stop();
  }
}

async function tokensOf(url: string): Promise<Visit['tokens']> {
  const call = callerOf(url, ADMIN_TOKEN);
  const team = OWN_TEAM;
  return {
    platform: ADMIN_TOKEN,
    finance: await issueToken(call, { role: 'finance' }),
    'other-finance': await issueToken(call, { role: 'finance', name: 'controller' }),
    'team-lead': await issueToken(call, { role: 'team-lead', team, principal: OWN_LEAD }),
    'other-lead': await issueToken(call, { role: 'team-lead', team: 'marketing' }),
    analyst: await issueToken(call, { role: 'analyst', team, principal: `${team}_analyst` }),
    'other-analyst': await issueToken(call, {
      role: 'analyst',
      team: OTHER_TEAM,
      principal: `${OTHER_TEAM}_analyst`,
    }),
  };
}

async function doTasks(browser: Browser, visit: Visit): Promise<number> {
  let failed = bundleIsSmall() ? 0 : 1;
  const only = new RegExp(values.only ?? '');
  const tasks = (CHARGES === 0 ? tasksOf(visit) : [paintTask(visit, CHARGES)]).filter(({ name }) =>
    only.test(name),
  );
  if (tasks.length === 0) {
    console.log(`FAILED no task is called so: ${values.only}`);
    return 1;
  }
  for (const task of tasks) failed += (await isDone(browser, task)) ? 0 : 1;
  console.log(`\n${tasks.length + 1 - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function isDone(browser: Browser, { name, act }: Task): Promise<boolean> {
  const person = await browser.person();
  const startedAt = Date.now();
  const problem = await act(person).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  await person.close();
  const troubles = [...(problem === undefined ? [] : [problem]), ...person.troubles];
  console.log(
    `${troubles.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${Date.now() - startedAt} ms)`,
  );
  for (const trouble of troubles) console.log(`       ${trouble}`);
  return troubles.length === 0;
}

function bundleIsSmall(): boolean {
  const assets = path.join(ROOT, 'dist', 'console', 'assets');
  const bytes = readdirSync(assets).reduce(
    (sum, name) => sum + gzipSync(readFileSync(path.join(assets, name))).length,
    0,
  );
  const isSmall = bytes > 1000 && bytes <= BUNDLE_BYTES_MAX;
  console.log(`${isSmall ? 'ok    ' : 'FAILED'} the bundle has ${bytes} bytes of gzip`);
  return isSmall;
}
