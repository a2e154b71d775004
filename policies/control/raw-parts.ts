/** A document that may have any shape, read leniently, so that references are checked even where the shape is wrong. */
import type { Segments } from './problem.js';

/** One entry of a list of the document. */
export interface RawEntry {
  readonly segments: Segments;
  readonly fields: Readonly<Record<string, unknown>>;
}

const PART_NAMES = [
  'departments',
  'teams',
  'accounts',
  'networks',
  'channels',
  'principals',
  'mapping',
  'budgets',
  'tiers',
  'warehouses',
  'rates',
  'prices',
  'access',
  'idlePolicies',
  'warehouseOwners',
  'sharedCosts',
  'bookings',
  'runRates',
  'breakGlass',
  'presets',
  'rules',
] as const;
type PartName = (typeof PART_NAMES)[number];

export type RawParts = Readonly<Record<PartName, readonly RawEntry[]>> & {
  readonly organisationId: string | undefined;
  /** `organisation.closing`, where there is one. */
  readonly closing: readonly RawEntry[];
  readonly defaultTier: unknown;
};

export function readRawParts(raw: unknown): RawParts {
  const root = isRecord(raw) ? raw : {};
  const organisation = root['organisation'];
  const lists = Object.fromEntries(
    PART_NAMES.map((part) => [part, entriesOf(root, part, [])]),
  ) as Record<PartName, readonly RawEntry[]>;
  return {
    ...lists,
    organisationId: isRecord(organisation) ? textOf(organisation['id']) : undefined,
    closing: isRecord(organisation) ? closingOf(organisation['closing']) : [],
    defaultTier: root['defaultTier'],
  };
}

function closingOf(fields: unknown): readonly RawEntry[] {
  return isRecord(fields) ? [{ segments: ['organisation', 'closing'], fields }] : [];
}

/** The objects of the list `key` of `fields`, which stand at `segments`; what is no object is left out. */
export function entriesOf(
  fields: Readonly<Record<string, unknown>>,
  key: string,
  segments: Segments,
): readonly RawEntry[] {
  const values = fields[key];
  if (!Array.isArray(values)) return [];
  return values.flatMap((value: unknown, index) =>
    isRecord(value) ? [{ segments: [...segments, key, index], fields: value }] : [],
  );
}

/** The texts of the list `key` of an entry, each with its place. */
export function textsOf(
  entry: RawEntry,
  key: string,
): readonly { readonly segments: Segments; readonly text: string }[] {
  const values = entry.fields[key];
  if (!Array.isArray(values)) return [];
  return values.flatMap((value: unknown, index) =>
    typeof value === 'string' ? [{ segments: [...entry.segments, key, index], text: value }] : [],
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
