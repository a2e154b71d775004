/** Checks inside a budget that a shape cannot say: what its kind of period needs, days in order, what is carried. */
import { failModeProblems } from './fail-mode-consistency.js';
import { tryParseInstant } from './instant.js';
import { type ControlProblem, problemAt, problemOfKey } from './problem.js';
import { isRecord, type RawEntry, textOf } from './raw-parts.js';

/** Every such problem of one budget. */
export function findBudgetProblems(entry: RawEntry): readonly ControlProblem[] {
  const period = entry.fields['period'];
  const ofPeriod = isRecord(period)
    ? [
        ...weekStart(entry, period),
        ...partOfKind(entry, period, 'fiscal'),
        ...partOfKind(entry, period, 'custom'),
        ...yearStart(entry, period),
        ...daysOrSpans(entry, period),
        ...spans(entry, period),
      ]
    : [];
  return [...ofPeriod, ...carried(entry), ...failModeProblems(entry)];
}

type Fields = Readonly<Record<string, unknown>>;

function isOfWeeks(period: Fields): boolean {
  const fiscal = period['fiscal'];
  return isRecord(fiscal) && fiscal['pattern'] !== 'calendar';
}

function weekStart({ segments }: RawEntry, period: Fields): readonly ControlProblem[] {
  if (period['weekStartsOn'] === undefined || period['kind'] === 'week' || isOfWeeks(period))
    return [];
  return [
    problemOfKey(
      [...segments, 'period', 'weekStartsOn'],
      'means something only for a period of kind week, and for a fiscal year of weeks',
      'remove it, or set kind to week',
    ),
  ];
}

function partOfKind(
  { segments }: RawEntry,
  period: Fields,
  part: 'fiscal' | 'custom',
): readonly ControlProblem[] {
  const isKind = period['kind'] === part;
  const isThere = period[part] !== undefined;
  if (isKind === isThere) return [];
  const at = [...segments, 'period'];
  return isKind
    ? [
        problemAt(
          at,
          `must have ${part}, which says where periods of kind ${part} begin`,
          part === 'fiscal'
            ? 'add fiscal with length, firstMonth and pattern'
            : 'add custom with everyDays and firstDay, or with spans',
        ),
      ]
    : [
        problemOfKey(
          [...at, part],
          `means something only for a period of kind ${part}`,
          `remove it, or set kind to ${part}`,
        ),
      ];
}

function yearStart({ segments }: RawEntry, period: Fields): readonly ControlProblem[] {
  const fiscal = period['fiscal'];
  if (!isRecord(fiscal) || fiscal['yearStart'] === undefined || isOfWeeks(period)) return [];
  return [
    problemOfKey(
      [...segments, 'period', 'fiscal', 'yearStart'],
      'means something only for a fiscal year of weeks: one of calendar months begins on the first of firstMonth',
      'remove it, or set pattern to 4-4-5, 4-5-4 or 5-4-4',
    ),
  ];
}

function daysOrSpans({ segments }: RawEntry, period: Fields): readonly ControlProblem[] {
  const custom = period['custom'];
  if (!isRecord(custom)) return [];
  const [days, first] = [custom['everyDays'] !== undefined, custom['firstDay'] !== undefined];
  const list = custom['spans'];
  const hasSpans = list !== undefined;
  const isEmpty = Array.isArray(list) && list.length === 0;
  if (days === first && days !== hasSpans && !isEmpty) return [];
  return [
    problemAt(
      [...segments, 'period', 'custom'],
      'must have everyDays and firstDay, or at least one of spans',
      'write the one or the other',
    ),
  ];
}

function spans({ segments }: RawEntry, period: Fields): readonly ControlProblem[] {
  const custom = period['custom'];
  const list: unknown = isRecord(custom) ? custom['spans'] : undefined;
  if (!Array.isArray(list)) return [];
  let before = Number.NEGATIVE_INFINITY;
  return list.flatMap((span: unknown, index): readonly ControlProblem[] => {
    const [first, last] = isRecord(span) ? [dayOf(span['firstDay']), dayOf(span['lastDay'])] : [];
    if (first === undefined || last === undefined) return [];
    const at = [...segments, 'period', 'custom', 'spans', index];
    const isAfter = first > before;
    before = Math.max(before, last);
    if (last < first)
      return [
        problemAt([...at, 'lastDay'], 'must not be before firstDay', 'correct one of the two days'),
      ];
    return isAfter
      ? []
      : [
          problemAt(
            [...at, 'firstDay'],
            'must be later than the last day of the span before it',
            'write the spans in order, none over another',
          ),
        ];
  });
}

function dayOf(value: unknown): number | undefined {
  return tryParseInstant(textOf(value) ?? '');
}

function carried({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const debt = fields['carryDebt'] === true;
  const unlimited = fields['limitCredits'] === 'unlimited';
  const over = fields['carryOver'] !== undefined;
  const key = over ? 'carryOver' : 'carryDebt';
  if (unlimited && (over || debt))
    return [
      problemOfKey(
        [...segments, key],
        'means something only for a budget with a limit',
        'remove it, or set limitCredits',
      ),
    ];
  if (!debt || fields['hard'] !== false) return [];
  return [
    problemOfKey(
      [...segments, 'carryDebt'],
      'means something only for a hard budget: a soft one may be passed',
      'remove it, or set hard to true',
    ),
  ];
}
