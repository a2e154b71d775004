/**
 * The steps of a close after a month is frozen. Each is one transaction under one lock; who froze or proposed a month does
 * not approve it, nor sign off what does not agree.
 */
import { isSamePerson } from '#base/actors.js';
import type { Database, Transaction } from '#base/postgres/pool.js';
import { type Money, compareAmounts, parseMoney } from '#base/units.js';
import { lockCloses, moveVersion, noteStep } from './close-rows.js';
import type { CloseOutcome, CloseRefusal, StepBy } from './outcome.js';
import { type CloseStep, type CloseVersion, readVersions } from './read-close.js';

export interface StepOptions extends StepBy {
  readonly step: Exclude<CloseStep, 'freeze' | 'reopen'>;
  /** A month of this amount or more needs two who approve; null: none does. */
  readonly twoApprovalsFrom: Money | null;
  /** Writes the audit event, in the same transaction. */
  readonly audit: (tx: Transaction, outcome: CloseOutcome) => Promise<void>;
}

const FROM: Readonly<Record<StepOptions['step'], readonly CloseVersion['state'][]>> = {
  propose: ['softClosed'],
  signOff: ['softClosed', 'inReview'],
  approve: ['inReview'],
  return: ['inReview', 'approved'],
  close: ['approved'],
};

const FROZEN = `/* prepared: billing.close_frozen */
SELECT total_amount, jsonb_array_length(reconciliation -> 'open') AS open FROM month_freeze WHERE id = $1`;

/** Takes the step, or says which rule it would break and changes nothing. Faults of Postgres propagate. */
export function takeStep(db: Database, options: StepOptions): Promise<CloseOutcome> {
  return db.transaction(async (tx) => {
    await lockCloses(tx);
    const versions = await readVersions(tx, options.month);
    const latest = versions.at(-1);
    if (latest === undefined || !FROM[options.step].includes(latest.state))
      return { kind: 'wrongState', version: latest };
    const { rows } = await tx.query<{ total_amount: string; open: number }>(FROZEN, [
      latest.freezeId,
    ]);
    const open = rows[0]?.open ?? 0;
    const refusal = refusalOf(latest, options, open);
    if (refusal !== undefined) return refusal;
    const total = parseMoney(rows[0]?.total_amount ?? '0');
    await move(tx, versions, latest, options, isEnough(latest, total, options));
    const version = await noteStep(tx, latest.version, options.step, options);
    const outcome = { kind: 'taken', version, before: latest.state } as const;
    await options.audit(tx, outcome);
    return outcome;
  });
}

/** The steps after the freeze that this person may take now. @param open how many figures do not agree. */
export function stepsOpenTo(
  version: CloseVersion,
  by: string,
  open: number,
): readonly StepOptions['step'][] {
  const steps = Object.keys(FROM) as readonly StepOptions['step'][];
  return steps.filter(
    (step) =>
      FROM[step].includes(version.state) && refusalOf(version, { step, by }, open) === undefined,
  );
}

function refusalOf(
  version: CloseVersion,
  { step, by }: Pick<StepOptions, 'step' | 'by'>,
  open: number,
): CloseRefusal | undefined {
  if (step === 'signOff' && open === 0) return { kind: 'nothingOpen' };
  if (step === 'approve' || step === 'signOff') {
    const did = ownStep(version, by, step);
    if (did !== undefined) return { kind: 'ownWork', did };
  }
  if ((step === 'approve' || step === 'close') && open > 0 && version.signedOff === null)
    return { kind: 'openVariance', count: open };
  return undefined;
}

/** What of the version as it is frozen now is this person's own; whoever returned it has taken no part in it. */
function ownStep(
  { steps, freezeId, approvals }: CloseVersion,
  by: string,
  step: 'approve' | 'signOff',
): CloseStep | undefined {
  const own = steps.findLast(
    (each) =>
      isSamePerson(each.by, by) &&
      each.freezeId === freezeId &&
      (each.step === 'freeze' || each.step === 'reopen' || each.step === 'propose'),
  );
  if (own !== undefined) return own.step;
  return step === 'approve' && approvals.some((each) => isSamePerson(each.by, by))
    ? 'approve'
    : undefined;
}

/** Whether one more who approves is enough. */
function isEnough(
  { approvals }: CloseVersion,
  total: Money,
  { twoApprovalsFrom }: StepOptions,
): boolean {
  const needed = twoApprovalsFrom !== null && compareAmounts(total, twoApprovalsFrom) >= 0 ? 2 : 1;
  return approvals.length + 1 >= needed;
}

async function move(
  tx: Transaction,
  versions: readonly CloseVersion[],
  version: CloseVersion,
  { step, at }: StepOptions,
  isLastApproval: boolean,
): Promise<void> {
  switch (step) {
    case 'propose':
      return moveVersion(tx, version, { state: 'inReview' });
    case 'return':
      return moveVersion(tx, version, { state: 'softClosed' });
    case 'approve':
      return isLastApproval ? moveVersion(tx, version, { state: 'approved' }) : undefined;
    case 'signOff':
      return undefined;
    case 'close': {
      const before = versions.find(({ state }) => state === 'closed');
      if (before !== undefined) await moveVersion(tx, before, { state: 'superseded' });
      return moveVersion(tx, version, { state: 'closed', closedAt: at });
    }
  }
}
