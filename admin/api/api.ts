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
import { UNALLOCATED } from '#billing/bills/billed-month.js';
import { readPricesInForce } from '#billing/prices/read-prices.js';
import { must } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { tryParseCredits } from '#base/units.js';
import type { ControlDocument, TeamDocument } from '#policies/control/document.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { type PriceAt, priceLookup } from '#policies/prices/price-lookup.js';
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

interface ReadVersion {
  readonly version: string;
  readonly control: Promise<ControlVersion>;
}

/** What was read last from each database: versions never change, and reading 10,000 teams takes seconds. */
const lastRead = new WeakMap<Database, ReadVersion>();

/**
 * The control document in force, as it is in the database at this moment.
 * @throws Fault `controlStale` before the first, or when it is not valid to this program.
 */
export async function controlOf(db: Database): Promise<ControlVersion> {
  const { rows } = await db.query<{ version: string }>(
    'SELECT version FROM control_version ORDER BY version DESC LIMIT 1',
  );
  const version = rows[0]?.version;
  if (version === undefined)
    throw new Fault('controlStale', 'No control document is in force yet.');
  const known = lastRead.get(db);
  if (known?.version === version) return known.control;
  // Requests at the same time wait for one reading.
  const control = readInForce(db);
  lastRead.set(db, { version, control });
  try {
    return await control;
  } catch (thrown) {
    if (lastRead.get(db)?.control === control) lastRead.delete(db);
    throw thrown;
  }
}

/** The price look-up in force: that of the document behind the rate sheets that were imported. */
export async function pricesOf(db: Database, document: ControlDocument): Promise<PriceAt> {
  return priceLookup(document, await readPricesInForce(db));
}

async function readInForce(db: Database): Promise<ControlVersion> {
  return must(await readControl(db), 'a version stands, and versions are never deleted');
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

/**
 * Whose bill is asked for: a team that the caller may see, or what is of nobody, for those who see all.
 * @throws ProblemError 404, as {@link teamOf}.
 */
export function payerOf(document: ControlDocument, id: string, actor: Actor): string {
  return id === UNALLOCATED && actor.teamId === null ? id : teamOf(document, id, actor).id;
}
