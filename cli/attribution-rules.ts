/** What the control document says of idle time and shared services, as the allocation reads it. */
import type { IdleRule, IdleRulesOf } from '../billing/attribution/policies/idle-rule.js';
import {
  budgetWeights,
  idlePoliciesOf,
  warehouseOwnerOf,
} from '../policies/control/attribution.js';
import type { ControlDocument } from '../policies/control/document.js';

/** Who bears the idle time of each warehouse; a document without policies moves nothing. */
export function idleRulesOf(document: ControlDocument): IdleRulesOf {
  const budgets = budgetWeights(document);
  return (warehouse) => {
    const ownerTeam = warehouseOwnerOf(document, warehouse) ?? null;
    return idlePoliciesOf(document, warehouse).map(({ from, entry }): IdleRule => ({
      from,
      entry: entry.id,
      policy: entry.policy,
      idle: entry.idle ?? entry.policy,
      resumeMinute: entry.resumeMinute ?? entry.policy,
      shortQuery: entry.shortQuery ?? entry.policy,
      ownerTeam,
      platformTeam: entry.platformTeam ?? null,
      budgets,
    }));
  };
}
