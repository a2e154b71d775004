/** Statements addressed to Tollgate itself, answered on the client's connection at 0 credits. */
import { analyse } from './analyse.js';
import { cheaperWays } from './cheaper.js';
import { estimateWithBound } from './estimates/explain-bound.js';
import { foresee } from './outlook.js';
import type { Parts } from './parts.js';
import type { Identified } from './stages.js';
import { explainCost } from './surface/explain-cost.js';
import type { Recognised } from './surface/recognise.js';
import type { SmallReply } from './relay.js';
import type { SurfaceAnswered } from './surface/result.js';
import type { SurfaceAnswer } from './surface/surface.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/** Of one text that EXPLAIN COST prices: each has a row, advice and rules of its own. */
export const PRICED_STATEMENTS_MAX = 200;

type Ours = Exclude<Recognised, { kind: 'none' }>;

/** The complete reply: rows, or a refusal that names the forms that are answered. */
export async function answerSurface(
  parts: Parts,
  statement: Identified,
  recognised: Ours,
): Promise<SmallReply> {
  const outcome = await outcomeOf(parts, statement, recognised);
  const { front, call } = statement;
  if (outcome.kind === 'refused') return front.refusal(outcome.refusal, call.ticketId);
  return front.rows(statement, outcome, parts.clock.now());
}

/**
 * Rows are those of the team that signed in: a claim says who pays for a statement, not whose history may be read.
 * EXPLAIN COST prices the statement as it would be charged, so it follows the claim.
 */
async function outcomeOf(
  parts: Parts,
  statement: Identified,
  recognised: Ours,
): Promise<Answer | { readonly kind: 'refused'; readonly refusal: Refusal }> {
  const { signedIn } = statement;
  const { binds } = statement.query;
  if (binds === null && recognised.kind !== 'explain-cost') {
    const words = 'Not run: the bind values of a statement on TOLLGATE may have 64 KiB together.';
    return { kind: 'refused', refusal: callerRefusal('requestTooLarge', words) };
  }
  switch (recognised.kind) {
    case 'explain-cost':
      return explain(parts, statement, recognised);
    case 'select':
    case 'why':
      // What rules said a moment ago is read too.
      await parts.judgements.flush();
      return parts.surface.answer(
        recognised,
        {
          teamId: signedIn.team.id,
          price: statement.snapshot.priceAt('compute', parts.clock.now(), {
            account: statement.identity.account,
          }),
        },
        statement.query.isDescribe ? null : (binds ?? []),
      );
    case 'request':
      return ask(parts, statement, recognised);
  }
}

/** The ticket of a rule's refusal is written a moment after it: what waits is written first. */
async function ask(
  parts: Parts,
  { signedIn, query }: Identified,
  recognised: Extract<Ours, { kind: 'request' }>,
): Promise<SurfaceAnswer> {
  await parts.ticketLog.flush();
  const { team, principal } = signedIn;
  const asker = { teamId: team.id, principalId: principal.id, owner: team.owner };
  return parts.surface.request(recognised, asker, query.isDescribe ? null : (query.binds ?? []));
}

interface Answer extends SurfaceAnswered {
  readonly kind: 'answer';
}

/** Steps 3 to 5 and the standing of the budgets, for a statement that is not run and holds nothing. */
async function explain(
  parts: Parts,
  statement: Identified,
  { statementText, bindCount }: Extract<Ours, { kind: 'explain-cost' }>,
): Promise<Answer | { readonly kind: 'refused'; readonly refusal: Refusal }> {
  if (statementText === '') {
    return {
      kind: 'refused',
      refusal: callerRefusal(
        'surfaceForm',
        'EXPLAIN COST is followed by the statement to be priced: EXPLAIN COST SELECT …',
      ),
    };
  }
  const asked: Identified = { ...statement, query: { ...statement.query, sqlText: statementText } };
  const analysed = await analyse(parts, asked);
  const { length: count } = analysed.facts.statements;
  if (count > PRICED_STATEMENTS_MAX) {
    const words = `EXPLAIN COST prices at most ${PRICED_STATEMENTS_MAX} statements of one text, and this one has ${count}: ask for some of them at a time.`;
    return { kind: 'refused', refusal: callerRefusal('surfaceForm', words) };
  }
  const estimated = await estimateWithBound(parts, analysed, true);
  if (estimated.kind === 'refused') return estimated;
  // As it would run: a rule may move it to another warehouse.
  const foreseen = await foresee(parts, estimated.statement);
  const { facts, estimateParts, placement } = foreseen.statement;
  const explained = explainCost({
    statements: facts.statements.flatMap((each, index) => {
      const part = estimateParts[index];
      return part === undefined ? [] : [{ facts: each, estimate: part }];
    }),
    tier: placement.tier.id,
    warehouse: placement.warehouse,
    warehouseSize: placement.warehouseSize,
    pricePerCredit: placement.pricePerCredit,
    currency: placement.currency,
    budgets: foreseen.standings,
    outlook: foreseen.outlook,
    cheaper: await cheaperWays(parts, foreseen.statement),
  });
  return { kind: 'answer', ...explained, bindCount };
}
