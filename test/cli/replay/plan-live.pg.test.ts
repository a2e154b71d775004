/**
 * `plan` against the path of the proxy: drawn histories run under a generous document, and are then judged by a drawn one; the same
 * statements come once more with that one in force. Both refuse the very same statements, by the same budgets, rules and words.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ensureControl } from '../../../admin/stores/control-store.js';
import { readPastReport } from '../../../admin/stores/past-report.js';
import { must } from '../../../base/assert.js';
import type { TgName } from '../../../base/errors.js';
import type { TicketId } from '../../../base/ids.js';
import { silentLog } from '../../../base/log.js';
import {
  addCredits,
  type Credits,
  creditsForMillis,
  maxAmount,
  minAmount,
  NO_CREDITS,
} from '../../../base/units.js';
import { createLedger } from '../../../billing/create-ledger.js';
import type { Ledger } from '../../../billing/ledger.js';
import { demoTables } from '../../../cli/explanation/statistics.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { createSnapshot } from '../../../policies/control/snapshot.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { Judgements } from '../../../proxy/judgements/judgements.js';
import { buildSettlement } from '../../support/builders.js';
import { type ManualClock, manualClock } from '../../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { longRun } from '../../support/long-run.js';
import { type Answer, LivePath, tellingHolds } from './live-path.js';
import { analysedTexts } from './live-world.js';
import { generousOf, plannedDocuments, rowsOf, WORLD_BEGINS_AT } from './worlds.js';

const ROWS = 40;
const DAY_MS = 86_400_000;

interface Came {
  readonly answer: Answer;
  /** null: it left none. */
  readonly ticketId: TicketId | null;
}

/** What runs, as far as a plan knows it: a hold is topped up once, when its statement ends. */
class PlainRun {
  readonly #ledger: Ledger;
  readonly #clock: ManualClock;
  readonly #judgements: Judgements;
  readonly #live: LivePath;
  readonly #snapshot: ReturnType<typeof createSnapshot>;
  #taken: TicketId | null = null;
  #running: { readonly row: ReplayRow; readonly id: TicketId; readonly answer: Allowed }[] = [];

  constructor(
    database: TestDatabase,
    document: ControlDocument,
    factsOf: (text: string) => TextFacts,
  ) {
    this.#clock = manualClock(WORLD_BEGINS_AT);
    const ledger = createLedger(database.db, this.#clock);
    this.#ledger = ledger;
    this.#judgements = new Judgements(database.db, silentLog, this.#clock);
    this.#snapshot = createSnapshot(document, 1);
    this.#live = new LivePath({
      snapshot: this.#snapshot,
      // Nothing is learnt: a plan goes by the estimates that were made then.
      history: new HistoryStore(1),
      statistics: demoTables().statistics,
      factsOf,
      note: (judgement) => this.#judgements.note(judgement),
      ledger: tellingHolds(ledger, (ticketId) => {
        this.#taken = ticketId;
      }),
    });
  }

  async run(rows: readonly ReplayRow[]): Promise<ReadonlyMap<string, Came>> {
    const came = new Map<string, Came>();
    for (const row of rows) {
      await this.#passUntil(row.submittedAt);
      this.#clock.set(row.submittedAt);
      this.#taken = null;
      const answer = await this.#live.answer(row);
      const ticketId = this.#taken as TicketId | null;
      came.set(row.queryId, { answer, ticketId });
      if (ticketId === null) continue;
      if (answer.kind === 'allowed') {
        await this.#ledger.markSent(ticketId, row.submittedAt);
        this.#running.push({ row, id: ticketId, answer });
      } else await this.#ledger.release(ticketId, { kind: 'failed', reason: 'not sent' });
    }
    await this.#passUntil(Infinity);
    await this.#judgements.stop();
    return came;
  }

  async #passUntil(until: number): Promise<void> {
    const ended = this.#running.filter(({ row }) => row.endedAt <= until);
    this.#running = this.#running.filter(({ row }) => row.endedAt > until);
    ended.sort((a, b) => a.row.endedAt - b.row.endedAt);
    for (const { row, id, answer } of ended) {
      this.#clock.set(row.endedAt);
      const usedCredits = await this.#charged(row, id, answer);
      await this.#ledger.settle(
        buildSettlement(id, { usedCredits, startedAt: row.startedAt, endedAt: row.endedAt }),
      );
    }
  }

  async #charged(
    row: ReplayRow,
    id: TicketId,
    { holdCredits, ceilingCredits, warehouse }: Allowed,
  ): Promise<Credits> {
    const rate = this.#snapshot.rateOfWarehouse(warehouse ?? 'INTERACTIVE_WH', row.submittedAt);
    const used = creditsForMillis(must(rate, 'a rate'), row.executionMs, 'half-even');
    const most = minAmount(used, maxAmount(ceilingCredits ?? used, holdCredits));
    if (most <= holdCredits) return most;
    const raised = await this.#ledger.topUp(id, most);
    if (raised.kind !== 'refused') return most;
    return addCredits(
      holdCredits,
      maxAmount(raised.budget.availableCredits ?? NO_CREDITS, NO_CREDITS),
    );
  }
}

