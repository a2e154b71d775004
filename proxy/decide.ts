/** Step 5: built-in checks and rules decide about every statement of the text; the strictest answer holds for all. */
import { lex } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import { locationsOf } from '#base/sql/statement-class.js';
import { decideText } from '#policies/rules/evaluate.js';
import type { Decision } from '#policies/rules/decision.js';
import { refusalOf, ruleRefusal } from '#policies/rules/refusal-text.js';
import { stageLocation } from '#policies/rules/stage-location.js';
import type { StageLocation } from '#policies/rules/stage-location.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import type { Parts } from './parts.js';
import { refusalContext } from './refuse.js';
import type { Allowed, Estimated } from './stages.js';
import type { Refusal } from './wire/refusal.js';

export type DecideOutcome =
  | { readonly kind: 'allowed'; readonly statement: Allowed }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const MOVES_FILES: ReadonlySet<StatementFacts['class']> = new Set(['load', 'unload', 'file']);

/** Allows the statement up to a ceiling, perhaps by somebody's word, or refuses it with the reason and the way out. */
export function decide(parts: Parts, statement: Estimated): DecideOutcome {
  const decision = decisionOf(parts, statement);
  const context = refusalContext(parts, statement);
  switch (decision.kind) {
    case 'refuse':
      return { kind: 'refused', refusal: refusalOf(decision.cause, context) };
    case 'approve': {
      const { ceilingCredits, cause, waitSeconds } = decision;
      const approval = { cause, waitSeconds };
      return { kind: 'allowed', statement: { ...statement, ceilingCredits, approval } };
    }
    case 'reroute':
    case 'queue':
      // A session keeps its warehouse: the analyst is told which one the rule wants.
      return { kind: 'refused', refusal: otherTier(statement, decision, context) };
    case 'allow':
      return {
        kind: 'allowed',
        statement: { ...statement, ceilingCredits: decision.ceilingCredits, approval: null },
      };
  }
}

/** What the rules say of the text, without making a refusal of it; `EXPLAIN COST` shows it. */
export function decisionOf(parts: Parts, statement: Estimated): Decision {
  const { snapshot, placement, session, facts, estimate, estimateParts } = statement;
  const locations = locationsIn(statement);
  return decideText(
    facts.statements.map((each, index) => ({
      facts: each,
      estimate: estimateParts[index] ?? estimate,
      location: locations[index] ?? 'none',
    })),
    estimate,
    {
      snapshot,
      account: statement.identity.account,
      team: statement.team,
      principal: statement.principal,
      via: statement.isOnBehalf ? statement.signedIn.principal : null,
      role: session.role,
      tier: placement.tier,
      warehouse: placement.warehouse ?? '',
      workload: statement.workload,
      client: String(statement.call.request.headers['user-agent'] ?? '').slice(0, 200),
      at: parts.clock.now(),
    },
  );
}

function otherTier(
  statement: Estimated,
  decision: Extract<Decision, { kind: 'reroute' | 'queue' }>,
  context: ReturnType<typeof refusalContext>,
): Refusal {
  const warehouse = statement.snapshot.tier(decision.tier)?.warehouse ?? decision.tier;
  const reason = decision.reasons[0];
  return ruleRefusal(
    {
      kind: 'rule',
      ruleId: reason?.source ?? 'route',
      message: `${reason?.message ?? 'this belongs to another tier'}; run USE WAREHOUSE ${warehouse} and send it again`,
    },
    context,
  );
}

/** Stage location per statement; the text is read again only where some statement moves files. */
function locationsIn(statement: Estimated): readonly StageLocation[] {
  const { statements } = statement.facts;
  if (!statements.some((facts) => MOVES_FILES.has(facts.class)))
    return statements.map(() => 'none');
  const tokens = lex(statement.query.sqlText);
  const ranges = splitStatements(tokens);
  return statements.map((facts, index) => {
    const range = ranges[index];
    if (range === undefined || !MOVES_FILES.has(facts.class)) return 'none';
    // Where files are moved and no place was found, the place is not known; PUT and GET only reach internal stages.
    const found = stageLocation(locationsOf(tokens, range));
    if (facts.class === 'file' && found === 'unknown') return 'internal';
    return found === 'none' ? 'unknown' : found;
  });
}
