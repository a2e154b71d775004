/** How far months are: their versions, who took which step, and which version is meant by a month without one. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { MonthState } from '../bills/billed-month.js';

export const CLOSE_STEPS = [
  'freeze',
  'propose',
  'signOff',
  'approve',
  'return',
  'close',
  'reopen',
] as const;
export type CloseStep = (typeof CLOSE_STEPS)[number];

export interface TakenStep {
  readonly step: CloseStep;
  readonly by: string;
  readonly at: EpochMs;
  readonly reason: string | null;
  readonly freezeId: string;
}

/** One version of a month. */
export interface CloseVersion {
  readonly month: string;
  readonly version: number;
  readonly state: Exclude<MonthState, 'open'>;
  readonly freezeId: string;
  readonly closedAt: EpochMs | null;
  /** Oldest first. */
  readonly steps: readonly TakenStep[];
  /** Of what is frozen now, since it was last proposed. */
  readonly approvals: readonly TakenStep[];
  /** Who signed an open variance of what is frozen now off. */
  readonly signedOff: TakenStep | null;
}

const VERSIONS = `/* prepared: billing.close_versions */
SELECT c.month, c.version, c.state, c.freeze_id, c.closed_at, coalesce((
  SELECT jsonb_agg(jsonb_build_object('step', s.step, 'by', s.taken_by,
    'at', (extract(epoch FROM s.taken_at) * 1000)::bigint, 'reason', s.reason, 'freezeId', s.freeze_id::text) ORDER BY s.id)
  FROM month_step s WHERE (s.month, s.version) = (c.month, c.version)), '[]') AS steps
FROM month_close c WHERE $1::text IS NULL OR c.month = $1 ORDER BY c.month, c.version`;

interface VersionRow {
  readonly month: string;
  readonly version: number;
  readonly state: CloseVersion['state'];
  readonly freeze_id: string;
  readonly closed_at: Date | null;
  readonly steps: readonly TakenStep[];
}

/** Versions of `month`, or of every month, the oldest first; none while it is open. Faults of Postgres propagate. */
export async function readVersions(
  db: Queryable,
  month: string | null,
): Promise<readonly CloseVersion[]> {
  const { rows } = await db.query<VersionRow & Record<string, unknown>>(VERSIONS, [month]);
  return rows.map(versionOf);
}

/** The version that a month stands for: the closed one, else the one on its way; undefined: the month is open. */
export function versionInForce(versions: readonly CloseVersion[]): CloseVersion | undefined {
  return versions.find(({ state }) => state === 'closed') ?? versions.at(-1);
}

function versionOf(row: VersionRow): CloseVersion {
  const { steps, freeze_id: freezeId } = row;
  const proposed = steps.findLastIndex(({ step }) => step === 'propose' || step === 'return');
  return {
    month: row.month,
    version: row.version,
    state: row.state,
    freezeId,
    closedAt: row.closed_at === null ? null : row.closed_at.getTime(),
    steps,
    approvals: steps.slice(proposed + 1).filter(({ step }) => step === 'approve'),
    signedOff:
      steps.findLast((each) => each.step === 'signOff' && each.freezeId === freezeId) ?? null,
  };
}
