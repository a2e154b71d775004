/**
 * A statement that a rule moves to another tier, as it would run there: on that tier's warehouse, priced and judged anew.
 * Only where the tier says `switch: session`, and only one whose warehouse can be changed without anybody noticing;
 * every other is refused and told the warehouse.
 */
import type { Decision } from '#policies/rules/decision.js';
import { estimate } from './estimate.js';
import { isSqlApiSession } from './owner.js';
import type { Parts } from './parts.js';
import type { Estimated } from './stages.js';

/** Names that mean the same with and without quotes. */
const PLAIN_NAME = /^[A-Z_][A-Z0-9_$]*$/;

/** The statement on the warehouse of the tier that `decision` moves it to; null: it is not to be switched there. */
export function movedBy(parts: Parts, statement: Estimated, decision: Decision): Estimated | null {
  if (decision.kind !== 'reroute' || statement.isSwitched === true || statement.isFree) return null;
  const target = statement.snapshot.tier(decision.tier);
  if (target?.switch !== 'session' || !isSwitchable(statement)) return null;
  const warehouse = target.warehouse.toUpperCase();
  if (!PLAIN_NAME.test(warehouse)) return null;
  const moved = estimate(parts, statement, null, warehouse);
  return moved.kind === 'refused' ? null : { ...moved.statement, isSwitched: true };
}

/** A statement that uses no warehouse is where it belongs on any, if only its tier's warehouse is what it is moved for. */
export function isAnywhere({ isFree, snapshot }: Estimated, decision: Decision): boolean {
  return (
    isFree && decision.kind === 'reroute' && snapshot.tier(decision.tier)?.switch === 'session'
  );
}

/** One query or DML of a driver that waits for its answer, in a session with a warehouse to come back to. */
function isSwitchable({ facts, query, front, identity, session }: Estimated): boolean {
  const [only] = facts.statements;
  if (only === undefined || facts.statements.length > 1) return false;
  if (query.isAsync || query.isDescribe || front.source !== 'driver') return false;
  // It would show the other warehouse.
  if (isSqlApiSession(identity.sessionId) || /current_warehouse/i.test(query.sqlText)) return false;
  if (only.opaque || only.setsWarehouse || only.innerClasses.length > 0) return false;
  if (only.class !== 'query' && only.class !== 'dml') return false;
  return session.warehouse !== null && PLAIN_NAME.test(session.warehouse);
}
