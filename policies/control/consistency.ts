/** Checks inside the parts of a control document that a shape cannot say: fields that go together, dates, conditions. */
import { compareAmounts, tryParseCredits } from '#base/units.js';
import { createConditionCompiler } from '../rules/condition.js';
import { foldName } from '../rules/glob.js';
import { PRICE_KEY, RATE_KEY } from '../prices/price-documents.js';
import { findBudgetProblems } from './budget-consistency.js';
import { tryParseInstant } from './instant.js';
import { type ControlProblem, formatPath, problemAt, problemOfKey } from './problem.js';
import { entriesOf, isRecord, type RawEntry, type RawParts, textOf } from './raw-parts.js';
import { PRESET_PARAMETERS, PRESETS } from './presets.js';
import { tryParseWarehouseSize } from './sizes.js';
import { findLadderProblems } from './ladder-consistency.js';
import { isTimeZone } from './time-zone.js';

/** Every such problem, in document order per check. */
export function findConsistencyProblems(parts: RawParts): readonly ControlProblem[] {
  return [
    ...parts.accounts.flatMap(signInWithoutServiceUsers),
    ...parts.channels.flatMap(channelTarget),
    ...parts.principals.flatMap(claimKeysOfUnshared),
    ...parts.mapping.flatMap(mappingTarget),
    ...timeZones(parts.budgets),
    ...parts.budgets.flatMap(findBudgetProblems),
    ...sameKeyTwice(parts.rates, RATE_KEY, 'rate'),
    ...sameKeyTwice(
      parts.idlePolicies.map(ofEveryWarehouse),
      ['warehouse', 'effectiveFrom'],
      'idle policy',
    ),
    ...sameKeyTwice(parts.bookings, ['node', 'effectiveFrom'], 'booking'),
    ...sameKeyTwice(parts.prices, PRICE_KEY, 'price'),
    ...parts.prices.flatMap(endedBeforeBegun),
    ...parts.tiers.flatMap(holdsAboveCeiling),
    ...parts.access.flatMap(closesNothing),
    ...parts.tiers.flatMap(administratorsWithoutRest),
    ...parts.presets.flatMap(presetParameters),
    ...findLadderProblems(parts),
    ...conditions(parts.rules),
  ];
}

