/**
 * New control versions while drivers run statements on two replicas. A ticket names the version that decided about it
 * and when it came in, so that what was decided on a version too old is counted afterwards, over every ticket.
 * Shown to look: with the notification and the poll taken out of `proxy/control/refresher.ts` it counts stale ones.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from './support/eventually.js';
import { connectNode, type Client } from './support/node-driver.js';
import { ownerQuery } from './support/owner-query.js';
import { startSystem, type System } from './support/system.js';
import { longRun } from '../support/long-run.js';

const CLIENTS_PER_REPLICA = 2;
/** After this long every replica decides by the new version. */
const STALE_AFTER_MS = 1000;

let system: System;
const clients: Client[] = [];

beforeAll(async () => {
  system = await startSystem({ replicas: 2 });
  for (const url of system.proxyUrls)
    for (let index = 0; index < CLIENTS_PER_REPLICA; index += 1)
      clients.push(await connectNode(url));
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await system?.stop();
});

interface Applied {
  readonly version: number;
  /** When the API had answered. */
  readonly atMs: number;
}

async function setLimit(limitCredits: string): Promise<Applied> {
  const { status, body } = await system.admin('PUT', '/api/v1/budgets/marketing', {
    limitCredits,
    reason: 'reload',
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return { version: (body as { controlVersion: number }).controlVersion, atMs: Date.now() };
}

/** Runs statements on every connection until told to stop; how many ended well, and what went wrong. */
function startLoad(): { stop(): Promise<{ ran: number; failures: readonly string[] }> } {
  let isStopping = false;
  let ran = 0;
  const failures: string[] = [];
  const loops = clients.map(async (client, index) => {
    for (let turn = 0; !isStopping; turn += 1) {
      const result = await client.run(
        `SELECT COUNT(*) FROM NATION WHERE N_NATIONKEY >= ${index * 1000 + (turn % 1000)}`,
      );
      if (result.kind === 'rows') ran += 1;
      else failures.push(`${result.code} ${result.message}`);
    }
  });
  return {
    async stop() {
      isStopping = true;
      await Promise.all(loops);
      return { ran, failures };
    },
  };
}

interface Decided {
  readonly control_version: string;
  readonly occurred_at: Date;
}

/** Of one ticket: by how long it was decided on a version that had a successor; 0: it had none. */
function staleMs(ticket: Decided, applied: readonly Applied[]): number {
  const version = Number(ticket.control_version);
  const successor = applied.find((each) => each.version > version);
  return successor === undefined ? 0 : Math.max(0, ticket.occurred_at.getTime() - successor.atMs);
}

test(
  'new versions under load fail no statement, and after a second none is decided on an old one',
  { timeout: 120_000 },
  async () => {
    const run = longRun('reloads', 30);
    const load = startLoad();
    const applied: Applied[] = [];
    for (let index = 0; index < run.count; index += 1) {
      applied.push(await setLimit(String(1000 + (index % 2))));
      if (index % 10 === 9) {
        const refused = await system.admin('PUT', '/api/v1/control', {
          document: { teams: 'none' },
          reason: 'broken',
        });
        expect(refused.status).toBe(400);
      }
    }
    const last = applied.at(-1);
    await eventually(async () => {
      const { body } = await system.admin('GET', '/api/v1/replicas');
      const { replicas } = body as { replicas: { controlVersion: number }[] };
      expect(replicas.map((each) => each.controlVersion)).toEqual([last?.version, last?.version]);
    });
    const { ran, failures } = await load.stop();
    expect(failures.slice(0, 5)).toEqual([]);
    const tickets = await ownerQuery<Decided>(
      system.database,
      'SELECT control_version, occurred_at FROM tollgate.ticket ORDER BY occurred_at',
    );
    const staleness = tickets.map((ticket) => staleMs(ticket, applied));
    const staleMax = staleness.reduce((a, b) => Math.max(a, b), 0);
    const versions = new Set(tickets.map((ticket) => ticket.control_version));
    // It looked: statements ran all along, and on many of the versions.
    expect(tickets.length).toBeGreaterThanOrEqual(ran);
    expect(ran).toBeGreaterThan(run.count / 2);
    expect(versions.size).toBeGreaterThan(run.count / 4);
    expect(staleMax).toBeLessThanOrEqual(STALE_AFTER_MS);
    run.report({
      versions: applied.length,
      statements: ran,
      failed: failures.length,
      onOldVersionAfter1s: staleness.filter((each) => each > STALE_AFTER_MS).length,
      staleMsMax: staleMax,
    });
  },
);
