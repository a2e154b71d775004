/** OBJECT functions. Keys that repeat, NULL keys and NULL values follow the pages of the OBJECT_… functions. */
import type { DuckDBValue } from '@duckdb/node-api';
import { DuckDBListValue } from '@duckdb/node-api';
import { failure, StatementFailed } from '../failures.js';
import { text, textOrNull, type Scalar } from './scalar.js';
import { isArray, isObject, plainText, sortedEntries, toStored, type Variant } from './variant.js';
import { variant } from './variants.js';

type Entries = Map<string, Variant>;

function duplicate(key: string): StatementFailed {
  return new StatementFailed(failure('100104', '22000', `Duplicate field key '${key}'`));
}

/** The entries of an OBJECT, or of a VARIANT that holds one; undefined for other values. */
function entriesOf(value: DuckDBValue | undefined): Entries | undefined {
  const known = variant(value);
  return isObject(known) ? new Map(known) : undefined;
}

/** Pairs of key and value; without `keepsNull` a NULL value leaves its key out. */
function constructed(args: readonly DuckDBValue[], keepsNull: boolean): string {
  const entries: Entries = new Map();
  for (let at = 0; at + 1 < args.length; at += 2) {
    const key = textOrNull(args[at]);
    const value = variant(args[at + 1]);
    // OBJECT_CONSTRUCT leaves out a pair whose key or value is NULL.
    if (key === null || (value === undefined && !keepsNull)) continue;
    if (entries.has(key)) throw duplicate(key);
    // OBJECT_CONSTRUCT_KEEP_NULL writes NULL as JSON's null.
    entries.set(key, value === undefined ? null : value);
  }
  return toStored(entries);
}

function inserted(args: readonly DuckDBValue[]): string | null {
  const entries = entriesOf(args[0]);
  const key = textOrNull(args[1]);
  if (entries === undefined || key === null) return null;
  const value = variant(args[2]);
  if (entries.has(key) && args[3] !== true)
    throw new StatementFailed(failure('100104', '22000', `Duplicate field key '${key}'`));
  // OBJECT_INSERT of NULL removes the key.
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
  return toStored(entries);
}

/** Keys as separate arguments or as one array. */
function keysOf(args: readonly DuckDBValue[]): readonly string[] {
  const first = textOrNull(args[0]);
  if (args.length === 1 && first?.startsWith('[')) {
    const known = variant(first);
    if (isArray(known)) return known.map((key) => plainText(key) ?? '');
  }
  return args.map((key) => text(key));
}

function listItems(value: DuckDBValue | undefined): readonly DuckDBValue[] {
  return value instanceof DuckDBListValue ? value.items : [];
}

export const OBJECTS: readonly Scalar[] = [
  {
    name: 'tg_object_construct',
    parameters: [],
    rest: 'value',
    returns: 'object',
    seesNull: true,
    evaluate: (args) => constructed(args, false),
  },
  {
    name: 'tg_object_construct_keep_null',
    parameters: [],
    rest: 'value',
    returns: 'object',
    seesNull: true,
    evaluate: (args) => constructed(args, true),
  },
  {
    name: 'tg_object_insert',
    parameters: ['value', 'text', 'value', 'boolean'],
    returns: 'object',
    seesNull: true,
    evaluate: inserted,
  },
  {
    name: 'tg_object_delete',
    parameters: ['value'],
    rest: 'value',
    returns: 'object',
    evaluate: ([value, ...keys]) => {
      const entries = entriesOf(value);
      if (entries === undefined) return null;
      for (const key of keys) entries.delete(text(key));
      return toStored(entries);
    },
  },
  {
    name: 'tg_object_pick',
    parameters: ['value'],
    rest: 'value',
    returns: 'object',
    evaluate: ([value, ...keys]) => {
      const entries = entriesOf(value);
      if (entries === undefined) return null;
      const wanted = keysOf(keys);
      return toStored(new Map([...entries].filter(([key]) => wanted.includes(key))));
    },
  },
  {
    name: 'tg_object_keys',
    parameters: ['value'],
    returns: 'array',
    evaluate: ([value]) => {
      const entries = entriesOf(value);
      return entries === undefined ? null : toStored(sortedEntries(entries).map(([key]) => key));
    },
  },
  {
    // OBJECT_AGG: a pair with a NULL is left out, and no pair at all makes an empty object.
    name: 'tg_object_of',
    parameters: ['value', 'value'],
    returns: 'object',
    seesNull: true,
    evaluate: ([keys, values]) => {
      const entries: Entries = new Map();
      const items = listItems(values);
      listItems(keys).forEach((key, at) => {
        const value = variant(items[at] ?? null);
        if (key === null || value === undefined) return;
        if (entries.has(text(key))) throw duplicate(text(key));
        entries.set(text(key), value);
      });
      return toStored(entries);
    },
  },
];
