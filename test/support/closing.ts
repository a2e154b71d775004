/** A database in which months are metered and closed, step by step. */
import type { MonthTerms } from '../../billing/bills/month-terms.js';
import { freezeMonth } from '../../billing/close/freeze.js';
import type { CloseOutcome } from '../../billing/close/outcome.js';
import { takeStep } from '../../billing/close/take-step.js';
import type { Database } from '../../base/postgres/pool.js';
import { NOVEMBER_5, terms } from './metered-month.js';

/** Closes a month by two people. @throws when a step is refused. */
export async function closeMonth(
  db: Database,
  month: string,
  more: { readonly terms?: MonthTerms; readonly step?: 'freeze' | 'reopen' } = {},
): Promise<void> {
  const of = { month, at: NOVEMBER_5, reason: 'because', audit: () => Promise.resolve() };
  const { step: first = 'freeze', terms: by = terms() } = more;
  expectTaken(await freezeMonth(db, { ...of, step: first, by: 'ann', terms: by }));
  for (const [step, who] of [
    ['propose', 'ann'],
    ['approve', 'ben'],
    ['close', 'ben'],
  ] as const)
    expectTaken(await takeStep(db, { ...of, step, by: who, twoApprovalsFrom: null }));
}

function expectTaken(outcome: CloseOutcome): void {
  if (outcome.kind !== 'taken') throw new Error(`a step was refused: ${JSON.stringify(outcome)}`);
}
