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
 * What changes from `before` to `after`, entry by entry, in the order of the document. An order that means something
 * (mapping: the first match decides) shows as changed positions.
 */
export function diffControl(
  before: ControlDocument,
  after: ControlDocument,
): readonly ControlDifference[] {
  return [
    ...diffEntries(
      'document',
      [['organisation', flat(before.organisation, before.defaultTier)]],
      [['organisation', flat(after.organisation, after.defaultTier)]],
    ),
    ...PARTS.flatMap(({ part, keyOf }) =>
      diffEntries(part, keyed(before, part, keyOf), keyed(after, part, keyOf)),
    ),
  ];
}

function flat(organisation: object, defaultTier: string): Entry {
  return { ...organisation, defaultTier };
}

interface Part {
  readonly part: keyof ControlDocument;
  readonly keyOf: (entry: Entry, index: number) => string;
}

const byId = (entry: Entry): string => String(entry['id']);
const PARTS: readonly Part[] = [
  { part: 'departments', keyOf: byId },
  { part: 'teams', keyOf: byId },
  { part: 'accounts', keyOf: byId },
  { part: 'networks', keyOf: byId },
  { part: 'channels', keyOf: byId },
  { part: 'principals', keyOf: byId },
  { part: 'mapping', keyOf: (_entry, index) => String(index) },
  { part: 'budgets', keyOf: byId },
  { part: 'tiers', keyOf: byId },
  { part: 'warehouses', keyOf: (entry) => String(entry['name']) },
  {
    part: 'rates',
    keyOf: (entry) =>
      ['kind', 'generation', 'size', 'effectiveFrom'].map((key) => String(entry[key])).join(' '),
  },
  {
    part: 'prices',
    keyOf: (entry) => ['creditKind', 'effectiveFrom'].map((key) => String(entry[key])).join(' '),
  },
  { part: 'rules', keyOf: byId },
];

function keyed(
  document: ControlDocument,
  part: keyof ControlDocument,
  keyOf: Part['keyOf'],
): readonly (readonly [string, Entry])[] {
  const entries = document[part];
  if (!Array.isArray(entries)) return [];
  return (entries as readonly Entry[]).map((entry, index) => [keyOf(entry, index), entry]);
}

function diffEntries(
  part: string,
  before: readonly (readonly [string, Entry])[],
  after: readonly (readonly [string, Entry])[],
): readonly ControlDifference[] {
  const earlier = new Map(before);
  const later = new Map(after);
  const removed = before
    .filter(([key]) => !later.has(key))
    .map(([key]): ControlDifference => ({ part, key, change: 'removed', fields: [] }));
  const others = after.flatMap(([key, entry]): ControlDifference[] => {
    const was = earlier.get(key);
    if (was === undefined) return [{ part, key, change: 'added', fields: [] }];
    const fields = diffFields(was, entry);
    return fields.length === 0 ? [] : [{ part, key, change: 'changed', fields }];
  });
  return [...removed, ...others];
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
