/**
 * What a text would meet on its path, without sending it: facts, estimate, decision and refusal by the very functions of the
 * live path. Waiting is not known here; histories of shapes, budgets and freezes where a running Tollgate was asked.
 */
import type { EpochMs } from '../../base/time.js';
import type { Credits } from '../../base/units.js';
import type { BudgetStanding } from '../../billing/ledger.js';
import type { PrincipalDocument, TeamDocument } from '../../policies/control/document.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';
import type { HistoryView } from '../../policies/estimate/history-store.js';
import { scanOf } from '../../policies/estimate/scan.js';
import type { Decision } from '../../policies/rules/decision.js';
import type { StageLocation } from '../../policies/rules/stage-location.js';
import type { Analyser, NameContext, TextFacts } from '../../policies/sql/facts.js';
import { recogniseWorkload, workloadText } from '../../policies/workload.js';
import { locationsIn } from '../../proxy/decide.js';
import type { PricedText } from '../../proxy/estimate.js';
import { recognise } from '../../proxy/surface/recognise.js';
import type { Refusal } from '../../proxy/wire/refusal.js';
import type { LiveControl } from '../live-control.js';
import { VerbError } from '../verb-error.js';
import { outcomeOf } from './outcome.js';
import type { KnownTables } from './statistics.js';

/** Who would send what, and under which document. */
export interface Question {
  readonly sqlText: string;
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
  readonly account: string;
  readonly role: string | null;
  /** Driver or tool as it names itself; empty when it was not said. */
  readonly client: string;
  /** null: as in a session without one. */
  readonly warehouse: string | null;
  readonly names: NameContext;
  readonly snapshot: ControlSnapshot;
  /** `the demo`, or the name of a file. */
  readonly controlSource: string;
  readonly tables: KnownTables;
  readonly at: EpochMs;
  /** What statements took before; absent: nothing is known, as on the first day. */
  readonly history?: HistoryView;
  /** What a running Tollgate knows; null: budgets and freezes are not asked. */
  readonly live: LiveFacts | null;
}

/** How budgets stand that are in force, and what is frozen, the narrowest first. */
export type LiveFacts = Pick<LiveControl, 'standings' | 'freezes'>;

export type Outcome =
  /** A view or procedure of Tollgate's own: answered from the ledger, at no cost. */
  | { readonly kind: 'answered-by-tollgate' }
  /** Refused before anything was priced. */
  | { readonly kind: 'not-priced'; readonly refusal: Refusal }
  | Decided;

export interface Decided {
  readonly kind: 'decided';
  /** Where it would run. */
  readonly price: PricedText;
  readonly decision: Decision;
  /** What a driver would show; null where the statement would run. */
  readonly refusal: Refusal | null;
  /** Its session is switched to the warehouse of `price` for it. */
  readonly isSwitched: boolean;
  /** When the off-peak hours begin that it chose to wait for; null: it chose none. */
  readonly runsAt: EpochMs | null;
  /** What would be set aside while it runs. */
  readonly holdCredits: Credits;
  /** Every budget of its path, where they were asked. */
  readonly standings: readonly BudgetStanding[];
}

export interface Explanation {
  readonly question: Question;
  /** `EXPLAIN COST` or a dry-run comment stood before the statement, which is what is explained. */
  readonly isDryRun: boolean;
  readonly workload: string | null;
  readonly facts: TextFacts;
  /** Where files come from or go to, one entry a statement. */
  readonly locations: readonly StageLocation[];
  /** Tables that are read, of which no statistics are known, one list a statement. */
  readonly tablesWithoutStatistics: readonly (readonly string[])[];
  readonly outcome: Outcome;
}

/** Nothing refuses, redirects or has to approve it. */
export function isAllowed({ outcome }: Explanation): boolean {
  switch (outcome.kind) {
    case 'answered-by-tollgate':
      return true;
    case 'not-priced':
      return false;
    case 'decided':
      return outcome.refusal === null;
  }
}

/**
 * Explains a text.
 * @throws VerbError (usage) when there is no statement in it.
 */
export async function explain(question: Question, analyser: Analyser): Promise<Explanation> {
  const recognised = recognise(question.sqlText);
  const isDryRun = recognised.kind === 'explain-cost';
  const sqlText = isDryRun ? recognised.statementText : question.sqlText;
  const asked = { ...question, sqlText };
  if (recognised.kind !== 'none' && !isDryRun) return answeredByTollgate(asked);
  const { names, tables } = asked;
  const facts = await analyser.analyse(sqlText, names, tables.catalogue);
  if (facts.statements.length === 0)
    throw new VerbError(
      'There is no statement in the text. Write it in quotes after explain, or name a file with --file.',
      2,
    );
  const workload = workloadOf(asked);
  return {
    question: asked,
    isDryRun,
    workload,
    facts,
    locations: locationsIn(sqlText, facts.statements),
    tablesWithoutStatistics: facts.statements.map(
      (each) => scanOf(each, tables.statistics, question.at)?.tablesUnknown ?? each.tablesRead,
    ),
    outcome: outcomeOf(asked, facts, workload),
  };
}

/** Its names are Tollgate's own: there are no facts of tables in the account. */
function answeredByTollgate(question: Question): Explanation {
  return {
    question,
    isDryRun: false,
    workload: workloadOf(question),
    facts: { statements: [], fingerprint: '' },
    locations: [],
    tablesWithoutStatistics: [],
    outcome: { kind: 'answered-by-tollgate' },
  };
}

/** As the live path does it for a client that says nothing else of itself. */
function workloadOf({ sqlText, client }: Question): string | null {
  const application = /^[^\s/]{1,100}/.exec(client)?.[0] ?? null;
  const workload = recogniseWorkload({ queryTag: null, sqlText, application });
  return workload === null ? null : workloadText(workload);
}

/** The first line of a refusal: what every driver shows, and all of it that does not need a ticket. */
export function firstLine({ message }: Refusal): string {
  return message.split('\n', 1)[0] ?? '';
}
