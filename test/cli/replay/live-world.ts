/**
 * One history decided by all sides, statement by statement, from the same histories, budgets and paces: the proxy, a replay,
 * `EXPLAIN COST` at the proxy and `tollgate explain`.
 */
import { isDeepStrictEqual } from 'node:util';
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { assert, must } from '../../../base/assert.js';
import type { TgName } from '../../../base/errors.js';
import type { EpochMs } from '../../../base/time.js';
import { approximate, type Credits, creditsForMillis } from '../../../base/units.js';
import type { Freeze } from '../../../billing/freezes.js';
import { StandingBook } from '../../../billing/standing-book.js';
import { outcomeOf } from '../../../cli/explanation/outcome.js';
import { demoTables } from '../../../cli/explanation/statistics.js';
import { admit } from '../../../cli/replay/admission.js';
import { govern } from '../../../cli/replay/judge.js';
import type { Judge, Judged } from '../../../cli/replay/judged.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import { SessionZones } from '../../../cli/replay/session-zones.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { type ControlSnapshot, createSnapshot } from '../../../policies/control/snapshot.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { NameContext, TextFacts } from '../../../policies/sql/facts.js';
import { recogniseWorkload, workloadText } from '../../../policies/workload.js';
import { productOf } from '../../../proxy/analyse.js';
import { narrowestFirst } from '../../../proxy/freezes.js';
import { knowAtOnce, SpendBook } from '../../../proxy/running/spend-book.js';
import { sharedAnalyser } from '../../support/shared-analyser.js';
import { type Answer, LivePath, type LivePathOptions } from './live-path.js';
import type { LiveSessions } from './sessions.js';
import { TEXTS } from './worlds.js';

/** The ledger of the live side; both sides have admitted, and ended, the same statements when it is asked. */
export interface LiveMoney {
  readonly ledger: LivePathOptions['ledger'];
  /** What was held last is held by the statement, or, where it is refused after all, by nobody. */
  answered(queryId: string, isAdmitted: boolean): Promise<void>;
  ended(queryId: string, usedCredits: Credits, at: EpochMs): Promise<void>;
}

const TPCH: NameContext = { database: 'ANALYTICS', schema: 'TPCH' };

/** Facts of every text of the generated histories, wherever its names may resolve. */
export async function analysedTexts(
  texts: readonly string[] = TEXTS,
  contexts: readonly NameContext[] = [TPCH],
): Promise<(text: string, names?: NameContext) => TextFacts> {
  const facts = new Map<string, TextFacts>();
  const { catalogue } = demoTables();
  const keyOf = (text: string, { database, schema }: NameContext): string =>
    `${database}.${schema} ${text}`;
  for (const names of contexts)
    for (const text of texts)
      facts.set(keyOf(text, names), await sharedAnalyser().analyse(text, names, catalogue));
  return (text, names = TPCH) => must(facts.get(keyOf(text, names)), 'a text of the test');
}

interface Ending {
  readonly row: ReplayRow;
  readonly judged: Judged;
  readonly isAdmitted: boolean;
}

export interface WorldOptions {
  readonly document: ControlDocument;
  readonly freezes: readonly Freeze[];
  readonly factsOf: (text: string, names: NameContext) => TextFacts;
  /** As the proxy knows them; absent: as each row has its own. */
  readonly sessions?: LiveSessions;
  /** Of the budgets of the document; the book is the replay's own. */
  readonly moneyOf: (book: StandingBook) => LiveMoney;
  /** How often each answer, and what becomes of a statement on the way, was met. */
  readonly met: Map<string, number>;
}

export class World {
  readonly #options: WorldOptions;
  readonly #snapshot: ControlSnapshot;
  readonly #book: StandingBook;
  readonly #tables = demoTables();
  readonly #history = new HistoryStore(10_000);
  readonly #spends = new SpendBook(1_000);
  readonly #judge: Judge;
  readonly #live: LivePath;
  readonly #money: LiveMoney;
  readonly #zones = new SessionZones();
  #running: Ending[] = [];

