/** What the control document says of idle time and shared services, as the allocation reads it. */
import type { IdleRule, IdleRulesOf } from '../billing/attribution/policies/idle-rule.js';
import type { SharedCost, SharedCosts } from '../billing/attribution/services/service-day.js';
import type { SharedCostDocument } from '../policies/control/attribution-documents.js';
import {
  budgetWeights,
  idlePoliciesOf,
  sharedCostOf,
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

/** Who bears what services took; a document without shared costs leaves all of it of nobody. */
export function sharedCostsOf(document: ControlDocument): SharedCosts {
  const known = new Map((document.sharedCosts ?? []).map((entry) => [entry, toSharedCost(entry)]));
  return {
    costOf: (service, entity, day) => {
      const entry = sharedCostOf(document, service, entity, day);
      return entry && known.get(entry);
    },
    teamIds: document.teams.map(({ id }) => id).sort(),
  };
}

/** All that {@link sharedCostsOf} depends on. */
export function sharedCostsText({ sharedCosts = [], teams }: ControlDocument): string {
  return JSON.stringify([sharedCosts, teams.map(({ id }) => id).sort()]);
}

function toSharedCost({ id, by, team, percents, teams }: SharedCostDocument): SharedCost {
  const named =
    percents?.map((each) => ({ teamId: each.team, weight: BigInt(each.percent) })) ??
    (team === undefined ? (teams ?? []) : [team]).map((teamId) => ({ teamId, weight: 1n }));
  return { id, by, teams: named };
}
