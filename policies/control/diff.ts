import { must } from '#base/assert.js';
import { PRICE_KEY, RATE_KEY } from '../prices/price-documents.js';
import type { ControlDocument } from './document.js';

/** One entry of a control document that another version has otherwise. */
export interface ControlDifference {
  /** `budgets`, `teams`, …; `document` for what stands at the top. */
  readonly part: string;
  /** Id or other key of the entry. */
  readonly key: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Changed fields, each with both values; empty unless changed. */
  readonly fields: readonly FieldDifference[];
}

export interface FieldDifference {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Entry = Readonly<Record<string, unknown>>;

/**
 * What changes from `before` to `after`, entry by entry, in the order of the document. Where the order means something
 * (mapping: the first match decides), an entry that others did not just make room for shows a changed `position`,
 * counted from 1; as few entries as possible do.
 */
export function diffControl(
  before: ControlDocument,
  after: ControlDocument,
): readonly ControlDifference[] {
  return [
    ...diffEntries('document', [['organisation', flat(before)]], [['organisation', flat(after)]]),
    ...PARTS.flatMap(({ part, keyOf }) =>
      diffEntries(part, keyed(before, part, keyOf), keyed(after, part, keyOf)),
    ),
  ];
}

function flat({ organisation, defaultTier, lists = {} }: ControlDocument): Entry {
  const { rates, prices } = lists;
  return {
    ...organisation,
    defaultTier,
    ...(rates === undefined ? {} : { 'lists.rates': rates }),
    ...(prices === undefined ? {} : { 'lists.prices': prices }),
  };
}

/** Parts of the document that are lists. */
export type ListPart = Exclude<keyof ControlDocument, 'organisation' | 'defaultTier' | 'lists'>;
/** One entry of such a part. */
export type EntryOf<P extends ListPart> = NonNullable<ControlDocument[P]>[number];

interface Part {
  readonly part: ListPart;
  readonly keyOf: (entry: Entry) => string;
}

/** What may be left out of a key leaves no place in it. */
const keyText = (entry: Entry, keys: readonly string[]): string =>
  keys
    .map((key) => entry[key])
    .filter((value) => typeof value === 'string')
    .join(' ');
const byId = (entry: Entry): string => String(entry['id']);
const PARTS: readonly Part[] = [
  { part: 'departments', keyOf: byId },
  { part: 'teams', keyOf: byId },
  { part: 'accounts', keyOf: byId },
  { part: 'networks', keyOf: byId },
  { part: 'channels', keyOf: byId },
  { part: 'principals', keyOf: byId },
  { part: 'mapping', keyOf: (entry) => matchKey(entry['match']) },
  { part: 'budgets', keyOf: byId },
  { part: 'tiers', keyOf: byId },
  { part: 'warehouses', keyOf: (entry) => String(entry['name']) },
  {
    part: 'rates',
    keyOf: (entry) => keyText(entry, RATE_KEY),
  },
  {
    part: 'prices',
    keyOf: (entry) => keyText(entry, PRICE_KEY),
  },
  { part: 'access', keyOf: byId },
  { part: 'idlePolicies', keyOf: byId },
  { part: 'warehouseOwners', keyOf: (entry) => String(entry['warehouse']) },
  { part: 'sharedCosts', keyOf: byId },
  { part: 'bookings', keyOf: (entry) => keyText(entry, ['node', 'effectiveFrom']) },
  { part: 'runRates', keyOf: byId },
  { part: 'breakGlass', keyOf: byId },
  { part: 'presets', keyOf: byId },
  { part: 'rules', keyOf: byId },
];

/** The entries of one part by the keys that {@link diffControl} names them by. */
export function entriesByKey<P extends ListPart>(
  document: ControlDocument,
  part: P,
): ReadonlyMap<string, EntryOf<P>> {
  const keyOf = must(
    PARTS.find((each) => each.part === part),
    'every part has a key',
  ).keyOf;
  const entries: readonly EntryOf<P>[] = document[part] ?? [];
  return new Map(
    keysOf(entries as readonly unknown[] as readonly Entry[], keyOf).map((key, index) => [
      key,
      must(entries[index], 'a key for every entry'),
    ]),
  );
}

function keysOf(entries: readonly Entry[], keyOf: Part['keyOf']): readonly string[] {
  const times = new Map<string, number>();
  return entries.map((entry) => {
    const key = keyOf(entry);
    const nth = (times.get(key) ?? 0) + 1;
    times.set(key, nth);
    return nth === 1 ? key : `${key} (${nth})`;
  });
}

function keyed(
  document: ControlDocument,
  part: keyof ControlDocument,
  keyOf: Part['keyOf'],
): readonly (readonly [string, Entry])[] {
  const entries = document[part];
  if (!Array.isArray(entries)) return [];
  const values = entries as readonly unknown[] as readonly Entry[];
  const keys = keysOf(values, keyOf);
  return values.map((entry, index) => [keys[index] ?? '', entry]);
}

/** `account=demo snowflakeUser=SALES_*`: what a mapping matches, which is all that tells it from another. */
function matchKey(match: unknown): string {
  return ['account', 'snowflakeUser', 'role', 'network']
    .flatMap((key) => {
      const value = (match as Entry)[key];
      return typeof value === 'string' ? [`${key}=${value}`] : [];
    })
    .join(' ');
}

function diffEntries(
  part: string,
  before: readonly (readonly [string, Entry])[],
  after: readonly (readonly [string, Entry])[],
): readonly ControlDifference[] {
  const earlier = new Map(before);
  const later = new Map(after);
  const moved = part === 'mapping' ? movedPositions(before, after) : new Map<string, never>();
  const removed = before
    .filter(([key]) => !later.has(key))
    .map(([key]): ControlDifference => ({ part, key, change: 'removed', fields: [] }));
  const others = after.flatMap(([key, entry]): ControlDifference[] => {
    const was = earlier.get(key);
    if (was === undefined) return [{ part, key, change: 'added', fields: [] }];
    const position = moved.get(key);
    const fields = [...diffFields(was, entry), ...(position === undefined ? [] : [position])];
    return fields.length === 0 ? [] : [{ part, key, change: 'changed', fields }];
  });
  return [...removed, ...others];
}

/** Entries out of the longest run that kept its order; the others have moved around it. */
function movedPositions(
  before: readonly (readonly [string, Entry])[],
  after: readonly (readonly [string, Entry])[],
): ReadonlyMap<string, FieldDifference> {
  const places = new Map(before.map(([key], index) => [key, index + 1]));
  const common = after.flatMap(([key], index) => {
    const was = places.get(key);
    return was === undefined ? [] : [{ key, before: was, after: index + 1 }];
  });
  const kept = longestRising(common.map((each) => each.before));
  return new Map(
    common
      .filter((_each, index) => !kept.has(index))
      .map((each) => [each.key, { field: 'position', before: each.before, after: each.after }]),
  );
}

/** Indexes of a longest rising subsequence, by patience sorting. */
function longestRising(values: readonly number[]): ReadonlySet<number> {
  const tails: number[] = [];
  const previous: (number | undefined)[] = [];
  for (const [index, value] of values.entries()) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] ?? 0] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous[index] = tails[low - 1];
    tails[low] = index;
  }
  const kept = new Set<number>();
  for (let at = tails.at(-1); at !== undefined; at = previous[at]) kept.add(at);
  return kept;
}

function diffFields(before: Entry, after: Entry): readonly FieldDifference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((field) =>
    isSame(before[field], after[field])
      ? []
      : [{ field, before: before[field] ?? null, after: after[field] ?? null }],
  );
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) =>
    isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}