  constructor(options: WorldOptions) {
    const { document, freezes, factsOf, sessions, moneyOf } = options;
    this.#options = options;
    const snapshot = createSnapshot(document, 1);
    this.#snapshot = snapshot;
    const { statistics } = this.#tables;
    const book = new StandingBook(bookBudgets(snapshot.document.budgets));
    this.#book = book;
    this.#money = moneyOf(book);
    const shared = { history: this.#history, statistics, spends: this.#spends, freezes };
    this.#judge = govern(snapshot, { ...shared, standing: (ids, at) => book.standing(ids, at) });
    const sessionOf = sessions?.of.bind(sessions);
    this.#live = new LivePath({
      ...shared,
      snapshot,
      factsOf,
      ledger: this.#money.ledger,
      ...(sessionOf === undefined ? {} : { sessionOf }),
    });
  }

  /** What the two sides make of a row differently. */
  async compare(row: ReplayRow): Promise<readonly unknown[]> {
    await this.passUntil(row.submittedAt);
    const foretold = await this.#live.foretold(row);
    const explained = this.#explained(row);
    const live = await this.#live.answer(row);
    const judged = this.#judge({
      row,
      facts: this.#options.factsOf(must(row.queryText, 'a text'), row),
      at: row.submittedAt,
      timeZone: this.#zones.of(row),
    });
    const { refused } = admit(this.#book, judged, row.queryId, row.submittedAt);
    const isAdmitted = refused === null;
    await this.#money.answered(row.queryId, isAdmitted);
    this.#running.push({ row, judged, isAdmitted });
    const replayed = told(judged, refused);
    this.#count(live.kind === 'allowed' ? `allowed in ${live.tier}` : live.code);
    if (live.kind === 'allowed' && live.warehouse !== row.warehouse) this.#count('moved');
    if (live.kind === 'allowed' && live.isKeptBack) this.#count('kept back');
    if (live.isWarned) this.#count('warned');
    const code = live.kind === 'refused' ? live.code : null;
    const others = {
      ...(foretold === code ? {} : { foretold }),
      ...(explained === undefined || explained === code ? {} : { explained }),
      ...(isDeepStrictEqual(replayed, live) ? {} : { replayed }),
    };
    return Object.keys(others).length === 0
      ? []
      : [{ row: `${row.queryText} (${row.user} on ${row.warehouse})`, live, ...others }];
  }

  /** What `tollgate explain` says that it would meet; undefined: tag, zone and pace of a row are none of what it is asked with. */
  #explained(row: ReplayRow): TgName | null | undefined {
    const { document, factsOf, freezes } = this.#options;
    const sqlText = must(row.queryText, 'a text');
    const account = must(row.account, 'an account');
    const at = row.submittedAt;
    const caller = { account, snowflakeUser: row.user ?? '', role: row.role, address: null };
    const who = this.#snapshot.resolvePrincipal(caller);
    const isTold = row.queryTag === null && this.#zones.of(row) === null;
    if (who.kind !== 'known' || !isTold || (document.runRates ?? []).length > 0) return undefined;
    const application = productOf(row.client ?? '');
    const workload = recogniseWorkload({ queryTag: null, sqlText, application });
    const outcome = outcomeOf(
      {
        sqlText,
        ...who,
        account,
        role: row.role,
        client: row.client ?? '',
        warehouse: row.warehouse,
        names: { database: row.database, schema: row.schema },
        snapshot: this.#snapshot,
        controlSource: 'a test',
        tables: this.#tables,
        at,
        history: this.#history,
        live: {
          standings: this.#book.standing(
            document.budgets.map(({ id }) => id),
            at,
          ),
          freezes: narrowestFirst(freezes.filter(({ frozenAt }) => frozenAt <= at)),
        },
      },
      factsOf(sqlText, row),
      workload === null ? null : workloadText(workload),
    );
    assert(outcome.kind !== 'answered-by-tollgate', 'no text of the test is of a view');
    this.#count('explained');
    return outcome.refusal?.code ?? null;
  }

  /** Everything ends that had ended by then. */
  async passUntil(at: EpochMs): Promise<void> {
    const ended = this.#running.filter(({ row }) => row.endedAt <= at);
    this.#running = this.#running.filter(({ row }) => row.endedAt > at);
    ended.sort((a, b) => a.row.endedAt - b.row.endedAt);
    for (const ending of ended) await this.#end(ending);
  }

  async #end({
    row,
    judged: { answer, estimate, creditsPerHour },
    isAdmitted,
  }: Ending): Promise<void> {
    this.#options.sessions?.ended(row);
    this.#zones.ended(row);
    const used = creditsForMillis(creditsPerHour, row.executionMs, 'half-even');
    if (answer.kind === 'allowed' && isAdmitted) {
      this.#book.settle(row.queryId, used);
      await this.#money.ended(row.queryId, used, row.endedAt);
      if (answer.paced !== null)
        this.#spends.note(
          { ...answer.paced, ticketId: null, usedCredits: used, at: row.endedAt },
          knowAtOnce,
        );
    }
    if (estimate.shape === null) return;
    this.#history.record({
      shape: estimate.shape,
      believed: estimate.believed,
      creditsPerHour: approximate(creditsPerHour),
      seconds: row.executionMs / 1_000,
      elapsedSeconds: row.executionMs / 1_000,
      statisticsSeconds: null,
    });
  }

  #count(what: string): void {
    this.#options.met.set(what, (this.#options.met.get(what) ?? 0) + 1);
  }
}

/** The answer of the replay in the words of the other side. */
function told({ answer, isWarned }: Judged, refused: ReturnType<typeof admit>['refused']): Answer {
  if (refused !== null || answer.kind === 'refused') {
    const { code, by } = must(refused ?? undefined, 'what is refused says by what');
    const budgetId = code === 'budgetExceeded' ? by.replace('budget: ', '') : null;
    return { kind: 'refused', code, budgetId, isWarned };
  }
  const { warehouse, laneTier, holdCredits, ceilingCredits, budgetIds, isKeptBack } = answer;
  return {
    kind: 'allowed',
    warehouse,
    tier: laneTier,
    holdCredits,
    ceilingCredits,
    budgetIds,
    isKeptBack,
    isWarned,
  };
}
