/**
 * What the proxy itself makes of a row of a history: its own steps from estimate to reserve, in their order, over a ledger
 * that is given. Nobody approves, as in a replay.
 */
import { z } from 'zod';
import { must } from '../../../base/assert.js';
import { tgName, type TgName } from '../../../base/errors.js';
import type { TicketId } from '../../../base/ids.js';
import { silentLog } from '../../../base/log.js';
import type { Credits } from '../../../base/units.js';
import { type Freeze } from '../../../billing/freezes.js';
import type { Ledger } from '../../../billing/ledger.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ControlSnapshot } from '../../../policies/control/snapshot.js';
import type { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { StatisticsView } from '../../../policies/estimate/table-statistics.js';
import type { NameContext, TextFacts } from '../../../policies/sql/facts.js';
import { allow } from '../../../proxy/allow.js';
import { analyse } from '../../../proxy/analyse.js';
import { estimate } from '../../../proxy/estimate.js';
import { freezeOf, narrowestFirst, type Freezable } from '../../../proxy/freezes.js';
import type { SessionContext } from '../../../proxy/identity/sessions.js';
import type { Judgement } from '../../../proxy/judgements/judgements.js';
import { BudgetUses } from '../../../proxy/ladder-standings.js';
import type { Parts } from '../../../proxy/parts.js';
import { budgetsOfStatement, reserve } from '../../../proxy/reserve.js';
import { foresee } from '../../../proxy/outlook.js';
import { paceOf } from '../../../proxy/run-rate.js';
import { SpendBook } from '../../../proxy/running/spend-book.js';
import type { Allowed, Estimated, Identified } from '../../../proxy/stages.js';
import { buildTicketId } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';

/** Whether a statement runs, and what there is to compare of it. */
export type Answer =
  | {
      readonly kind: 'allowed';
      readonly warehouse: string | null;
      readonly tier: string;
      readonly holdCredits: Credits;
      readonly ceilingCredits: Credits | null;
      readonly budgetIds: readonly string[];
      readonly isKeptBack: boolean;
      readonly isWarned: boolean;
    }
  | {
      readonly kind: 'refused';
      readonly code: TgName;
      /** The budget that refused it. */
      readonly budgetId: string | null;
      readonly isWarned: boolean;
    };

/** That asks. */
export const LIVE_REPLICA = 'replica-a';

const BUDGET_TOLD = z.object({ budget: z.object({ id: z.string() }) });

export interface LivePathOptions {
  readonly snapshot: ControlSnapshot;
  readonly history: HistoryStore;
  readonly statistics: StatisticsView;
  /** Absent: nothing is known of a pace. */
  readonly spends?: SpendBook;
  /** Absent: nothing is frozen. */
  readonly freezes?: readonly Freeze[];
  readonly ledger: Pick<Ledger, 'reserve' | 'standing' | 'recordRefusal'>;
  readonly factsOf: (sqlText: string, names: NameContext) => TextFacts;
  /** Of the session that sends a row; absent: as the row has it. */
  readonly sessionOf?: (row: ReplayRow) => SessionContext;
  /** Told of every statement that may go on to the queue; absent: nobody is. */
  readonly reserved?: (statement: Allowed) => void;
  /** Told of every decision; absent: nobody is. */
  readonly note?: (judgement: Judgement) => void;
}

export class LivePath {
  readonly #options: LivePathOptions;
  readonly #clock = manualClock(0);
  readonly #parts: Parts;
  #notes: Judgement[] = [];

  constructor(options: LivePathOptions) {
    this.#options = options;
    this.#parts = this.#partsOf(options);
  }

  /** What `EXPLAIN COST` of the row tells that it would meet, by its code; null: it would run. */
  async foretold(row: ReplayRow): Promise<TgName | null> {
    const priced = await this.#priced(row);
    if (priced.kind === 'refused') return priced.code;
    const { refusal } = (await foresee(this.#parts, priced.statement)).outlook;
    if (refusal === null) return null;
    return must(tgName(/TG\d{4}/.exec(refusal)?.[0] ?? ''), 'a refusal names its code');
  }

  /** The answer to a row that comes at its own instant; what it holds is the ledger's to keep. */
  async answer(row: ReplayRow): Promise<Answer> {
    const priced = await this.#priced(row);
    if (priced.kind === 'refused') return this.#refused(priced.code);
    const allowed = await allow(this.#parts, priced.statement);
    if (allowed.kind === 'refused') return this.#refused(allowed.refusal.code);
    return await this.#reserved(allowed.statement);
  }

  async #priced(
    row: ReplayRow,
  ): Promise<
    | { readonly kind: 'refused'; readonly code: TgName }
    | { readonly kind: 'priced'; readonly statement: Estimated }
  > {
    this.#clock.set(row.submittedAt);
    this.#notes = [];
    const { snapshot, sessionOf = contextOf } = this.#options;
    const session = sessionOf(row);
    const who = snapshot.resolvePrincipal({
      account: must(row.account, 'a row has its account'),
      snowflakeUser: row.user ?? '',
      role: session.role,
      address: null,
    });
    if (who.kind === 'unknown') return { kind: 'refused', code: 'principalUnknown' };
    if (who.kind === 'suspended') return { kind: 'refused', code: 'principalSuspended' };
    const analysed = await analyse(this.#parts, identified(snapshot, row, who, session));
    const estimated = estimate(this.#parts, analysed);
    return estimated.kind === 'refused'
      ? { kind: 'refused', code: estimated.refusal.code }
      : { kind: 'priced', statement: estimated.statement };
  }

  async #reserved(statement: Allowed): Promise<Answer> {
    const reserved = await reserve(this.#parts, statement);
    if (reserved.kind === 'refused') {
      const { budget } = BUDGET_TOLD.parse(reserved.refusal.detail);
      return this.#refused(reserved.refusal.code, budget.id, statement);
    }
    if (statement.approval !== null)
      return this.#refused(statement.approval.refusal.code, null, statement);
    this.#options.reserved?.(statement);
    return {
      kind: 'allowed',
      warehouse: statement.placement.warehouse,
      tier: statement.lane.tier,
      holdCredits: must(reserved.kind === 'reserved' ? reserved.statement : undefined, 'it is new')
        .hold.credits,
      ceilingCredits: statement.ceilingCredits,
      budgetIds: statement.isFree ? [] : budgetsOfStatement(statement, this.#clock.now()),
      isKeptBack: this.#isKeptBack(statement),
      isWarned: this.#isWarned(statement),
    };
  }

  #refused(code: TgName, budgetId: string | null = null, statement?: Allowed): Answer {
    return { kind: 'refused', code, budgetId, isWarned: this.#isWarned(statement) };
  }

  #isKeptBack(statement: Allowed): boolean {
    const { runsAt = 0 } = statement;
    return runsAt > this.#clock.now() || paceOf(this.#parts, statement)?.finding.rung === 'slow';
  }

  /** By what was noted of it last, or by the pace of its shape. */
  #isWarned(statement?: Allowed): boolean {
    const last = this.#notes.at(-1);
    if (last !== undefined && last.decision.warnings.length > 0) return true;
    return statement !== undefined && paceOf(this.#parts, statement)?.finding.rung === 'warn';
  }

  #partsOf(options: LivePathOptions): Parts {
    const { ledger, history, statistics, spends = new SpendBook(1) } = options;
    const freezes = narrowestFirst(options.freezes ?? []);
    let realMs = 0;
    const parts = {
      log: silentLog,
      clock: this.#clock,
      replica: LIVE_REPLICA,
      consoleUrl: null,
      ledger,
      analyser: {
        analyse: (text: string, names: NameContext) =>
          Promise.resolve(options.factsOf(text, names)),
      },
      history: { viewOf: () => history },
      statistics: {
        statisticsOf: () => statistics,
        catalogueOf: () => ({ version: 'none', columnsOf: () => undefined }),
      },
      // A second passes between two looks, so that none is of before the last statement.
      budgetUses: new BudgetUses({ ledger, log: silentLog, realNow: () => (realMs += 2_000) }),
      approvals: { lasting: { find: () => [] } },
      judgements: {
        note: (note: Judgement) => {
          this.#notes.push(note);
          options.note?.(note);
        },
      },
      events: { allowed: () => undefined, paced: () => undefined },
      freezes: {
        of: (statement: Freezable) =>
          freezeOf(
            freezes.filter(({ frozenAt }) => frozenAt <= this.#clock.now()),
            statement,
            this.#clock.now(),
          ),
      },
      runRates: {
        spendOf: (key: Parameters<SpendBook['spendOf']>[0]) => spends.spendOf(key),
        isLifted: () => false,
        isNews: () => false,
      },
      offline: { isAway: false },
      // A replay asks neither of the two.
      storms: { peek: () => null },
      gate: { outlook: () => Promise.resolve({ full: null }) },
    };
    // Every other part belongs to steps that are not asked here; one that was would fail at once.
    return parts as unknown as Parts;
  }
}

/** A ledger as the path asks it, telling of every hold that is taken. */
export function tellingHolds(
  ledger: LivePathOptions['ledger'],
  held: (ticketId: TicketId) => void,
): LivePathOptions['ledger'] {
  return {
    reserve: async (request) => {
      const outcome = await ledger.reserve(request);
      if (outcome.kind === 'held') held(request.ticket.ticketId);
      return outcome;
    },
    standing: (ids, at) => ledger.standing(ids, at),
    recordRefusal: (ticketId, told) => ledger.recordRefusal(ticketId, told),
  };
}

function contextOf({ role, warehouse, database, schema, queryTag }: ReplayRow): SessionContext {
  const unset = { statementTimeoutSeconds: null, timeZone: null };
  return { role, warehouse, database, schema, queryTag, ...unset };
}

/** As a session of the Node driver would have sent it. */
function identified(
  snapshot: ControlSnapshot,
  row: ReplayRow,
  { principal, team }: Pick<Identified, 'principal' | 'team'>,
  context: SessionContext,
): Identified {
  const account = must(row.account, 'a row has its account');
  const identity = { account, sessionId: '101', application: null };
  const session = {
    ...identity,
    principalId: principal.id,
    snowflakeUser: row.user ?? '',
    ...context,
    isEnded: false,
  };
  const statement = {
    call: {
      ticketId: buildTicketId(row.submittedAt),
      request: { headers: { 'user-agent': row.client ?? undefined } },
      query: new URLSearchParams(),
    },
    front: { source: 'driver' },
    requestId: row.queryId,
    query: {
      sqlText: must(row.queryText, 'a row has its text'),
      isDescribe: false,
      isAsync: false,
      clientTag: null,
      clientTimeZone: null,
      hash: row.queryId,
    },
    identity,
    session,
    snapshot,
    principal,
    team,
    signedIn: { principal, team },
    isOnBehalf: false,
    sentText: null,
  };
  return statement as unknown as Identified;
}
