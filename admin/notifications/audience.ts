/** Whom to tell, read from the newest control document without reading the rest of it. */
import { z } from 'zod';
import type { Queryable } from '#base/postgres/pool.js';
import { CHANNEL_KINDS, type ChannelDocument } from '#policies/control/document.js';

/** Channels, which team is told where, and where administrators are. */
export interface Audience {
  readonly channels: readonly ChannelDocument[];
  readonly teams: ReadonlyMap<string, readonly string[]>;
  readonly administrators: readonly string[];
  /** Who answers for each team. */
  readonly owners: Readonly<Record<string, string>>;
}

const CHANNELS = z.array(
  z.object({ id: z.string(), kind: z.enum(CHANNEL_KINDS), target: z.string() }),
);
const TEAMS = z.array(z.object({ id: z.string(), channels: z.array(z.string()) }));

/** @returns undefined before the first control document. */
export async function readAudience(
  db: Queryable,
  administrators: readonly string[],
): Promise<Audience | undefined> {
  const { rows } = await db.query<{ channels: unknown; teams: unknown; owners: unknown }>(
    `/* prepared: admin.audience */
    SELECT coalesce(document -> 'channels', '[]') AS channels,
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', team -> 'id', 'channels', team -> 'channels'))
        FROM jsonb_array_elements(document -> 'teams') AS listed (team) WHERE team ? 'channels'), '[]') AS teams,
      coalesce((SELECT jsonb_object_agg(team ->> 'id', team -> 'owner')
        FROM jsonb_array_elements(document -> 'teams') AS listed (team)), '{}') AS owners
    FROM control_version ORDER BY version DESC LIMIT 1`,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    channels: CHANNELS.parse(row.channels),
    teams: new Map(TEAMS.parse(row.teams).map(({ id, channels }) => [id, channels])),
    administrators,
    owners: z.record(z.string(), z.string()).parse(row.owners),
  };
}
