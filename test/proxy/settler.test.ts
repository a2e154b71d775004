import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { silentLog, type Log } from '#base/log.js';
import { createMetrics } from '#base/metrics.js';
import type { Ledger, SettleOutcome } from '#billing/ledger.js';
import { createEvents } from '../../proxy/events.js';
import { openJournal } from '../../proxy/settlement/journal.js';
import { Settler } from '../../proxy/settlement/settler.js';
import { eventually } from '../e2e/support/eventually.js';
import { buildSettlement, buildTicket } from '../support/builders.js';

const directory = mkdtempSync(join(tmpdir(), 'tollgate-settler-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Submits one settlement and waits until it is no longer pending. */
async function settleOne(ledger: Ledger, log: Log): Promise<void> {
  const journal = await openJournal({ directory, bytesMax: 1e6, log: silentLog });
  const events = createEvents(createMetrics(), silentLog);
  const settler = new Settler({ ledger, journal, log, events });
  const { ticketId } = buildTicket();
  settler.submit(ticketId, buildSettlement(ticketId));
  await eventually(() => expect(settler.isPending(ticketId)).toBe(false));
  await settler.drain(AbortSignal.timeout(5000));
}

/** What is logged, and voided, when the ledger answers a settlement so. */
async function settledAs(outcome: SettleOutcome): Promise<{ said: string[]; voided: number }> {
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (_fields, message) => said.push(`error: ${message}`),
    info: (_fields, message) => said.push(`info: ${message}`),
  };
  let voided = 0;
  const ledger = {
    settle: () => Promise.resolve(outcome),
    voidOnEvidence: () => {
      voided += 1;
      return Promise.resolve({ kind: 'alreadyClosed', state: 'VOID' });
    },
  } as unknown as Ledger;
  await settleOne(ledger, log);
  return { said, voided };
}

test('an outage of the ledger is told of once, and that it is over', async () => {
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (_fields, message) => said.push(message),
    info: (_fields, message) => said.push(message),
  };
  let asked = 0;
  const ledger = {
    settle: () => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error('away')) : Promise.resolve({ kind: 'replayed' });
    },
  } as unknown as Ledger;
  await settleOne(ledger, log);
  expect(asked).toBe(3);
  expect(said).toEqual([
    'the ledger does not take settlements; they wait in the journal',
    'the ledger takes settlements again',
  ]);
});

test('one query that two have measured is no reason for anybody to act', async () => {
  const outcome = { kind: 'conflict', state: 'SETTLED', isSameQuery: true } as const;
  expect(await settledAs(outcome)).toEqual({
    said: ['info: a query was measured twice; the first charge stands'],
    voided: 0,
  });
});

test('another query than the one that is charged is an error, and so is one charged to another ticket', async () => {
  const said = ['error: a settlement contradicts the ledger; the ledger stands'];
  const conflict = { kind: 'conflict', isSameQuery: false } as const;
  expect(await settledAs({ ...conflict, state: 'SETTLED' })).toEqual({ said, voided: 0 });
  expect(await settledAs({ ...conflict, state: 'IN_DOUBT' })).toEqual({ said, voided: 1 });
});
