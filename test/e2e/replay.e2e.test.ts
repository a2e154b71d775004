import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { must } from '../../base/assert.js';
import { main } from '../../cli/main.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { recordedTerminal } from '../cli/recorded-terminal.js';
import { expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { type Client, connectNode } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

/**
 * Marketing may spend about what a few scans of a day cost, so that a scan of everything is refused; a shape may take what
 * its scans of a day do, and less than one of twenty days more, so that it is stopped at its pace however fast the machine is.
 */
function withSmallBudget(document: ControlDocument): ControlDocument {
  return {
    ...document,
    runRates: [{ id: 'repeats', limitCreditsPerMonth: '0.018', slowAtPercent: 100 }],
    budgets: document.budgets.map((budget) =>
      budget.node === 'marketing' ? { ...budget, hard: true, limitCredits: '0.25' } : budget,
    ),
  };
}

const day = (of: number): string => `2026-03-${String(of).padStart(2, '0')}`;
const scan = (from: number, to: number): string =>
  `SELECT COUNTRY, SUM(REVENUE) AS R FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE BETWEEN '${day(from)}' AND '${day(to)}' GROUP BY 1`;

/** Repeated shapes, literals seen and unseen, a join, a refusal by rule or budget, one that fails. */
const STATEMENTS: readonly string[] = [
  ...[1, 2, 3, 4].map((of) => scan(of, of)),
  'SELECT COUNT(*) AS N FROM ORDERS WHERE O_ORDERKEY < 1000',
  'SELECT COUNT(*) AS N FROM ORDERS WHERE O_ORDERKEY < 2000',
  'SELECT n.N_NAME, COUNT(*) AS C FROM CUSTOMER c JOIN NATION n ON c.C_NATIONKEY = n.N_NATIONKEY GROUP BY 1',
  'SELECT NO_SUCH_COLUMN FROM ORDERS',
  scan(1, 1),
  'SELECT PAGE FROM ANALYTICS.WEB.EVENTS',
  scan(1, 20),
  scan(2, 21),
  scan(5, 5),
  'SELECT COUNT(*) AS N FROM ORDERS WHERE O_ORDERKEY < 1000',
];

const OVER_BUDGET = '712001';
const AT_PACE = '712110';

let system: System;
let client: Client;
let folder: string;

beforeAll(async () => {
  system = await startSystem({ control: withSmallBudget, timeScale: 20 });
  client = await connectNode(system.proxyUrl);
  folder = await mkdtemp(join(tmpdir(), 'tollgate-replay-'));
});

afterAll(async () => {
  await client?.close();
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Lived extends Record<string, unknown> {
  readonly basis: string;
  readonly expected_credits: string;
  readonly high_credits: string;
  readonly is_refused: boolean;
  readonly credits: string | null;
}

const TICKETS = `SELECT t.id, t.basis, t.expected_credits, t.high_credits, t.refusal_code IS NOT NULL AS is_refused,
  t.warehouse, t.warehouse_size, t.occurred_at, coalesce(t.started_at, t.occurred_at) AS started_at,
  coalesce(t.ended_at, t.occurred_at) AS ended_at, coalesce(t.ending, '') = 'succeeded' AS is_success,
  c.credits
FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id ORDER BY t.occurred_at, t.id`;

/** The same statements as an export would have them; a refused one takes no time. */
function asExport(tickets: readonly Lived[]): string {
  const header =
    'QUERY_ID,QUERY_TEXT,DATABASE_NAME,SCHEMA_NAME,USER_NAME,WAREHOUSE_NAME,WAREHOUSE_SIZE,START_TIME,END_TIME,EXECUTION_TIME,EXECUTION_STATUS,CREDITS_ATTRIBUTED_COMPUTE';
  const lines = tickets.map((ticket, index) => {
    const text = must(STATEMENTS[index], 'one ticket a statement').replaceAll('"', '""');
    const started = ticket['started_at'] as Date;
    const ended = ticket['ended_at'] as Date;
    return [
      String(index),
      `"${text}"`,
      'ANALYTICS',
      'TPCH',
      'MARKETING_ANALYST',
      String(ticket['warehouse']),
      String(ticket['warehouse_size']),
      started.toISOString(),
      ended.toISOString(),
      String(ended.getTime() - started.getTime()),
      ticket['is_success'] === true ? 'SUCCESS' : 'FAIL',
      ticket.credits ?? '',
    ].join(',');
  });
  return [header, ...lines].join('\n');
}

test('replayed under the same document, statements are priced and answered as they were when they ran', async () => {
  const refused: number[] = [];
  const codes: string[] = [];
  for (const [index, sql] of STATEMENTS.entries()) {
    const result = await client.run(sql);
    if (result.kind !== 'error' || !result.code.startsWith('712')) continue;
    refused.push(index);
    codes.push(result.code);
  }
  await eventually(() => expectNoOpenHolds(system.database.db));
  const { rows: tickets } = await system.database.db.query<Lived>(TICKETS);
  expect(tickets).toHaveLength(STATEMENTS.length);
  // Some of each, or the comparison says nothing.
  expect(new Set(codes)).toEqual(new Set([OVER_BUDGET, AT_PACE]));
  expect(new Set(tickets.map(({ basis }) => basis))).toEqual(new Set(['HISTORY', 'TABLE_STATS']));

  const history = join(folder, 'history.csv');
  const control = join(folder, 'control.yaml');
  const predictions = join(folder, 'predictions.csv');
  await writeFile(history, asExport(tickets));
  await writeFile(control, JSON.stringify(withSmallBudget(demoControlDocument())));
  const terminal = recordedTerminal();
  const options = ['--control', control, '--statistics', 'demo', '--predictions', predictions];
  expect(await main(['replay', history, ...options, '--json'], terminal)).toBe(0);

  const told = REPLAY.parse(JSON.parse(terminal.out()));
  expect(told.rows).toBe(STATEMENTS.length);
  expect(told.decisions).toEqual({
    allowed: STATEMENTS.length - refused.length,
    queued: 0,
    refused: refused.length,
    stopped: 0,
  });
  const turned = new Map(told.turned.map(({ by, statements }) => [by, statements]));
  const of = (code: string): number => codes.filter((each) => each === code).length;
  expect(turned).toEqual(
    new Map([
      ['budget: marketing-monthly', of(OVER_BUDGET)],
      ['run rate: repeats', of(AT_PACE)],
    ]),
  );
  const lines = (await readFile(predictions, 'utf8')).trim().split('\n').slice(1);
  expect(lines).toHaveLength(STATEMENTS.length);
  for (const [index, line] of lines.entries()) {
    const [, basis, , expectedCredits, holdCredits] = line.split(',');
    const lived = must(tickets[index], 'a ticket');
    expect(basis, STATEMENTS[index]).toBe(lived.basis);
    // To the millisecond that both are rounded up to.
    expect(Number(expectedCredits)).toBeCloseTo(Number(lived.expected_credits), 5);
    expect(Number(holdCredits)).toBeCloseTo(Number(lived.high_credits), 5);
  }
}, 60_000);

const REPLAY = z.object({
  rows: z.number(),
  decisions: z.record(z.string(), z.number()),
  turned: z.array(z.object({ by: z.string(), statements: z.number() })),
});
