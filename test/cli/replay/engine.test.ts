import { expect, test } from 'vitest';
import { assert } from '../../../base/assert.js';
import { parseCredits } from '../../../base/units.js';
import type { Freeze } from '../../../billing/freezes.js';
import { StandingBook } from '../../../billing/standing-book.js';
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { replay } from '../../../cli/replay/engine.js';
import type { HistorySource } from '../../../cli/replay/history-source.js';
import { govern } from '../../../cli/replay/judge.js';
import { observe } from '../../../cli/replay/observe.js';
import type { Prediction } from '../../../cli/replay/predictions.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ReplayFigures } from '../../../cli/replay/tally.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { createSnapshot } from '../../../policies/control/snapshot.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import { SpendBook } from '../../../proxy/running/spend-book.js';

const NOON = Date.UTC(2026, 4, 4, 12);

/** A query of ten seconds on an X-Small; its text is not known. */
function aRow(changes: Partial<ReplayRow> & { readonly at?: number } = {}): ReplayRow {
  const { at = 0, ...others } = changes;
  const submittedAt = NOON + at * 1_000;
  const executionMs = changes.executionMs ?? 10_000;
  return {
    queryId: `q-${at}`,
    queryText: null,
    shapeHash: 'a-shape',
    textHash: null,
    queryType: 'SELECT',
    database: null,
    schema: null,
    account: 'demo',
    user: 'MARKETING_ANALYST',
    role: null,
    sessionId: null,
    warehouse: 'INTERACTIVE_WH',
    warehouseSize: 'X-Small',
    cluster: null,
    queryTag: null,
    client: null,
    isOffPeak: false,
    submittedAt,
    startedAt: submittedAt,
    endedAt: submittedAt + executionMs,
    executionMs,
    isSuccess: true,
    bytesScanned: null,
    credits: null,
    ticket: null,
    ...others,
  };
}

interface Run {
  readonly figures: ReplayFigures;
  readonly predictions: readonly Prediction[];
}

async function run(
  rows: readonly ReplayRow[],
  document?: ControlDocument,
  freezes: readonly Freeze[] = [],
): Promise<Run> {
  const history = new HistoryStore(1_000);
  const spends = new SpendBook(1_000);
  const parts = { history, statistics: { table: () => undefined } };
  const snapshot = document === undefined ? null : createSnapshot(document, 0);
  const book = snapshot === null ? null : new StandingBook(bookBudgets(snapshot.document.budgets));
  const predictions: Prediction[] = [];
  const figures = await replay({
    source: sourceOf(rows),
    judge:
      snapshot === null || book === null
        ? observe(parts)
        : govern(snapshot, {
            ...parts,
            standing: (ids, at) => book.standing(ids, at),
            freezes,
            spends,
          }),
    analyser: {
      analyse: () => Promise.reject(new Error('there is no text')),
      stop: () => Promise.resolve(),
    },
    catalogue: { version: 'none', columnsOf: () => undefined },
    history,
    book,
    spends,
    predict: (some) => {
      predictions.push(...some);
      return Promise.resolve();
    },
  });
  return { figures, predictions };
}

function sourceOf(rows: readonly ReplayRow[]): HistorySource {
  return {
    intake: {
      rows: rows.length,
      leftOut: { unreadable: 0, unfinished: 0, repeated: 0 },
      columns: ['WAREHOUSE_SIZE'],
      consequences: [],
      lastAt: 0,
    },
    async *batches() {
      await Promise.resolve();
      yield rows;
    },
    close: () => Promise.resolve(),
  };
}

/** The demo with amounts that the rows below are near to. */
function aDocument(
  changes: { readonly limitCredits?: string; readonly ceilingCredits?: string } = {},
): ControlDocument {
  const demo = demoControlDocument();
  return {
    ...demo,
    rules: [],
    tiers: demo.tiers.map((tier) => ({
      ...tier,
      concurrencyMax: 2,
      guessExpectedCredits: '0.002',
      guessHoldCredits: '0.004',
      ceilingCredits: changes.ceilingCredits ?? '1',
    })),
    budgets: demo.budgets.map((budget) =>
      budget.node === 'marketing' && changes.limitCredits !== undefined
        ? { ...budget, hard: true, limitCredits: changes.limitCredits }
        : { ...budget, limitCredits: 'unlimited' },
    ),
  };
}

test('a statement is predicted from what had ended when it came, and from nothing later', async () => {
  const { predictions } = await run([
    aRow({ at: 0 }),
    // The first has not ended.
    aRow({ at: 5 }),
    aRow({ at: 60 }),
  ]);
  expect(predictions.map(({ basis }) => basis)).toEqual(['GUESS', 'GUESS', 'HISTORY']);
});

