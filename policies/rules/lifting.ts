/**
 * What is decided of a statement once one thing after the other that is in its way is lifted: refusals by passes that last,
 * what wants somebody's word by a word to come.
 */
import type { Credits } from '#base/units.js';
import { type Decision, type Lifted, passNameOf } from './decision.js';

/** Most things that somebody's word lifts for one statement. */
const LIFTED_MAX = 20;

/** A pass that lasts, as far as a decision asks. */
export interface HeldPass {
  /** Names of {@link passNameOf}. */
  readonly passes: readonly string[];
  /** The most that a statement may cost by it; null: it names no amount. */
  readonly amountCredits: Credits | null;
}

export interface LiftedDecision {
  readonly decision: Decision;
  /** What has to be lifted for it. */
  readonly passes: readonly string[];
  /** The first of the decisions that want somebody's word; null: what is lifted is lifted by passes that last. */
  readonly waits: Extract<Decision, { kind: 'approve' }> | null;
}

/**
 * @param first the decision where nothing is lifted.
 * @param held passes that last for the statement.
 * @param judge the decision where so much is lifted.
 */
export function liftDecision(
  first: Decision,
  held: readonly HeldPass[],
  judge: (lifted: Lifted) => Decision,
): LiftedDecision {
  const passes = new Set<string>();
  let amountCredits: Credits | null = null;
  let decision: Decision = first;
  let waits: LiftedDecision['waits'] = null;
  while (passes.size < LIFTED_MAX) {
    const name = blocking(decision);
    if (name === null || passes.has(name)) break;
    if (decision.kind === 'approve') waits ??= decision;
    else {
      const pass = held.find((each) => each.passes.includes(name));
      if (pass === undefined || waits !== null) break;
      if (name === 'ceiling') ({ amountCredits } = pass);
    }
    passes.add(name);
    decision = judge({ passes, amountCredits });
  }
  return { decision, passes: [...passes], waits };
}

/** The name of what is in the statement's way; null: nothing is, or nothing lifts it. */
function blocking(decision: Decision): string | null {
  switch (decision.kind) {
    case 'allow':
      return null;
    case 'refuse':
    case 'approve':
      return passNameOf(decision.cause);
    case 'reroute':
    case 'queue': {
      const rule = decision.reasons[0]?.source;
      return rule === undefined || decision.isApprovable === false ? null : `rule:${rule}`;
    }
  }
}
