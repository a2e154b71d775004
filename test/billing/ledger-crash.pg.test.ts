/**
 * What the ledger has answered survives the death of its server. Shown to fail: without the flush after a settlement
 * the last charges were gone after the kill.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import { startEmbeddedPostgres } from '../../base/postgres/launcher.js';
import { createLedger } from '../../billing/create-ledger.js';
import { migrate } from '../../migrations/migrate.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { expectInvariants, openTestPool } from '../support/database.js';

// Four durable starts of a server: they wait for the disk that other tests use.
const STARTS_MS = 60_000;

test(
  'a sent ticket and a charge survive a kill -9 of the server at the very next moment',
  async () => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'tollgate-crash-'));
    const options = { dataDir, log: silentLog, durable: true };
    let server = await startEmbeddedPostgres(options);
    try {
      await migrate(server.ownerUrl, { log: silentLog });
      let db = openTestPool(server.appUrl, 2);
      await insertBudget(db, { id: 'b', limit: credits('100') });
      for (let round = 0; round < 3; round += 1) {
        const ledger = createLedger(db, manualClock());
        const [sent, settled] = [buildTicket(), buildTicket()];
        await ledger.reserve({ ticket: settled, budgetIds: ['b'], holdCredits: credits('1') });
        await ledger.reserve({ ticket: sent, budgetIds: ['b'], holdCredits: credits('1') });
        await ledger.markSent(sent.ticketId, NOON);
        await ledger.settle(buildSettlement(settled.ticketId));
        process.kill(
          Number(
            readFileSync(path.join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split(
              '\n',
            )[0],
          ),
          'SIGKILL',
        );
        await server.stop(new AbortController().signal);
        await db.stop();
        server = await startEmbeddedPostgres(options);
        db = openTestPool(server.appUrl, 2);
        const again = createLedger(db, manualClock());
        expect(await again.settle(buildSettlement(settled.ticketId))).toEqual({ kind: 'replayed' });
        expect(await again.openTickets()).toMatchObject([
          { ticketId: sent.ticketId, state: 'SENT' },
        ]);
        await again.voidOnEvidence(sent.ticketId, 'end of the round');
        await expectInvariants(db);
      }
      await db.stop();
    } finally {
      await server.stop(AbortSignal.abort());
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
  STARTS_MS,
);
