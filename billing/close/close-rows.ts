/** Rows of versions and their steps, and the lock under which every move of a close and every booking is made. */
import { must } from '#base/assert.js';
import type { Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { storable } from '../postgres/ticket-row.js';
import { type CloseStep, type CloseVersion, readVersions } from './read-close.js';
import type { StepBy } from './outcome.js';

/** One at a time in the deployment: closes are rare, and whoever comes second sees what the first has done. */
export async function lockCloses(tx: Transaction): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tollgate.close', 0))");
}

const ADD = `/* prepared: billing.add_close_version */
INSERT INTO month_close (month, version, state, freeze_id) VALUES ($1, $2, 'softClosed', $3)`;

const MOVE = `/* prepared: billing.move_close */
UPDATE month_close SET state = $3, freeze_id = coalesce($4, freeze_id), closed_at = coalesce($5, closed_at)
WHERE month = $1 AND version = $2`;

const STEP = `/* prepared: billing.add_close_step */
INSERT INTO month_step (month, version, freeze_id, step, taken_by, taken_at, reason)
SELECT month, version, freeze_id, $3, $4, $5, $6 FROM month_close WHERE month = $1 AND version = $2`;

/** Writes the first row of a version: soft-closed, as it was frozen. Faults of Postgres propagate. */
export async function addVersion(
  tx: Transaction,
  month: string,
  version: number,
  freezeId: string,
): Promise<void> {
  await tx.query(ADD, [month, version, freezeId]);
}

/** Brings a version to a state; what is absent of `to` stays. Faults of Postgres propagate. */
export async function moveVersion(
  tx: Transaction,
  of: { readonly month: string; readonly version: number },
  to: {
    readonly state: CloseVersion['state'];
    readonly freezeId?: string;
    readonly closedAt?: EpochMs;
  },
): Promise<void> {
  const closedAt = to.closedAt === undefined ? null : new Date(to.closedAt);
  await tx.query(MOVE, [of.month, of.version, to.state, to.freezeId ?? null, closedAt]);
}

/** Writes the step and gives the version as it stands then. */
export async function noteStep(
  tx: Transaction,
  version: number,
  step: CloseStep,
  { month, by, at, reason }: StepBy,
): Promise<CloseVersion> {
  await tx.query(STEP, [
    month,
    version,
    step,
    storable(by),
    new Date(at),
    reason === null ? null : storable(reason),
  ]);
  const versions = await readVersions(tx, month);
  return must(
    versions.find((each) => each.version === version),
    'a step is of a version',
  );
}
