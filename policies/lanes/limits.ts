/** The limits of a lane, as the control document states them of its tier. */
import type { TierDocument } from '../control/document.js';
import { foldName } from '../rules/glob.js';
import type { LaneLimits, TeamLane } from './lane.js';

export function laneLimits(tier: TierDocument): LaneLimits {
  const everybody: TeamLane = {
    weight: tier.weight,
    concurrencyMax: tier.teamConcurrencyMax ?? null,
    queueMax: tier.teamQueueMax ?? null,
    queueTimeoutMs: tier.queueTimeoutSeconds * 1000,
  };
  return {
    ...everybody,
    tier: tier.id,
    concurrencyMax: tier.concurrencyMax,
    queueMax: tier.queueMax,
    teamConcurrencyMax: everybody.concurrencyMax,
    teamQueueMax: everybody.queueMax,
    principalConcurrencyMax: tier.principalConcurrencyMax ?? null,
    administratorPermits: tier.administrators?.permits ?? 0,
    administrators: {
      principals: new Set(tier.administrators?.principals?.map(foldName)),
      roles: new Set(tier.administrators?.roles?.map(foldName)),
    },
    teams: new Map(
      tier.teams?.map((own) => [
        own.team,
        {
          weight: own.weight ?? everybody.weight,
          concurrencyMax: own.concurrencyMax ?? everybody.concurrencyMax,
          queueMax: own.queueMax ?? everybody.queueMax,
          queueTimeoutMs:
            own.queueTimeoutSeconds === undefined
              ? everybody.queueTimeoutMs
              : own.queueTimeoutSeconds * 1000,
        },
      ]),
    ),
  };
}

/** Whether a statement goes by the administrators' permits. `roleName`: the Snowflake role in force. */
export function isAdministrator(
  { administrators: { principals, roles } }: LaneLimits,
  principalId: string,
  roleName: string | null,
): boolean {
  return (
    principals.has(foldName(principalId)) || (roleName !== null && roles.has(foldName(roleName)))
  );
}