test('statements that run at once share the time of their warehouse, and last as long as they did', async () => {
  const pair = (at: number): readonly ReplayRow[] => [
    aRow({ at, queryId: `a-${at}` }),
    aRow({ at, queryId: `b-${at}` }),
  ];
  const rows = Array.from({ length: 20 }, (_, index) => pair(index * 60)).flat();
  const { figures, predictions } = await run(rows);
  const last = predictions.at(-1);
  assert(last !== undefined && last.expectedSeconds !== null, 'every row is predicted');
  // Ten seconds each, at once: five warehouse-seconds each, at 1 credit an hour.
  expect(last.expectedCredits).toBe(parseCredits('0.001388888889'));
  expect(Math.abs(last.expectedSeconds - 10)).toBeLessThan(0.5);
  expect(figures.usedCredits).toBe(parseCredits('0.05555555556'));
});

test('clusters of a warehouse do not share their time', async () => {
  const { figures } = await run([
    aRow({ queryId: 'a', cluster: 1 }),
    aRow({ queryId: 'b', cluster: 2 }),
  ]);
  expect(figures.usedCredits).toBe(parseCredits('0.005555555556'));
});

test('credits that the history states are what a statement used', async () => {
  const { figures } = await run([aRow({ credits: '0.5' })]);
  expect(figures.usedCredits).toBe(parseCredits('0.5'));
});

test('statements without a warehouse and failed ones are counted, and score no estimate', async () => {
  const { figures } = await run([
    aRow({ at: 0, warehouseSize: null }),
    aRow({ at: 60, isSuccess: false }),
    aRow({ at: 120, queryType: 'SHOW' }),
    aRow({ at: 180 }),
  ]);
  expect(figures).toMatchObject({ rows: 4, unscored: 3, decisions: { allowed: 4 } });
  expect(figures.byBasis).toHaveLength(1);
  expect(figures.byBasis[0]).toMatchObject({ basis: 'GUESS', rows: 1 });
});

test('a hard budget refuses what it has not left, and what that saved is told', async () => {
  const rows = Array.from({ length: 10 }, (_, index) => aRow({ at: index * 60 }));
  const { figures } = await run(rows, aDocument({ limitCredits: '0.01' }));
  const { decisions, turned } = figures;
  expect(decisions.allowed + decisions.refused).toBe(10);
  expect(decisions.refused).toBeGreaterThan(5);
  expect(turned).toHaveLength(1);
  expect(turned[0]).toMatchObject({
    by: 'budget: marketing-monthly',
    statements: decisions.refused,
    savedCredits: figures.savedCredits,
  });
  expect(figures.usedCredits).toBe(parseCredits('0.02777777778'));
});

test('a refusal for a hold that the statement would not have used is a false alarm', async () => {
  const long = aRow({ at: 0, executionMs: 10_000 });
  const short = aRow({ at: 60, executionMs: 100 });
  // A thousandth above the hold, or the guard would end the first one a second early.
  const { figures } = await run([long, short], aDocument({ limitCredits: '0.005' }));
  expect(figures.decisions).toMatchObject({ allowed: 1, refused: 1 });
  expect(figures.falseAlarms).toBe(1);
});

test('a statement is stopped at its ceiling, and charged up to there', async () => {
  const rows = [aRow({ executionMs: 7_200_000 })];
  const { figures } = await run(rows, aDocument());
  expect(figures.decisions).toEqual({ allowed: 0, queued: 0, refused: 0, stopped: 1 });
  expect(figures.turned).toEqual([
    expect.objectContaining({ by: 'ceiling', savedCredits: parseCredits('1'), falseAlarms: 0 }),
  ]);
});

test('a statement is stopped when the budget has no more for it', async () => {
  const rows = [aRow({ executionMs: 3_600_000 })];
  const { figures } = await run(rows, aDocument({ limitCredits: '0.1' }));
  expect(figures.decisions.stopped).toBe(1);
  const [stopped] = figures.turned;
  expect(stopped?.by).toBe('budget: marketing-monthly');
  // Looked at every three seconds, and stopped two looks before it would have outrun its hold: 6 of 3,600 s earlier.
  expect(stopped?.savedCredits).toBe(parseCredits('0.901666666667'));
});

