/**
 * Which statements a rule or a ladder may move to another tier by switching their session: those whose warehouse can be
 * changed without anybody noticing. Every other one is refused and told the warehouse.
 */
import type { ControlSnapshot } from '../control/snapshot.js';
import type { StatementFacts } from '../sql/facts.js';
import type { Decision } from './decision.js';

/** Names that mean the same with and without quotes. */
const PLAIN_NAME = /^[A-Z_][A-Z0-9_$]*$/;

export interface Movable {
  readonly statements: readonly StatementFacts[];
  readonly isFree: boolean;
  /** Of its session; null: none, so there is nothing to come back to. */
  readonly warehouse: string | null;
  /** It was moved already. */
  readonly isSwitched: boolean;
}

/**
 * The warehouse, in capitals, on which a statement runs that `decision` moves; null: it is not moved, or not by a switch of its
 * session. The text is one query or DML that does not ask which warehouse it is on.
 */
export function warehouseToSwitchTo(
  snapshot: ControlSnapshot,
  decision: Decision,
  { statements, isFree, warehouse, isSwitched }: Movable,
): string | null {
  if (decision.kind !== 'reroute' || isSwitched || isFree) return null;
  const target = snapshot.tier(decision.tier);
  const [only] = statements;
  if (target?.switch !== 'session' || only === undefined || statements.length > 1) return null;
  if (only.opaque || only.setsWarehouse || only.innerClasses.length > 0) return null;
  if (only.class !== 'query' && only.class !== 'dml') return null;
  if (only.functions.includes('CURRENT_WAREHOUSE')) return null;
  const there = target.warehouse.toUpperCase();
  return warehouse !== null && PLAIN_NAME.test(warehouse) && PLAIN_NAME.test(there) ? there : null;
}

/** Whether a text asks which warehouse it is on: it would show the other one. */
export function asksForWarehouse(sqlText: string): boolean {
  return /current_warehouse/i.test(sqlText);
}
