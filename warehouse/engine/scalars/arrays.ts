/** ARRAY functions: NULL elements, positions and multisets by the pages of the ARRAY_… functions. */
import { DuckDBListValue, type DuckDBValue } from '@duckdb/node-api';
import { failure, StatementFailed, unsupported } from '../failures.js';
import { integer, text, type Scalar, type ScalarType } from './scalar.js';
import {
  compareTexts,
  identity,
  isArray,
  isSame,
  plainText,
  toStored,
  VariantNumber,
  VariantTyped,
  type Variant,
} from './variant.js';
import { stored, variant } from './variants.js';

type Items = readonly Variant[];

/** The elements of an ARRAY, or of a VARIANT that holds one; undefined for other values. */
export function itemsOf(value: DuckDBValue | undefined): Items | undefined {
  const known = variant(value);
  return isArray(known) ? known : undefined;
}

/** A function from an array to an array. A NULL array gives NULL; other arguments may be NULL. */
function onItems(
  name: string,
  further: readonly ScalarType[],
  change: (items: Items, args: readonly DuckDBValue[]) => Items | undefined,
): Scalar {
  return {
    name,
    parameters: ['value', ...further],
    returns: 'array',
    seesNull: true,
    evaluate: ([value, ...args]) => {
      const items = itemsOf(value);
      const changed = items === undefined ? undefined : change(items, args);
      return changed === undefined ? null : toStored(changed);
    },
  };
}

/** A function of two arrays; NULL when one is. */
function onBoth(name: string, combine: (left: Items, right: Items) => Items): Scalar {
  return onItems(name, ['value'], (left, [value]) => {
    const right = itemsOf(value);
    return right === undefined ? undefined : combine(left, right);
  });
}

/** The elements of `left` that are, or are not, matched one by one with those of `right`. */
function matched(left: Items, right: Items, isWanted: boolean): Items {
  const open = new Map<string, number>();
  for (const item of right) open.set(identity(item), (open.get(identity(item)) ?? 0) + 1);
  return left.filter((item) => {
    const count = open.get(identity(item)) ?? 0;
    if (count > 0) open.set(identity(item), count - 1);
    return count > 0 === isWanted;
  });
}

function distinct(items: Items): Items {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = identity(item);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/** Longest array that a position may make. */
const LENGTH_MAX = 1_000_000;

/** ARRAY_INSERT: beyond the end there are NULLs in between, and a negative position counts from the end. */
function insertedAt(items: Items, position: number, value: Variant): Items {
  const at = position < 0 ? items.length + position : position;
  if (at > LENGTH_MAX) throw new StatementFailed(unsupported('an array of this length'));
  const gap = Math.max(0, Math.max(at, 0) - items.length);
  const before = at < 0 ? -at - 1 : 0;
  const padded = [
    ...Array.from({ length: before }, () => undefined),
    ...items,
    ...Array.from({ length: gap }, () => undefined),
  ];
  return padded.toSpliced(Math.max(at, 0), 0, value);
}

/** Order of two elements of one type; mixed types are refused. */
function compared(left: Variant, right: Variant): number {
  if (left instanceof VariantNumber && right instanceof VariantNumber) {
    if (left.typeName === 'INTEGER' && right.typeName === 'INTEGER') {
      const difference = BigInt(left.text) - BigInt(right.text);
      return difference < 0n ? -1 : difference > 0n ? 1 : 0;
    }
    return Number(left.text) - Number(right.text);
  }
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof VariantTyped && right instanceof VariantTyped && left.type === right.type)
    return compareTexts(left.text, right.text);
  throw new StatementFailed(unsupported('order among elements of different types'));
}

function sorted(items: Items, isAscending: boolean, hasNullsFirst: boolean): Items {
  const nulls = items.filter((item) => item === undefined);
  const values = items
    .filter((item) => item !== undefined)
    .sort((left, right) => (isAscending ? compared(left, right) : compared(right, left)));
  return hasNullsFirst ? [...nulls, ...values] : [...values, ...nulls];
}

