/** Why a statement would not have run: what refused it, and the code that its author would have been told. */
import { must } from '../../base/assert.js';
import type { TgName } from '../../base/errors.js';
import type { Credits } from '../../base/units.js';
import type { NotRun } from '../../policies/rules/course.js';
import type { Decision, RefusalCause } from '../../policies/rules/decision.js';

export interface Refused {
  readonly kind: 'refused';
  /** `rule: full-scan`, `ceiling: a rule`, `opaque`, `identity`, `warehouse`. */
  readonly by: string;
  /** What its author is told. */
  readonly code: TgName;
  /** An estimate above this refused it; null: not an amount. */
  readonly limitCredits: Credits | null;
}

/** Not for an amount. */
export function refusedFor(code: TgName, by: string): Refused {
  return { kind: 'refused', by, code, limitCredits: null };
}

/** What a statement is told that does not run where it is. */
export function refusedOn(course: NotRun): Refused {
  return course.kind === 'noHours'
    ? refusedFor('offPeakOnly', 'off-peak: no hours')
    : must(refusedBy(course.decision), 'what refuses is told');
}

/**
 * What a decision is told as; null: it lets the statement run. Where a session is not switched, a reroute is told its
 * caller.
 */
export function refusedBy(decision: Decision): Refused | null {
  const rule = decision.reasons[0]?.source ?? decision.kind;
  switch (decision.kind) {
    case 'allow':
    case 'queue':
      return null;
    case 'reroute':
      return refusedFor('ruleRefused', `reroute: ${rule}`);
    case 'approve':
      return refusedFor('approvalNeeded', `approve: ${rule}`);
    case 'refuse':
      return refusedFrom(decision.cause);
  }
}

function refusedFrom(cause: RefusalCause): Refused {
  switch (cause.kind) {
    case 'rule':
      return refusedFor('ruleRefused', `rule: ${cause.ruleId}`);
    case 'off-peak':
      return refusedFor('offPeakOnly', `off-peak: ${cause.ruleId}`);
    case 'ceiling': {
      const told = refusedFor('ceilingExceeded', `ceiling: ${cause.source}`);
      return { ...told, limitCredits: cause.ceilingCredits };
    }
    case 'access':
      return refusedFor('accessRefused', `access: ${cause.listId}`);
    case 'opaque':
      return refusedFor('opaqueRefused', cause.kind);
    case 'external-location':
      return refusedFor('ruleRefused', cause.kind);
  }
}
