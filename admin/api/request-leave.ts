/** Who may decide about requests: administrators everything, leads what the control document lets leads of their team. */
import { z } from 'zod';
import { LEAD_DAYS } from '#billing/decide-request.js';
import { type Credits, parseCredits } from '#base/units.js';
import type { TeamDocument } from '#policies/control/document.js';
import type { Actor } from '../actor.js';

export const leaveSchema: z.ZodObject<{
  grants: z.ZodBoolean;
  declines: z.ZodBoolean;
  note: z.ZodString;
}> = z.object({
  grants: z.boolean().describe('Whether the token may grant at all'),
  declines: z.boolean().describe('Whether it may decline'),
  note: z.string().describe('Who decides, and how far, in words'),
});

/** What somebody may decide, and who decides the rest. */
export type Leave = z.infer<typeof leaveSchema>;

/** The most that leads of a team grant together in {@link LEAD_DAYS} days; undefined: they grant nothing. */
export function leadsLimit(teams: readonly TeamDocument[], teamId: string): Credits | undefined {
  const text = teams.find(({ id }) => id === teamId)?.leadsGrantCredits;
  return text === undefined ? undefined : parseCredits(text);
}

/**
 * What `actor` may decide; of a single request the ledger may still say that it is beyond a lead.
 * @param teams of the control document; read for leads only.
 */
export function leaveOf(actor: Actor, teams: readonly TeamDocument[]): Leave {
  switch (actor.role) {
    case 'platform':
      return { grants: true, declines: true, note: 'Administrators decide all requests.' };
    case 'team-lead':
      return leaveOfLead(actor, teams);
    case 'finance':
    case 'analyst':
      return {
        grants: false,
        declines: false,
        note: 'Administrators decide, and leads what is asked for in their team as far as the control document lets them.',
      };
  }
}

function leaveOfLead(actor: Actor, teams: readonly TeamDocument[]): Leave {
  const team = actor.teamId ?? '';
  if ((actor.ownPrincipalId ?? null) === null)
    return {
      grants: false,
      declines: false,
      note: 'This token does not say which principal its lead is, so that nobody could tell whether the lead decides what the lead asked for. Ask the administrators for one that names the principal.',
    };
  const limit = teams.find(({ id }) => id === team)?.leadsGrantCredits;
  if (limit === undefined)
    return {
      grants: false,
      declines: true,
      note: `Leads of team ${team} grant nothing: the control document has no leadsGrantCredits for it. Ask the administrators to decide.`,
    };
  return {
    grants: true,
    declines: true,
    note: `Leads of team ${team} grant up to ${limit} credits together in ${LEAD_DAYS} days. What is beyond that, a budget above the team, and what they asked for themselves is decided by administrators.`,
  };
}