/** ARRAY_MAX and ARRAY_MIN pass over NULLs. */
function extreme(name: string, sign: 1 | -1): Scalar {
  return {
    name,
    parameters: ['value'],
    returns: 'variant',
    evaluate: ([value]) => {
      const items = (itemsOf(value) ?? []).filter((item) => item !== undefined && item !== null);
      return stored(
        items.reduce<Variant>(
          (best, item) => (best === undefined || sign * compared(item, best) > 0 ? item : best),
          undefined,
        ),
      );
    },
  };
}

function range(start: number, stop: number, step: number): Items {
  if (step === 0)
    throw new StatementFailed(
      failure('100312', '22023', 'The step value of ARRAY_GENERATE_RANGE must not be 0'),
    );
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > LENGTH_MAX) throw new StatementFailed(unsupported('an array of this length'));
  return Array.from({ length }, (_, at) => VariantNumber.of(String(start + at * step)));
}

const MAKING: readonly Scalar[] = [
  {
    name: 'tg_array_construct',
    parameters: [],
    rest: 'value',
    returns: 'array',
    seesNull: true,
    evaluate: (args) => toStored(args.map(variant)),
  },
  {
    name: 'tg_array_construct_compact',
    parameters: [],
    rest: 'value',
    returns: 'array',
    seesNull: true,
    evaluate: (args) => toStored(args.map(variant).filter((item) => item !== undefined)),
  },
  {
    // ARRAY_AGG passes over NULL, and makes an empty array of nothing.
    name: 'tg_array_gathered',
    parameters: ['value'],
    returns: 'array',
    seesNull: true,
    evaluate: ([list]) =>
      toStored(
        (list instanceof DuckDBListValue ? list.items : [])
          .filter((item) => item !== null)
          .map(variant),
      ),
  },
  {
    name: 'tg_array_of_list',
    parameters: ['value'],
    returns: 'array',
    evaluate: ([list]) => toStored(list instanceof DuckDBListValue ? list.items.map(variant) : []),
  },
  {
    name: 'tg_array_of_texts',
    parameters: ['value'],
    returns: 'array',
    evaluate: ([list]) =>
      toStored(list instanceof DuckDBListValue ? list.items.map((item) => text(item)) : []),
  },
  {
    name: 'tg_list_of_array',
    parameters: ['value'],
    returns: 'texts',
    evaluate: ([value]) => {
      const items = itemsOf(value);
      return items === undefined ? null : new DuckDBListValue(items.map(stored));
    },
  },
  {
    name: 'tg_array_generate_range',
    parameters: ['integer', 'integer', 'integer'],
    returns: 'array',
    evaluate: ([start, stop, step]) =>
      toStored(range(integer(start), integer(stop), integer(step))),
  },
  {
    name: 'tg_arrays_to_object',
    parameters: ['value', 'value'],
    returns: 'object',
    evaluate: ([keys, values]) => {
      const names = itemsOf(keys);
      const items = itemsOf(values);
      if (names === undefined || items === undefined) return null;
      if (names.length !== items.length)
        throw new StatementFailed(
          failure('100315', '22023', 'Key array and value array had unequal lengths'),
        );
      const entries = new Map<string, Variant>();
      names.forEach((name, at) => {
        const key = plainText(name);
        const value = items[at];
        if (key !== null) entries.set(key, value === undefined ? null : value);
      });
      return toStored(entries);
    },
  },
  {
    name: 'tg_arrays_zip',
    parameters: ['value'],
    rest: 'value',
    returns: 'array',
    evaluate: (args) => {
      const arrays = args.map((arg) => itemsOf(arg) ?? []);
      const length = Math.max(...arrays.map((items) => items.length));
      return toStored(
        Array.from(
          { length },
          (_, row) => new Map(arrays.map((items, at) => [`$${at + 1}`, items[row] ?? null])),
        ),
      );
    },
  },
];

