/** From why a statement is not run to what its author reads. */
import { OFF_PEAK_COMMENT } from '../off-peak.js';
import { instantText, nameText, spanText } from './amount-text.js';
import { passNameOf, type RefusalCause } from './decision.js';
import { cheaperSteps, rangeText } from './refusal-lines.js';
import {
  ceilingRefusal,
  compose,
  opaqueRefusal,
  type Refusal,
  type RefusalContext,
  requestStep,
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
    case 'off-peak':
      return offPeakRefusal(cause, context);
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

/** TG2104: it runs in the off-peak hours of its tier only; where no budget would refuse it then, how to wait for them. */
export function offPeakRefusal(
  cause: Extract<RefusalCause, { kind: 'off-peak' }>,
  context: RefusalContext,
): Refusal {
  const when = `${instantText(cause.opensAt, cause.timeZone)} (in ${spanText(cause.opensAt - context.at)})`;
  const name = passNameOf(cause);
  const wait = `send it as ${OFF_PEAK_COMMENT} <statement>: its hold is taken at once, and it runs from ${when} on`;
  return compose('offPeakOnly', context, {
    headline: `${rangeText(context)}: ${nameText(cause.message, 300)} (rule ${cause.ruleId}); it runs off-peak, from ${when} on.`,
    lines: [],
    steps: [
      ...cheaperSteps(context),
      ...(cause.isOffered ? [wait] : []),
      ...(name === null ? [] : [requestStep(context)]),
    ],
    detail: {
      rule: cause.ruleId,
      offPeakFrom: new Date(cause.opensAt).toISOString(),
      ...(name === null ? { isApprovable: false } : { passes: [name] }),
    },
  });
}
