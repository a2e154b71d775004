/**
 * What becomes of a statement by the decision about it (`policies/rules/course.ts`), on the live path. One that a rule moves to
 * another tier is priced and judged anew as it would run there: only where the tier says `switch: session`, and only one
 * whose warehouse can be changed without anybody noticing; every other is refused and told the warehouse.
 */
import { type Course, courseOf } from '#policies/rules/course.js';
import type { Decision } from '#policies/rules/decision.js';
import { asksForWarehouse } from '#policies/rules/move.js';
import { estimate } from './estimate.js';
import { isOffPeak } from './off-peak.js';
import { isSqlApiSession } from './owner.js';
import type { Parts } from './parts.js';
import type { Estimated } from './stages.js';

/** @param mayMove false: it stays where it is, whatever `decision` says. */
export function courseOn(
  parts: Parts,
  statement: Estimated,
  decision: Decision,
  mayMove = true,
): Course<Estimated> {
  return courseOf<Estimated>(decision, {
    snapshot: statement.snapshot,
    statements: mayMove && isSwitchable(statement) ? statement.facts.statements : null,
    isFree: statement.isFree,
    warehouse: statement.session.warehouse,
    isSwitched: statement.isSwitched === true,
    movedTo: (warehouse) => {
      const moved = estimate(parts, statement, null, warehouse);
      return moved.kind === 'refused' ? null : { ...moved.statement, isSwitched: true };
    },
    tier: statement.placement.tier,
    isOffPeak: isOffPeak(statement),
    at: parts.clock.now(),
  });
}

/** Of a driver that waits for its answer. */
function isSwitchable({ query, front, identity }: Estimated): boolean {
  if (query.isAsync || query.isDescribe || front.source !== 'driver') return false;
  return !isSqlApiSession(identity.sessionId) && !asksForWarehouse(query.sqlText);
}