function signInWithoutServiceUsers({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const signIn = fields['signIn'];
  if (signIn !== 'terminated' && signIn !== 'both') return [];
  if (entriesOf(fields, 'serviceUsers', segments).length > 0) return [];
  return [
    problemAt(
      [...segments, 'signIn'],
      `${signIn} needs serviceUsers, by which teams sign in upstream`,
      'add serviceUsers, or set passthrough',
    ),
  ];
}

function channelTarget({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const { kind, target } = { kind: textOf(fields['kind']), target: textOf(fields['target']) };
  if (kind === undefined || target === undefined) return [];
  const at = [...segments, 'target'];
  if (kind === 'email')
    return /^[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/.test(target)
      ? []
      : [problemAt(at, 'must be an e-mail address', 'write it as finops@example.com')];
  return /^[A-Z][A-Z0-9_]{0,99}$/.test(target)
    ? []
    : [
        problemAt(
          at,
          'must be the name of an environment variable, such as SLACK_FINOPS_URL',
          'set that variable to the address, and write its name here: addresses are secrets',
        ),
      ];
}

function claimKeysOfUnshared({ segments, fields }: RawEntry): readonly ControlProblem[] {
  if (fields['claimKeys'] === undefined || fields['shared'] === true) return [];
  return [
    problemOfKey(
      [...segments, 'claimKeys'],
      'means something only for a shared principal',
      'remove it, or set shared to true',
    ),
  ];
}

function mappingTarget({ segments, fields }: RawEntry): readonly ControlProblem[] {
  if ((fields['principal'] === undefined) !== (fields['team'] === undefined)) return [];
  return [
    problemAt(
      segments,
      'must lead to either a principal or a team',
      'give exactly one of principal and team',
    ),
  ];
}

/** Each zone is looked up once: asking for one takes 50 µs, and 10,000 budgets name the same few. */
function timeZones(entries: readonly RawEntry[]): readonly ControlProblem[] {
  const known = new Map<string, boolean>();
  return entries.flatMap(({ segments, fields }) => {
    const period = fields['period'];
    const zone = isRecord(period) ? textOf(period['timeZone']) : undefined;
    if (zone === undefined) return [];
    const isKnown = known.get(zone) ?? isTimeZone(zone);
    known.set(zone, isKnown);
    if (isKnown) return [];
    return [
      problemAt(
        [...segments, 'period', 'timeZone'],
        'must be a time zone of the IANA list, such as "UTC" or "America/New_York"',
        'correct the value',
      ),
    ];
  });
}

function sameKeyTwice(
  entries: readonly RawEntry[],
  keys: readonly string[],
  what: string,
): readonly ControlProblem[] {
  const first = new Map<string, string>();
  return entries.flatMap(({ segments, fields }) => {
    const texts = keys.map((key) => textOf(fields[key]));
    // What may be left out is a key of its own when it is.
    if (texts.some((text, index) => text === undefined && !MAY_BE_ABSENT.has(keys[index] ?? '')))
      return [];
    const key = keys.map((part, index) => canonical(part, texts[index] ?? '')).join('|');
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, formatPath(segments));
      return [];
    }
    return [
      problemAt(
        segments,
        `is a second ${what} for the same ${keys.filter((key) => fields[key] !== undefined).join(', ')} as ${earlier}`,
        'remove one, or give them different effectiveFrom dates',
      ),
    ];
  });
}

/** An entry without a warehouse holds for every one that has none of its own. */
function ofEveryWarehouse({ segments, fields }: RawEntry): RawEntry {
  return { segments, fields: { warehouse: '', ...fields } };
}

const MAY_BE_ABSENT: ReadonlySet<string> = new Set([
  'resourceConstraint',
  'cloud',
  'account',
  'serviceType',
]);

/** One spelling for what means the same: sizes have several, and so have instants. */
function canonical(key: string, text: string): string {
  if (key === 'size') return tryParseWarehouseSize(text) ?? text;
  if (key === 'effectiveFrom') return String(tryParseInstant(text) ?? text);
  return foldName(text);
}

function endedBeforeBegun({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const from = tryParseInstant(textOf(fields['effectiveFrom']) ?? '');
  const to = tryParseInstant(textOf(fields['effectiveTo']) ?? '');
  if (from === undefined || to === undefined || from < to) return [];
  return [
    problemAt(
      [...segments, 'effectiveTo'],
      'must be later than effectiveFrom',
      'correct one of the two dates',
    ),
  ];
}

function administratorsWithoutRest({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const { administrators, concurrencyMax } = fields;
  if (!isRecord(administrators)) return [];
  const at = [...segments, 'administrators'];
  const { permits } = administrators;
  const leavesNone = Number(permits) >= Number(concurrencyMax);
  const named = [administrators['principals'], administrators['roles']];
  return [
    ...(leavesNone
      ? [
          problemAt(
            [...at, 'permits'],
            'must be less than concurrencyMax, of which they are kept',
            'lower it, or raise concurrencyMax',
          ),
        ]
      : []),
    ...(named.every((each) => !Array.isArray(each) || each.length === 0)
      ? [problemAt(at, 'names nobody', 'add principals or roles')]
      : []),
  ];
}

function holdsAboveCeiling({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const ceiling = tryParseCredits(textOf(fields['ceilingCredits']) ?? '');
  if (ceiling === undefined) return [];
  return ['guessHoldCredits', 'guessExpectedCredits'].flatMap((key) => {
    const amount = tryParseCredits(textOf(fields[key]) ?? '');
    if (amount === undefined || compareAmounts(amount, ceiling) <= 0) return [];
    return [
      problemAt(
        [...segments, key],
        `must not be above the ceiling of ${String(fields['ceilingCredits'])} credits`,
        'lower it, or raise ceilingCredits',
      ),
    ];
  });
}

const WHAT = ['databases', 'schemas', 'tables', 'columns', 'classes', 'actions'] as const;

function closesNothing({ segments, fields }: RawEntry): readonly ControlProblem[] {
  if (WHAT.some((key) => fields[key] !== undefined)) return [];
  return [
    problemAt(segments, 'must say what it is about', `give at least one of ${WHAT.join(', ')}`),
  ];
}

function presetParameters({ segments, fields }: RawEntry): readonly ControlProblem[] {
  const known = PRESETS.find((each) => each === fields['preset']);
  if (known === undefined) return [];
  const { needs, mayHave } = PRESET_PARAMETERS[known];
  const missing = needs.filter((key) => fields[key] === undefined);
  const foreign = PARAMETERS.filter(
    (key) => fields[key] !== undefined && !needs.includes(key) && !mayHave.includes(key),
  );
  return [
    ...missing.map((key) => problemAt(segments, `needs ${key}`, 'add it')),
    ...foreign.map((key) =>
      problemOfKey([...segments, key], `means nothing for preset ${known}`, 'remove it'),
    ),
  ];
}

const PARAMETERS = [
  ...new Set(
    Object.values(PRESET_PARAMETERS).flatMap(({ needs, mayHave }) => [...needs, ...mayHave]),
  ),
];

function conditions(entries: readonly RawEntry[]): readonly ControlProblem[] {
  if (entries.length === 0) return [];
  const compiler = createConditionCompiler();
  return entries.flatMap(({ segments, fields }) => {
    const text = textOf(fields['when']);
    if (text === undefined || text === '') return [];
    const result = compiler.compile(text);
    if (result.ok) return [];
    return [
      problemAt(
        [...segments, 'when'],
        `is no condition: ${result.problem}`,
        'write a condition over statement, estimate, caller, tier, warehouse and now',
      ),
    ];
  });
}
