/** From why a statement is not run to what its author reads. */
import { nameText } from './amount-text.js';
import type { RefusalCause } from './decision.js';
import { rangeText } from './refusal-lines.js';
import {
  ceilingRefusal,
  compose,
  opaqueRefusal,
  type Refusal,
  type RefusalContext,
  ruleRefusal,
} from './refusal-text.js';

/** The refusal that a decision's cause stands for. */
export function refusalOf(cause: RefusalCause, context: RefusalContext): Refusal {
  switch (cause.kind) {
    case 'rule':
    case 'external-location':
      return ruleRefusal(cause, context);
    case 'ceiling':
      return ceilingRefusal(cause, context);
    case 'opaque':
      return opaqueRefusal(context);
    case 'access':
      return accessRefusal(cause, context);
  }
}

/** TG2103: an access list keeps something that the statement touches from its team; no request opens it. */
export function accessRefusal(
  cause: Extract<RefusalCause, { kind: 'access' }>,
  context: RefusalContext,
): Refusal {
  return compose('accessRefused', context, {
    headline: `${rangeText(context)}: team ${cause.team} has no access to ${nameText(cause.what, 300)} (access list ${cause.listId}).`,
    lines: [],
    steps: [`ask ${nameText(cause.owner, 80)} to open it`],
    detail: { access: { list: cause.listId, what: cause.what, owner: cause.owner } },
  });
}
