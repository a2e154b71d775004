/** The sign-ins of the console that last, one row each, so that a person sees the own ones. What ends one deletes its row. */
import { storable } from '#billing/postgres/ticket-row.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

/** By what somebody showed who they are. */
export type ProvenBy = 'token' | 'oidc';

/** A sign-in as its person sees it; times are of the wall clock. */
export interface OpenSignIn {
  readonly id: string;
  readonly provenBy: ProvenBy;
  /** In words, such as `Firefox on Linux`; null: none that we know. */
  readonly browser: string | null;
  readonly startedAt: EpochMs;
  /** Address of the connection, as {@link usedFrom}. */
  readonly startedFrom: string;
  /** At most a minute old while somebody uses it. */
  readonly usedAt: EpochMs;
  readonly usedFrom: string;
}

interface SignInRow extends Record<string, unknown> {
  readonly id: string;
  readonly proven_by: ProvenBy;
  readonly browser: string | null;
  readonly started_at: Date;
  readonly started_from: string;
  readonly used_at: Date;
  readonly used_from: string;
}

/** What lasts: began after `startedAfterMs` and was used after `usedAfterMs`. */
export interface LastingSince {
  readonly startedAfterMs: EpochMs;
  readonly usedAfterMs: EpochMs;
}

/** Writes the row of a sign-in that begins. Faults of Postgres propagate. */
export async function insertSignIn(
  tx: Transaction,
  actorId: string,
  signIn: Pick<OpenSignIn, 'id' | 'provenBy' | 'browser' | 'startedAt' | 'startedFrom'>,
): Promise<void> {
  await tx.query(
    `INSERT INTO console_sign_in (id, actor, proven_by, browser, started_at, started_from, used_at, used_from)
     VALUES ($1, $2, $3, $4, $5, $6, $5, $6)`,
    [
      signIn.id,
      storable(actorId),
      signIn.provenBy,
      signIn.browser,
      new Date(signIn.startedAt),
      signIn.startedFrom,
    ],
  );
}

/** Notes that a sign-in was used; nothing where it was ended. */
export async function noteSignInUse(
  db: Queryable,
  id: string,
  use: { readonly at: EpochMs; readonly from: string },
): Promise<void> {
  await db.query(
    'UPDATE console_sign_in SET used_at = $2, used_from = $3 WHERE id = $1 AND used_at < $2',
    [id, new Date(use.at), use.from],
  );
}

/** Sign-ins of one actor that last, the newest first, at most `limit`; `after`: the last row of the page before. */
export async function listSignIns(
  db: Queryable,
  actorId: string,
  since: LastingSince,
  page: { readonly after: readonly [string, string] | undefined; readonly limit: number },
): Promise<readonly OpenSignIn[]> {
  const { rows } = await db.query<SignInRow>(
    `SELECT id, proven_by, browser, started_at, started_from, used_at, used_from FROM console_sign_in
     WHERE actor = $1 AND started_at > $2 AND used_at > $3
       AND ($4::timestamptz IS NULL OR (started_at, id) < ($4, $5))
     ORDER BY started_at DESC, id DESC LIMIT $6`,
    [
      storable(actorId),
      new Date(since.startedAfterMs),
      new Date(since.usedAfterMs),
      page.after?.[0] ?? null,
      page.after?.[1] ?? null,
      page.limit,
    ],
  );
  return rows.map((row) => ({
    id: row.id,
    provenBy: row.proven_by,
    browser: row.browser,
    startedAt: row.started_at.getTime(),
    startedFrom: row.started_from,
    usedAt: row.used_at.getTime(),
    usedFrom: row.used_from,
  }));
}

/** Whether a sign-in that was not ended is one of the actor. */
export async function isSignInOf(db: Queryable, actorId: string, id: string): Promise<boolean> {
  const { rows } = await db.query('SELECT 1 FROM console_sign_in WHERE id = $1 AND actor = $2', [
    id,
    storable(actorId),
  ]);
  return rows.length > 0;
}

/** Deletes one, if it is there. Faults of Postgres propagate. */
export async function deleteSignIn(tx: Transaction, id: string): Promise<void> {
  await tx.query('DELETE FROM console_sign_in WHERE id = $1', [id]);
}

/** Deletes those of the actor that began until `untilMs`, but for one. @returns how many there were. */
export async function deleteSignInsOf(
  tx: Transaction,
  actorId: string,
  { untilMs, exceptId }: { readonly untilMs: EpochMs; readonly exceptId: string | null },
): Promise<number> {
  const { rows } = await tx.query(
    `DELETE FROM console_sign_in WHERE actor = $1 AND started_at <= $2 AND ($3::text IS NULL OR id <> $3)
     RETURNING id`,
    [storable(actorId), new Date(untilMs), exceptId],
  );
  return rows.length;
}

/** Deletes those of everybody that began until `untilMs`, and so are over by themselves. */
export async function deleteSignInsOver(tx: Transaction, untilMs: EpochMs): Promise<void> {
  await tx.query('DELETE FROM console_sign_in WHERE started_at <= $1', [new Date(untilMs)]);
}
