/**
 * What guards over repeating statements would say of one that is not run: the breaker of statements that fail in a loop, freezes, and
 * the pace of its shape. Nothing is counted, told or let through.
 */
import { frozen } from './freezes.js';
import type { Parts } from './parts.js';
import { paceOf, paceRefusal, paceText } from './run-rate.js';
import type { Estimated } from './stages.js';
import type { Refusal } from './wire/refusal.js';

export interface GuardOutlook {
  /** TG2111: it failed in a loop, and is asked for before anything else; null: it would be sent on. */
  readonly storm: Refusal | null;
  /** TG2112: it is frozen. */
  readonly freeze: Refusal | null;
  /** TG2110: the pace of its shape is to be stopped; null: it is not. */
  readonly pace: Refusal | null;
  /** A pace that is told of, or slowed, in a sentence each. */
  readonly notes: readonly string[];
}

export function guardOutlook(parts: Parts, statement: Estimated): GuardOutlook {
  const storm = parts.storms.peek(statement);
  const freeze = frozen(parts, statement);
  const pace = paceOf(parts, statement);
  if (pace === null) return { storm, freeze, pace: null, notes: [] };
  if (pace.finding.rung === 'stop')
    return { storm, freeze, pace: paceRefusal(pace, statement, parts), notes: [] };
  return { storm, freeze, pace: null, notes: [paceText(pace, statement)] };
}
