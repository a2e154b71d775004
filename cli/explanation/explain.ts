/**
 * What a text would meet on its path, without sending it: facts, estimate, decision and refusal by the very functions of the
 * live path. Waiting is not known here; histories of shapes, budgets and freezes where a running Tollgate was asked.
 */
import type { Outcome } from './outcome.js';
import type { Question } from './question.js';
import { scanOf } from '../../policies/estimate/scan.js';
import type { StageLocation } from '../../policies/rules/stage-location.js';
import type { Analyser, TextFacts } from '../../policies/sql/facts.js';
import { recogniseWorkload, workloadText } from '../../policies/workload.js';
import { locationsIn } from '../../proxy/decide.js';
import { recognise } from '../../proxy/surface/recognise.js';
import type { Refusal } from '../../proxy/wire/refusal.js';
import { VerbError } from '../verb-error.js';
import { outcomeOf } from './outcome.js';

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