type Allowed = Extract<Answer, { kind: 'allowed' }>;

/** What the live path may tell where a plan names a cause so. */
const TOLD: readonly (readonly [cause: RegExp, codes: readonly TgName[]])[] = [
  [/^budget /, ['budgetExceeded']],
  [/^the (approval|ladder.*approval)/, ['approvalNeeded']],
  [/^(rule|the ladder of budget) /, ['ruleRefused', 'offPeakOnly']],
  [/^the warehouse that /, ['ruleRefused']],
  [/^access list /, ['accessRefused']],
  [/^the ceiling /, ['ceilingExceeded']],
  [/text is opaque/, ['opaqueRefused']],
  [/^the wall /, ['ruleRefused']],
  [/^tier .* no off-peak hours/, ['offPeakOnly']],
  [/^principal /, ['principalSuspended']],
];

function isTold(by: string | undefined, answer: Answer): boolean {
  if (answer.kind === 'allowed') return by === undefined;
  if (by === undefined) return false;
  if (answer.budgetId !== null) return by === `budget ${answer.budgetId}`;
  return TOLD.some(([cause, codes]) => cause.test(by) && codes.includes(answer.code));
}

test('a plan names the statements that the path refuses once the document is in force, and by what', async () => {
  const long = longRun('plan-live', 4);
  const worlds = fc.sample(fc.tuple(plannedDocuments, rowsOf(ROWS)), {
    seed: 14_112_026 + long.seed,
    numRuns: long.count,
  });
  const factsOf = await analysedTexts();
  const met = new Map<string, number>();
  for (const [document, rows] of worlds) {
    const [before, after] = [await createTestDatabase(), await createTestDatabase()];
    try {
      const generous = generousOf(document);
      await ensureControl(before.db, generous, WORLD_BEGINS_AT);
      await ensureControl(after.db, document, WORLD_BEGINS_AT);
      const first = await new PlainRun(before, generous, factsOf).run(rows);
      const ran = rows.filter(({ queryId }) => first.get(queryId)?.answer.kind === 'allowed');
      const then = await new PlainRun(after, document, factsOf).run(ran);
      const at = WORLD_BEGINS_AT + DAY_MS;
      const sides = { before: generous, after: document, at, imported: [] };
      const { examples, statements } = await readPastReport(before.db, sides);
      const named = new Map(examples.map(({ ticketId, by }) => [ticketId, by]));
      const charged = ran.filter(({ queryId }) => (first.get(queryId)?.ticketId ?? null) !== null);
      expect(statements).toBe(charged.length);
      const differences = charged.flatMap(({ queryId, queryText, warehouse }) => {
        const by = named.get(must(first.get(queryId)?.ticketId, 'a ticket'));
        const { answer } = must(then.get(queryId), 'it came');
        const what = answer.kind === 'allowed' ? 'allowed' : answer.code;
        met.set(what, (met.get(what) ?? 0) + 1);
        return isTold(by, answer) ? [] : [{ queryText, warehouse, by, answer }];
      });
      expect(differences).toEqual([]);
    } finally {
      await before.drop();
      await after.drop();
    }
  }
  for (const what of ['allowed', 'budgetExceeded', 'ruleRefused', 'approvalNeeded', 'offPeakOnly'])
    expect(met.get(what) ?? 0, what).toBeGreaterThan(0);
  long.report({ worlds: worlds.length, ...Object.fromEntries(met) });
}, 600_000);
