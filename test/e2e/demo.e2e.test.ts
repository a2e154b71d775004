/** `npm run demo` as people run it, on a system that `serve` started; the clock runs 30 times as fast. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { parseCredits, NO_CREDITS } from '../../base/units.js';
import { startServed, type Served } from '../drivers/served.js';
import { runTollgate } from '../support/tollgate-command.js';

const TEAMS = 15;
const RUN_MS = 120_000;

const DEMO = z.object({
  month: z.object({
    month: z.string(),
    statements: z.number().nullable(),
    importedRows: z.number().nullable(),
  }),
  teams: z
    .array(
      z.object({
        team: z.string(),
        answered: z.number(),
        refused: z.number(),
        failed: z.number(),
        spentCredits: z.string(),
      }),
    )
    .optional(),
  runaway: z.object({ kind: z.string(), says: z.string() }).optional(),
});

let folder: string;
let served: Served;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-demo-'));
  served = await startServed(folder, ['proxy', 'admin', 'worker', 'warehouse'], {
    TOLLGATE_TIME_SCALE: '30',
    TOLLGATE_METER_INTERVAL_MS: '200',
  });
}, RUN_MS);

afterAll(async () => {
  await served?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  return runTollgate(served, args, more);
}

test(
  'fifteen teams work on a seeded month, a full scan is refused before it runs, and the runaway is stopped by its ceiling',
  { timeout: RUN_MS },
  async () => {
    const {
      month,
      teams = [],
      runaway,
    } = DEMO.parse(
      JSON.parse(await run(['demo', '--seconds', '3', '--statements-per-day', '15', '--json'])),
    );
    expect(month.statements).toBeGreaterThan(300);
    expect(teams).toHaveLength(TEAMS);
    for (const { team, answered, failed, spentCredits } of teams) {
      expect([team, failed, answered > 0]).toEqual([team, 0, true]);
      expect([team, parseCredits(spentCredits) > NO_CREDITS]).toEqual([team, true]);
    }
    expect(runaway).toMatchObject({
      kind: 'stopped',
      says: expect.stringMatching(/^TG4001 Stopped /),
    });
  },
);

test(
  'a second run writes nothing twice, and the month is reconciled to the last unit',
  { timeout: RUN_MS },
  async () => {
    const { month, teams } = DEMO.parse(JSON.parse(await run(['demo', '--month-only', '--json'])));
    expect(month).toMatchObject({ statements: null, importedRows: null });
    expect(teams).toBeUndefined();
    const { reconciliation } = JSON.parse(
      await run(['cost', '--month', month.month, '--json']),
    ) as { readonly reconciliation: Readonly<Record<string, unknown>> };
    expect(reconciliation).toMatchObject({ staleHours: 0, problems: [], differences: [] });
    expect(reconciliation['hours']).toBeGreaterThan(300);
    expect(reconciliation['allocatedCredits']).toBe(reconciliation['meteredCredits']);
  },
);

test('in front of a real account it ends before anything is sent, and says how to run it', async () => {
  const refused = await run(['demo'], {
    TOLLGATE_UPSTREAM: 'https://myorg-prod.snowflakecomputing.com',
  }).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The demo runs on the embedded warehouse only'),
  });
  const nowhere = await run(['demo'], { TOLLGATE_WAREHOUSE_PORT: '0' }).catch(
    (thrown: unknown) => thrown,
  );
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('WAREHOUSE_PORT') });
  const wrong = await run(['demo', '--seconds', '0']).catch((thrown: unknown) => thrown);
  expect(wrong).toMatchObject({ code: 2 });
});
