/** What a budget admits while the ledger does not answer has to fit what it is. */
import { type ControlProblem, problemAt } from './problem.js';
import { isRecord, type RawEntry } from './raw-parts.js';

/** A hard budget has nothing to give without its ledger: an allowance would be a promise past its limit. */
export function failModeProblems({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const failMode = fields['failMode'];
  if (!isRecord(failMode) || failMode['kind'] !== 'allowance') return [];
  if (fields['hard'] === false || fields['limitCredits'] === 'unlimited') return [];
  return [
    problemAt(
      [...segments, 'failMode', 'kind'],
      'must not be allowance for a hard budget: what nobody can count would pass its limit',
      'set it to leases or refuse, or set hard to false',
    ),
  ];
}
