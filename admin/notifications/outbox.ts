/**
 * The outbox: notifications as they are found, and what became of each at each channel. Any number of workers may do
 * this at once: the key of a notification lets one of them in, and a delivery is taken by one at a time.
 */
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { Audience } from './audience.js';
import {
  type Fact,
  type NewNotification,
  type Notification,
  type NotificationKind,
  plainLine,
  type Severity,
  TITLE_CHARACTERS_MAX,
} from './notification.js';
import { factsOf, type FoundRow, type Source, SOURCES } from './sources.js';

const ADD = `/* prepared: admin.add_notifications */
INSERT INTO notification (key, kind, severity, team_id, title, facts, occurred_at)
SELECT key, kind, severity, team_id, title, facts, occurred_at
FROM jsonb_to_recordset($1::jsonb) AS f (key text, kind text, severity text, team_id text, title text, facts jsonb,
  occurred_at timestamptz)
ORDER BY key
ON CONFLICT (key) DO NOTHING RETURNING id, key`;

const ADDRESS = `/* prepared: admin.address_notifications */
INSERT INTO notification_delivery (notification_id, channel_id)
SELECT notification_id, channel_id
FROM jsonb_to_recordset($1::jsonb) AS f (notification_id bigint, channel_id text)`;

/**
 * Writes what happened from `since` to `at` and is not told yet, with a delivery for each channel. Notifications and their
 * deliveries are written together or not at all.
 *
 * @returns how many are new.
 */
export async function collect(
  db: Database,
  audience: Audience,
  { since, at }: { readonly since: EpochMs; readonly at: EpochMs },
): Promise<number> {
  return db.transaction(async (tx) => {
    let added = 0;
    for (const source of SOURCES) {
      const { rows } = await tx.query<FoundRow>(source.sql, [new Date(at), new Date(since)]);
      if (rows.length > 0) added += await add(tx, audience, source, rows);
    }
    return added;
  });
}

async function add(
  tx: Transaction,
  audience: Audience,
  source: Source,
  rows: readonly FoundRow[],
): Promise<number> {
  const found = new Map(rows.map((row) => [row.key, toNew(source, row)]));
  const { rows: added } = await tx.query<{ id: string; key: string }>(ADD, [
    JSON.stringify([...found.values()].map(toRow)),
  ]);
  const deliveries = added.flatMap(({ id, key }) => {
    const one = found.get(key);
    const channels = one === undefined ? [] : channelsFor(audience, source, one);
    return channels.map((channel) => ({ notification_id: id, channel_id: channel }));
  });
  if (deliveries.length > 0) await tx.query(ADDRESS, [JSON.stringify(deliveries)]);
  return added.length;
}

function toNew(source: Source, { key, team_id, occurred_at, told }: FoundRow): NewNotification {
  const { severity, title, facts } = source.words(told);
  return {
    key,
    kind: source.kind,
    severity,
    teamId: team_id,
    title: plainLine(title, TITLE_CHARACTERS_MAX),
    facts: factsOf(facts),
    occurredAt: occurred_at.getTime(),
  };
}

function toRow({ teamId, occurredAt, ...rest }: NewNotification): object {
  return { ...rest, team_id: teamId, occurred_at: new Date(occurredAt).toISOString() };
}

/** The team's own channels; those of administrators where it is of no team, critical, or theirs to know. */
function channelsFor(
  { channels, teams, administrators }: Audience,
  { isForAdministrators = false }: Source,
  { teamId, severity }: NewNotification,
): readonly string[] {
  const own = teamId === null ? [] : (teams.get(teamId) ?? []);
  const isTheirs = teamId === null || isForAdministrators || severity === 'critical';
  const known = new Set(channels.map(({ id }) => id));
  const ids = [...own, ...(isTheirs ? administrators : [])];
  return [...new Set(ids)].filter((id) => known.has(id));
}

/** A delivery that this caller has taken: nobody else tries it until {@link TAKEN_SECONDS} have passed. */
export interface Due extends Notification {
  readonly channelId: string;
  /** This one included. */
  readonly attempts: number;
}

/** Longer than any sender waits. */
const TAKEN_SECONDS = 120;
const AT_ONCE_MAX = 20;

const TAKE = `/* prepared: admin.take_deliveries */
WITH due AS (
  SELECT notification_id, channel_id FROM notification_delivery
  WHERE state = 'pending' AND next_at <= clock_timestamp() ORDER BY next_at LIMIT ${AT_ONCE_MAX} FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE notification_delivery d SET attempts = d.attempts + 1,
    next_at = clock_timestamp() + interval '${TAKEN_SECONDS} seconds'
  FROM due WHERE d.notification_id = due.notification_id AND d.channel_id = due.channel_id
  RETURNING d.notification_id, d.channel_id, d.attempts
)
SELECT n.id, n.key, n.kind, n.severity, n.team_id, n.title, n.facts, n.occurred_at, t.channel_id, t.attempts
FROM taken t JOIN notification n ON n.id = t.notification_id ORDER BY n.id, t.channel_id`;

interface DueRow {
  readonly id: string;
  readonly key: string;
  readonly kind: NotificationKind;
  readonly severity: Severity;
  readonly team_id: string | null;
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly occurred_at: Date;
  readonly channel_id: string;
  readonly attempts: number;
}

/** Takes what is due, at most {@link AT_ONCE_MAX}, the longest due first. */
export async function takeDue(db: Queryable): Promise<readonly Due[]> {
  const { rows } = await db.query<DueRow>(TAKE);
  return rows.map(({ team_id, occurred_at, channel_id, ...rest }) => ({
    ...rest,
    teamId: team_id,
    occurredAt: occurred_at.getTime(),
    channelId: channel_id,
  }));
}

/** How a delivery ended this time. */
export type DeliveryEnd =
  | { readonly kind: 'sent' }
  | { readonly kind: 'again'; readonly inSeconds: number; readonly problem: string }
  | { readonly kind: 'dead'; readonly problem: string };

const END = `/* prepared: admin.end_delivery */
UPDATE notification_delivery SET
  state = CASE $4::text WHEN 'sent' THEN 'sent' WHEN 'dead' THEN 'dead' ELSE 'pending' END,
  next_at = clock_timestamp() + $5::double precision * interval '1 second',
  ended_at = CASE WHEN $4::text = 'again' THEN NULL ELSE clock_timestamp() END,
  problem = $6
WHERE notification_id = $1 AND channel_id = $2 AND attempts = $3 AND state = 'pending'`;

const PROBLEM_CHARACTERS_MAX = 300;

/** Writes it down, unless somebody else has taken the delivery since. */
export async function endDelivery(db: Queryable, due: Due, end: DeliveryEnd): Promise<void> {
  const problem = end.kind === 'sent' ? null : plainLine(end.problem, PROBLEM_CHARACTERS_MAX);
  const inSeconds = end.kind === 'again' ? end.inSeconds : 0;
  await db.query(END, [due.id, due.channelId, due.attempts, end.kind, inSeconds, problem]);
}
