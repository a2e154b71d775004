/** `npm run demo` as people run it, on a system that `serve` started; the clock runs 30 times as fast. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { must } from '../../base/assert.js';
import { parseCredits, NO_CREDITS } from '../../base/units.js';
import { RUNAWAY_TEAM } from '../../cli/demo/statements.js';
import { expand } from '../dashboards/macros.js';
import {
  isTyped,
  openingRange,
  panelQueries,
  variableQueries,
} from '../dashboards/panel-queries.js';
import { databaseUrl, startServed, type Served } from '../drivers/served.js';
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

/** What has no rows after a demo that went well and was short, and why. */
const QUIET: ReadonlySet<string> = new Set([
  // Every hour does.
  'Tollgate: finance month: Hours that do not add up yet',
  // All have ended.
  'Tollgate: money now: Dearest running statements',
  'Tollgate: team: Open statements',
  // No budget is near its limit, and nobody has a history to differ from.
  'Tollgate: money now: Thresholds passed',
  'Tollgate: money now: Unusual spending',
  'Tollgate: query shapes: Got dearer',
  // In three seconds nobody sends a statement twice.
  'Tollgate: query shapes: Run rate',
]);

test(
  'after it every panel and every variable of the dashboards has typed rows, but for what did not happen',
  { timeout: RUN_MS },
  async () => {
    const client = new pg.Client({ connectionString: databaseUrl(served) });
    await client.connect();
    try {
      await client.query('SET search_path = tollgate');
      const { rows: variables } = await client.query<{ team_id: string }>(
        must(variableQueries()[0], 'teams are a variable'),
      );
      expect(variableQueries()).toHaveLength(1);
      expect(variables).toHaveLength(TEAMS);
      const teams = variables.map(({ team_id: id }) => id);
      const { rows: latest } = await client.query<{ now: Date; month_end: Date }>(
        `SELECT now, date_trunc('month', now, 'UTC') - interval '1 second' AS month_end
         FROM (SELECT max(occurred_at) + interval '1 second' AS now FROM ticket) AS t`,
      );
      const { now, month_end: monthEnd } = must(latest[0], 'one row');
      const empty: string[] = [];
      for (const { board, panel, rawSql, opensAt, isOfTeams } of panelQueries()) {
        const team = isOfTeams ? teams : [RUNAWAY_TEAM];
        // Finance looks at the month that was seeded, and at the present one.
        const ends = opensAt === 'now/M' ? [now, monthEnd] : [now];
        let rows = 0;
        for (const end of ends) {
          const answer = await client.query(expand(rawSql, openingRange(opensAt, end), { team }));
          expect([panel, answer.fields.filter((field) => !isTyped(field))]).toEqual([panel, []]);
          rows += answer.rows.length;
        }
        if (rows === 0) empty.push(`${board}: ${panel}`);
      }
      const names = new Set(panelQueries().map(({ board, panel }) => `${board}: ${panel}`));
      expect(names.size).toBeGreaterThan(45);
      expect([...QUIET].filter((name) => !names.has(name))).toEqual([]);
      expect(empty.filter((name) => !QUIET.has(name))).toEqual([]);
    } finally {
      await client.end();
    }
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
