/**
 * A statement that a rule moves to another tier, as it would run there: on that tier's warehouse, priced and judged anew.
 * Only where the tier says `switch: session`, and only one whose warehouse can be changed without anybody noticing;
 * every other is refused and told the warehouse.
 */
import type { Decision } from '#policies/rules/decision.js';
import { asksForWarehouse, warehouseToSwitchTo } from '#policies/rules/move.js';
import { estimate } from './estimate.js';
import { isSqlApiSession } from './owner.js';
import type { Parts } from './parts.js';
import type { Estimated } from './stages.js';

/** The statement on the warehouse of the tier that `decision` moves it to; null: it is not to be switched there. */
export function movedBy(parts: Parts, statement: Estimated, decision: Decision): Estimated | null {
  if (!isSwitchable(statement)) return null;
  const warehouse = warehouseToSwitchTo(statement.snapshot, decision, {
    statements: statement.facts.statements,
    isFree: statement.isFree,
    warehouse: statement.session.warehouse,
    isSwitched: statement.isSwitched === true,
  });
  if (warehouse === null) return null;
  const moved = estimate(parts, statement, null, warehouse);
  return moved.kind === 'refused' ? null : { ...moved.statement, isSwitched: true };
}

/** A statement that uses no warehouse belongs on any: what sends others elsewhere lets it run. */
export function isAnywhere({ isFree }: Pick<Estimated, 'isFree'>, decision: Decision): boolean {
  return isFree && decision.kind === 'reroute';
}

/** Of a driver that waits for its answer. */
function isSwitchable({ query, front, identity }: Estimated): boolean {
  if (query.isAsync || query.isDescribe || front.source !== 'driver') return false;
  return !isSqlApiSession(identity.sessionId) && !asksForWarehouse(query.sqlText);
}