const CHANGING: readonly Scalar[] = [
  onItems('tg_array_append', ['value'], (items, [value]) => [...items, variant(value)]),
  onItems('tg_array_prepend', ['value'], (items, [value]) => [variant(value), ...items]),
  onItems('tg_array_insert', ['integer', 'value'], (items, [position, value]) =>
    position === null ? undefined : insertedAt(items, integer(position), variant(value)),
  ),
  onItems('tg_array_compact', [], (items) =>
    items.filter((item) => item !== undefined && item !== null),
  ),
  onItems('tg_array_distinct', [], distinct),
  onItems('tg_array_reverse', [], (items) => items.toReversed()),
  onBoth('tg_array_cat', (left, right) => [...left, ...right]),
  onBoth('tg_array_except', (left, right) => matched(left, right, false)),
  onBoth('tg_array_intersection', (left, right) => matched(left, right, true)),
  onItems('tg_array_flatten', [], (items) => {
    if (items.includes(undefined)) return undefined;
    return items.flatMap((item) => {
      if (isArray(item)) return item;
      throw new StatementFailed(
        failure(
          '100090',
          '22000',
          "Not an array: 'Input argument to ARRAY_FLATTEN is not an array of arrays'",
        ),
      );
    });
  }),
  onItems('tg_array_remove', ['value'], (items, [value]) =>
    value === null ? undefined : items.filter((item) => !isSame(item, variant(value))),
  ),
  onItems('tg_array_remove_at', ['integer'], (items, [position]) => {
    if (position === null) return undefined;
    const at = integer(position) < 0 ? items.length + integer(position) : integer(position);
    return items.filter((_, index) => index !== at);
  }),
  onItems('tg_array_slice', ['integer', 'integer'], (items, [from, to]) =>
    from === null || to === null ? undefined : items.slice(integer(from), integer(to)),
  ),
  onItems('tg_array_sort', ['boolean', 'boolean'], (items, [isAscending, hasNullsFirst]) =>
    isAscending === null || hasNullsFirst === null
      ? undefined
      : sorted(items, isAscending === true, hasNullsFirst === true),
  ),
];

const ASKING: readonly Scalar[] = [
  {
    name: 'tg_array_size',
    parameters: ['value'],
    returns: 'integer',
    evaluate: ([value]) => {
      const items = itemsOf(value);
      return items === undefined ? null : BigInt(items.length);
    },
  },
  {
    name: 'tg_array_contains',
    parameters: ['value', 'value'],
    returns: 'boolean',
    seesNull: true,
    evaluate: ([value, array]) => {
      const items = itemsOf(array);
      if (items === undefined) return null;
      // NULL is found where a NULL is; elsewhere the answer is not known.
      if (value === null) return items.includes(undefined) ? true : null;
      const wanted = variant(value);
      return items.some((item) => isSame(item, wanted));
    },
  },
  {
    name: 'tg_array_position',
    parameters: ['value', 'value'],
    returns: 'integer',
    seesNull: true,
    evaluate: ([value, array]) => {
      const wanted = variant(value);
      const at = itemsOf(array)?.findIndex((item) => isSame(item, wanted)) ?? -1;
      return at < 0 ? null : BigInt(at);
    },
  },
  {
    name: 'tg_arrays_overlap',
    parameters: ['value', 'value'],
    returns: 'boolean',
    evaluate: ([left, right]) => {
      const known = new Set((itemsOf(left) ?? []).map(identity));
      return (itemsOf(right) ?? []).some((item) => known.has(identity(item)));
    },
  },
  {
    name: 'tg_array_to_string',
    parameters: ['value', 'text'],
    returns: 'text',
    evaluate: ([array, separator]) => {
      const items = itemsOf(array);
      return items === undefined
        ? null
        : items.map((item) => plainText(item) ?? '').join(text(separator));
    },
  },
  extreme('tg_array_max', 1),
  extreme('tg_array_min', -1),
];

export const ARRAYS: readonly Scalar[] = [...MAKING, ...CHANGING, ...ASKING];
