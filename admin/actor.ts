/** Who calls the API, as authenticated by a token; every write names its actor in the audit log. */
export const API_ROLES = ['platform', 'finance', 'team-lead', 'analyst'] as const;
export type ApiRole = (typeof API_ROLES)[number];

export interface Actor {
  /** `admin-token` for the token of the settings, else the name and id of an issued one. */
  readonly id: string;
  readonly role: ApiRole;
  /** The one team that a team lead or an analyst may see; null for the others. */
  readonly teamId: string | null;
  /** The one principal that an analyst is; null for the others. */
  readonly principalId: string | null;
  /** The principal that a lead is, who sees the whole team and does not decide what that principal asks for. */
  readonly ownPrincipalId?: string | null;
}

/** The bearer of the token of the settings: whoever may start the process may do everything. */
export const ADMIN_TOKEN_ACTOR: Actor = {
  id: 'admin-token',
  role: 'platform',
  teamId: null,
  principalId: null,
};

/** Whether the actor may see what belongs to a team: platform and finance see all, the others their own. */
export function maySeeTeam(actor: Actor, teamId: string): boolean {
  return actor.role === 'platform' || actor.role === 'finance' || actor.teamId === teamId;
}
