/** Checks of ladders and off-peak hours that a shape cannot say: limits, tiers and time zones that they need. */
import { type ControlProblem, problemAt, problemOfKey } from './problem.js';
import { entriesOf, isRecord, type RawEntry, type RawParts, textOf } from './raw-parts.js';
import { isTimeZone } from './time-zone.js';

/** Every such problem, in document order per check. */
export function findLadderProblems(parts: RawParts): readonly ControlProblem[] {
  return [
    ...parts.budgets.flatMap(unlimitedLadder),
    ...parts.budgets.flatMap((budget) => rungTiers(budget, parts.tiers)),
    ...parts.tiers.flatMap(offPeakZone),
    ...parts.budgets.flatMap((budget) => rungsWithoutHours(budget, parts.tiers)),
    ...rulesWithoutHours(parts),
  ];
}

function rungsOf({ fields, segments }: RawEntry): readonly RawEntry[] {
  return entriesOf(fields, 'ladder', segments);
}

function unlimitedLadder({ segments, fields }: RawEntry): readonly ControlProblem[] {
  if (fields['ladder'] === undefined || fields['limitCredits'] !== 'unlimited') return [];
  return [
    problemOfKey(
      [...segments, 'ladder'],
      'means something only for a budget with a limit',
      'remove it, or set limitCredits',
    ),
  ];
}

function rungTiers(budget: RawEntry, tiers: readonly RawEntry[]): readonly ControlProblem[] {
  const known = new Set(tiers.map(({ fields }) => textOf(fields['id'])));
  return rungsOf(budget).flatMap(({ segments, fields }) => {
    const tier = textOf(fields['tier']);
    if (tier === undefined || known.has(tier)) return [];
    const rule = `"${tier.slice(0, 80)}" is no tier of this document`;
    return [problemAt([...segments, 'tier'], rule, 'add it, or name one that exists')];
  });
}

function offPeakZone({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const offPeak = fields['offPeak'];
  const zone = isRecord(offPeak) ? textOf(offPeak['timeZone']) : undefined;
  if (zone === undefined || isTimeZone(zone)) return [];
  return [
    problemAt(
      [...segments, 'offPeak', 'timeZone'],
      'must be a time zone of the IANA list, such as "UTC" or "America/New_York"',
      'correct the value',
    ),
  ];
}

function rungsWithoutHours(
  budget: RawEntry,
  tiers: readonly RawEntry[],
): readonly ControlProblem[] {
  const only = textOf(budget.fields['tier']);
  const without = tiers.flatMap(({ fields }) => {
    const id = textOf(fields['id']) ?? '';
    return fields['offPeak'] === undefined && (only === undefined || only === id) ? [id] : [];
  });
  const [first] = without;
  if (first === undefined) return [];
  return rungsOf(budget)
    .filter(({ fields }) => fields['step'] === 'off-peak')
    .map(({ segments }) =>
      problemAt(
        [...segments, 'step'],
        `off-peak needs hours, and tier ${first.slice(0, 80)} states none`,
        'give every tier whose statements count in the budget offPeak hours, or take another step',
      ),
    );
}

function rulesWithoutHours({ rules, tiers }: RawParts): readonly ControlProblem[] {
  if (tiers.some(({ fields }) => fields['offPeak'] !== undefined)) return [];
  return rules
    .filter(({ fields }) => fields['effect'] === 'off-peak')
    .map(({ segments }) =>
      problemAt(
        [...segments, 'effect'],
        'off-peak needs hours, and no tier states any',
        'give the tier that it is about offPeak hours, or take another effect',
      ),
    );
}
