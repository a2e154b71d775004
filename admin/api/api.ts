import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Ledger } from '#billing/ledger.js';
import { Fault } from '#base/errors.js';
import type { Ids } from '#base/ids.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { tryParseCredits } from '#base/units.js';
import type { ControlDocument, TeamDocument } from '#policies/control/document.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { type Actor, maySeeTeam } from '../actor.js';
import { notFound } from '../problems.js';
import { type ControlVersion, readControl } from '../stores/control-store.js';

/** The server with zod schemas on its routes. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What the routes of the API work with. */
export interface ApiContext {
  readonly db: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Source of ids and secrets. */
  readonly ids: Ids;
}

export const teamParams: z.ZodObject<{ team: z.ZodString }> = z.object({
  team: z.string().max(100),
});

export const reasonSchema: z.ZodString = z
  .string('must say why, in words')
  .min(1, 'must say why, in words')
  .max(500, 'must be at most 500 characters');

/** A decimal amount of credits, not negative: `-0` is not one either. */
export const creditsSchema: z.ZodType<string> = z
  .string('must be a decimal in quotes, such as "250"')
  .refine(
    (text) => !text.startsWith('-') && (tryParseCredits(text) ?? -1n) >= 0n,
    'must be a decimal amount, not negative, at most 12 decimals, such as "250"',
  );

export const instantSchema: z.ZodString = z
  .string()
  .max(40)
  .refine((text) => tryParseInstant(text) !== undefined, 'must be a UTC date or instant');

/** The control document in force. @throws Fault `controlStale` before the first. */
export async function controlOf(db: Database): Promise<ControlVersion> {
  const control = await readControl(db);
  if (control === undefined)
    throw new Fault('controlStale', 'No control document is in force yet.');
  return control;
}

/**
 * The team, or a 404 that says where the names are. A team that the actor may not see gets the very answer of one that
 * does not exist, after the same work, so that nobody learns the names of others.
 */
export function teamOf(document: ControlDocument, id: string, actor: Actor): TeamDocument {
  const team = document.teams.find((each) => each.id === id);
  if (team === undefined || !maySeeTeam(actor, team.id))
    throw notFound(
      `There is no team "${id.slice(0, 80)}".`,
      'GET /api/v1/teams lists the teams',
      'team',
    );
  return team;
}