test('holds are topped up while a statement runs, so that one which comes meanwhile finds less', async () => {
  // Held at first 0.004 of 0.1; after 200 s it has used more than half, and holds what it needs.
  const long = aRow({ at: 0, executionMs: 300_000 });
  const early = aRow({ at: 1, warehouse: 'BATCH_WH', credits: '0.001' });
  const late = aRow({ at: 200, warehouse: 'BATCH_WH', credits: '0.001' });
  const document = { ...aDocument({ limitCredits: '0.07' }) };
  const dear = { guessExpectedCredits: '0.02', guessHoldCredits: '0.02' };
  const { figures } = await run([long, early, late], {
    ...document,
    tiers: document.tiers.map((tier) => (tier.id === 'batch' ? { ...tier, ...dear } : tier)),
  });
  expect(figures.turned[0]?.by).toBe('budget: marketing-monthly');
  expect(figures.decisions).toEqual({ allowed: 1, queued: 0, refused: 1, stopped: 1 });
});

test('a ladder is gone down by what the statements before have used', async () => {
  const document = aDocument({ limitCredits: '0.02' });
  const ladder = [
    { atPercent: 25, step: 'warn' as const },
    { atPercent: 50, step: 'slower-tier' as const, tier: 'batch' },
    { atPercent: 75, step: 'refuse' as const },
  ];
  const rows = Array.from({ length: 8 }, (_, index) => aRow({ at: index * 60 }));
  const { figures } = await run(rows, {
    ...document,
    budgets: document.budgets.map((budget) =>
      budget.node === 'marketing' ? { ...budget, hard: false, ladder } : budget,
    ),
  });
  // 2.8 thousandths of a credit each: two below 25 %, then warned, and from 84 % on refused.
  expect(figures.warned).toBe(6);
  expect(figures.decisions).toEqual({ allowed: 6, queued: 0, refused: 2, stopped: 0 });
  expect(figures.turned).toMatchObject([{ by: 'rule: ladder:marketing-monthly', statements: 2 }]);
});

test('a statement that a rule moves is judged where it would run; where its tier does not switch it is refused', async () => {
  const moved = (way: 'session' | 'refuse'): ControlDocument => {
    const document = aDocument();
    return {
      ...document,
      rules: [
        {
          id: 'to-batch',
          mode: 'enforce',
          effect: 'reroute',
          tier: 'batch',
          when: 'tier == "interactive"',
          message: 'it belongs to batch',
        },
      ],
      tiers: document.tiers.map((tier) =>
        tier.id === 'batch' ? { ...tier, switch: way, ceilingCredits: '0.001' } : tier,
      ),
    };
  };
  const refused = await run([aRow()], moved('refuse'));
  expect(refused.figures.turned).toMatchObject([{ by: 'reroute: to-batch' }]);
  const switched = await run([aRow()], moved('session'));
  // By the ceiling of batch; that of its own tier is a thousand times as high.
  expect(switched.figures.turned).toMatchObject([{ by: 'ceiling' }]);
  // Free statements run where they are.
  const free = await run([aRow({ queryType: 'SHOW', warehouseSize: null })], moved('refuse'));
  expect(free.figures.decisions.allowed).toBe(1);
});

test('budgets of one client count what that client sent', async () => {
  const document = aDocument();
  const narrowed: ControlDocument = {
    ...document,
    budgets: [
      ...document.budgets,
      {
        id: 'tableau',
        node: 'marketing',
        client: 'Tableau*',
        counts: 'direct',
        hard: true,
        limitCredits: '0.003',
        period: { kind: 'month', timeZone: 'UTC' },
      },
    ],
  };
  const { figures } = await run([aRow({ client: 'Tableau 2026.2' }), aRow({ at: 60 })], narrowed);
  expect(figures.turned).toMatchObject([{ by: 'budget: tableau', statements: 1 }]);
});

test('the off-peak hours are waited for by whoever chose them, where the tier has some', async () => {
  const document = aDocument();
  const hours = { timeZone: 'UTC', windows: [{ from: '20:00', to: '06:00' }] };
  const withHours: ControlDocument = {
    ...document,
    tiers: document.tiers.map((tier) => ({ ...tier, offPeak: hours })),
  };
  const chosen = [aRow({ isOffPeak: true }), aRow({ at: 60 * 60 * 9, isOffPeak: true })];
  expect((await run(chosen, withHours)).figures.decisions).toMatchObject({ queued: 1, allowed: 1 });
  expect((await run(chosen, document)).figures.turned).toMatchObject([
    { by: 'off-peak: no hours', statements: 2 },
  ]);
});

