/**
 * Step 4 for a shape that nothing is known of: Snowflake's own EXPLAIN says how much it would read. It is asked in the
 * client's session, which alone has the rights and names of the statement; so it is asked for EXPLAIN COST, and above
 * what the tier says (`explainAboveCredits`), and never where it could disturb.
 */
import { createHash } from 'node:crypto';
import { toError } from '#base/errors.js';
import { KIND, kindAt, lex } from '#base/sql/lexer.js';
import { compareAmounts } from '#base/units.js';
import { parseExplain } from '#policies/estimate/explain-bound.js';
import type { ExplainBound } from '#policies/estimate/explain-bound.js';
import { decisionOf } from '../decide.js';
import { estimate } from '../estimate.js';
import type { EstimateOutcome } from '../estimate.js';
import { isSqlApiSession } from '../owner.js';
import { askInSession } from '../own/ask.js';
import { mayCountQueries } from '../own/last-query-id.js';
import type { Parts } from '../parts.js';
import type { Analysed, Estimated } from '../stages.js';

/** Texts longer than this take Snowflake seconds to compile. */
const TEXT_MAX = 256 * 1024;

/**
 * Adds placement and estimate as {@link estimate} does, by Snowflake's plan where nothing better is known and one is
 * known or may be asked for. The client sees nothing of a plan that fails or is late.
 *
 * @param isAsked the client asks for the price (EXPLAIN COST): then the tier's amount does not count.
 */
export async function estimateWithBound(
  parts: Parts,
  statement: Analysed,
  isAsked: boolean,
): Promise<EstimateOutcome> {
  const outcome = estimate(parts, statement);
  if (outcome.kind === 'refused' || !isCold(outcome.statement)) return outcome;
  const isWanted = isAsked || isAbove(outcome.statement);
  if (!isWanted && parts.explainBounds.size === 0) return outcome;
  const key = keyOf(parts, statement);
  let bound = parts.explainBounds.get(key);
  const isOpen = bound === undefined && isWanted && isExplainable(outcome.statement);
  if (isOpen && (isAsked || !isRefusedAnyway(parts, statement))) {
    bound = await ask(parts, statement);
    if (bound !== undefined) parts.explainBounds.set(key, bound);
  }
  return bound === undefined || bound === null ? outcome : estimate(parts, statement, bound);
}

/** A plan that reads nothing: no other makes a statement cheaper. */
const CHEAPEST: ExplainBound = { bytes: 0, partitions: { assigned: 0, total: 0 } };

/** Whether the rules would not let it run whatever a plan said. */
function isRefusedAnyway(parts: Parts, statement: Analysed): boolean {
  const cheapest = estimate(parts, statement, CHEAPEST);
  if (cheapest.kind === 'refused') return true;
  const { kind } = decisionOf(parts, cheapest.statement);
  return kind !== 'allow' && kind !== 'approve';
}

function isCold({ estimate: { basis } }: Estimated): boolean {
  return basis === 'TABLE_STATS' || basis === 'GUESS';
}

function isAbove({ placement: { tier }, estimate: { highCredits } }: Estimated): boolean {
  return (
    tier.explainAboveCredits !== null && compareAmounts(highCredits, tier.explainAboveCredits) > 0
  );
}

/** One query or DML whose text is whole by itself, in a session of a driver. */
function isExplainable({ facts, query, front, identity, sentText, placement }: Estimated): boolean {
  const [only] = facts.statements;
  if (only === undefined || facts.statements.length > 1 || placement.warehouse === null)
    return false;
  if (front.source !== 'driver' || isSqlApiSession(identity.sessionId)) return false;
  if (only.opaque || only.innerClasses.length > 0) return false;
  if (only.class !== 'query' && only.class !== 'dml') return false;
  // TRUNCATE and INSERT … VALUES read nothing.
  if (only.tablesRead.length === 0 && only.unknown.length === 0) return false;
  return query.sqlText.length <= TEXT_MAX && sentText === null && isWhole(query);
}

/** Without binds, which a plan does not see, and without earlier results, whose count ours would shift. */
function isWhole({ sqlText, binds }: Estimated['query']): boolean {
  if (binds === null || binds.length > 0 || mayCountQueries(sqlText)) return false;
  if (!/[?:]/.test(sqlText)) return true;
  const tokens = lex(sqlText);
  for (let at = 0; at < tokens.count; at += 1) if (kindAt(tokens, at) === KIND.bind) return false;
  return true;
}

/** undefined: nothing was sent. */
async function ask(parts: Parts, statement: Analysed): Promise<ExplainBound | null | undefined> {
  if (isBusy(parts, statement)) return undefined;
  const requestId = parts.ids.ticket(Date.now());
  try {
    if (!(await parts.ownStatements.beginExplain(statement.identity, requestId))) return undefined;
  } catch (thrown) {
    parts.log.warn({ err: toError(thrown) }, 'no plan is asked for: it could not be written down');
    return undefined;
  }
  const answer = await askInSession(parts, statement, {
    sqlText: `EXPLAIN USING JSON ${statement.query.sqlText}`,
    requestId,
    limitMs: parts.patience.planMs,
  });
  const bound = parseExplain(answer?.[0] ?? '') ?? null;
  parts.events.explained(bound === null ? 'no bound' : 'bound');
  return bound;
}

/** Another statement of the session is open on this replica; those of others have tickets, which are asked for. */
function isBusy(parts: Parts, { identity, call }: Analysed): boolean {
  const { account, sessionId } = identity;
  return (
    parts.requests.isOpen(identity, call.ticketId) ||
    parts.running
      .list()
      .some((each) => each.sessionId === sessionId && each.upstream.account === account)
  );
}

/** What a plan depends on: the text, where its names lead, who may see what, the warehouse, and what is imported. */
function keyOf(parts: Parts, { identity, session, query }: Analysed): string {
  const { version } = parts.statistics.catalogueOf(identity.account);
  const context = [session.snowflakeUser, session.role, session.database, session.schema];
  return createHash('sha256')
    .update(JSON.stringify([identity.account, version, ...context, session.warehouse]))
    .update(query.sqlText)
    .digest('base64');
}