test('a shape is told, slowed and stopped at its pace, as far as the document let it run', async () => {
  const rows = Array.from({ length: 30 }, (_, n) => aRow({ at: n * 60 }));
  const limited = (limitCreditsPerMonth: string, mode: 'enforce' | 'warn' = 'enforce') =>
    run(rows, {
      ...demoControlDocument(),
      runRates: [{ id: 'every-minute', limitCreditsPerMonth, mode }],
    });
  // Ten seconds a minute are 120 credits a month.
  const open = await limited('1000');
  expect(open.figures.decisions).toMatchObject({ allowed: 30, queued: 0, refused: 0 });
  const { figures } = await limited('100');
  expect(figures.decisions.queued).toBeGreaterThan(0);
  expect(figures.decisions.refused).toBeGreaterThan(0);
  expect(figures.turned.map(({ by }) => by)).toEqual(['run rate: every-minute']);
  expect(figures.warned).toBeGreaterThan(0);
});

test('what was frozen then is refused, and nothing before or after', async () => {
  const freeze: Freeze = {
    id: '1',
    scope: 'team',
    target: 'marketing',
    frozenBy: 'ops',
    reason: 'a loop',
    frozenAt: NOON + 30_000,
    until: NOON + 90_000,
  };
  const rows = [0, 60, 120].map((at) => aRow({ at }));
  const { figures } = await run(rows, aDocument(), [freeze]);
  expect(figures.decisions).toMatchObject({ allowed: 2, refused: 1 });
  expect(figures.turned[0]?.by).toBe('freeze: team marketing');
});

test('more than a tier takes at once waits', async () => {
  const rows = [0, 1, 2, 3].map((at) => aRow({ at }));
  const { figures } = await run(rows, aDocument());
  expect(figures.decisions).toEqual({ allowed: 2, queued: 2, refused: 0, stopped: 0 });
});

/** One at a time, and one who waits for half a minute. */
function aQueue(): ControlDocument {
  const document = aDocument();
  const queue = { concurrencyMax: 1, queueMax: 1, queueTimeoutSeconds: 30 };
  return { ...document, tiers: document.tiers.map((tier) => ({ ...tier, ...queue })) };
}

test('who finds the queue full is refused, and so is who waits too long', async () => {
  const rows = [aRow({ at: 0, executionMs: 60_000 }), aRow({ at: 1 }), aRow({ at: 2 })];
  const { figures } = await run([...rows, aRow({ at: 31 }), aRow({ at: 80 })], aQueue());
  expect(figures.decisions).toEqual({ allowed: 2, queued: 1, refused: 2, stopped: 0 });
  expect(figures.turned.map(({ by, code, statements }) => [by, code, statements])).toEqual(
    expect.arrayContaining([
      ['queue: interactive', 'queueFull', 1],
      ['queue: interactive', 'queueTimeout', 1],
    ]),
  );
});

test('what has waited is stopped, and leaves its place, by so much later', async () => {
  const first = aRow({ at: 0, executionMs: 20_000 });
  // At its ceiling of an hour after 3,610 s, had it not waited for nineteen.
  const endless = aRow({ at: 1, executionMs: 7_200_000 });
  const rows = [first, endless, aRow({ at: 3_620 }), aRow({ at: 3_680 })];
  const { figures } = await run(rows, aQueue());
  expect(figures.decisions).toEqual({ allowed: 2, queued: 1, refused: 0, stopped: 1 });
});

test('whom the document does not know is refused, and predicted all the same', async () => {
  const { figures, predictions } = await run([aRow({ user: 'NOBODY' })], aDocument());
  expect(figures.turned[0]?.by).toBe('identity');
  expect(predictions).toHaveLength(1);
  const elsewhere = await run([aRow({ warehouse: 'OTHER_WH' })], aDocument());
  expect(elsewhere.figures.turned[0]?.by).toBe('warehouse');
});

test('what the ledger never let run is asked again, and uses nothing', async () => {
  const refused = aRow({
    executionMs: 0,
    endedAt: NOON,
    ticket: {
      ticketId: 't',
      state: 'VOID',
      team: 'marketing',
      principal: 'marketing_analyst',
      workload: null,
      tier: 'interactive',
      statementClass: 'query',
      basis: 'GUESS',
      expectedSeconds: 1,
      expectedCredits: '1',
      holdCredits: '0',
      refusalCode: 'TG2001',
      ending: null,
    },
  });
  const { figures } = await run([refused, aRow({ at: 60 })], aDocument({ limitCredits: '0.005' }));
  // Its hold was given back, so the second finds the budget whole.
  expect(figures.decisions).toMatchObject({ allowed: 2, refused: 0 });
});

test('statements of a millisecond score errors as long ones do', async () => {
  const rows = Array.from({ length: 20 }, (_, index) => aRow({ at: index * 60, executionMs: 2 }));
  const { figures } = await run(rows);
  const [history] = figures.byBasis.filter(({ basis }) => basis === 'HISTORY');
  expect(history?.rows).toBe(19);
  expect(history?.qErrorP50).toBeLessThan(1.01);
});
