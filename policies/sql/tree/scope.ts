/** Scopes of a statement: which sources a name can mean, by Snowflake's rules. */
import type { Alternative, ColumnReference, Target } from './raw-facts.js';

/** Something a FROM clause names. */
export interface Source {
  /** The alias alone, or the one to three names of a table without alias; empty when nothing can qualify it. */
  readonly names: readonly string[];
  readonly isAliased: boolean;
  /** Readings of a column of this source; none when it has no such column. */
  readonly lookup: (column: string) => readonly Alternative[];
  /** Whether the source surely has the column: a second source with it would make the name ambiguous upstream. */
  readonly knows: (column: string) => boolean;
  /** Tables whose every column the source passes on. */
  readonly starTables: readonly number[];
  /** Sources joined by a condition share a component; unequal ones form a product. */
  component: number;
}

/** What a subquery or CTE yields. */
export interface Derived {
  lookup(column: string): readonly Alternative[];
  /** Names in order, while they are known (no star before them). */
  readonly columns: readonly string[];
  knows(column: string): boolean;
  readonly starTables: readonly number[];
}

export interface Scope {
  readonly parent: Scope | null;
  readonly sources: Source[];
  readonly ctes: Map<string, Derived>;
  readonly aliases: Map<string, readonly Alternative[]>;
  /** Columns that USING made one of: without a qualifier they are no ambiguity. */
  readonly shared: Set<string>;
}

const ALTERNATIVES_MAX = 16;
const TARGETS_MAX = 500;

/** An expression: a column that stands for no column of any table. */
export const EXPRESSION: readonly Alternative[] = [[]];

/** A scope inside `parent` without sources yet. */
export function childScope(parent: Scope | null): Scope {
  return { parent, sources: [], ctes: new Map(), aliases: new Map(), shared: new Set() };
}

/** A scope that sees what surrounds `scope` and its CTEs, not its sources: what a subquery in FROM sees. */
export function besideScope(scope: Scope): Scope {
  return {
    parent: scope.parent,
    sources: [],
    ctes: scope.ctes,
    aliases: new Map(),
    shared: new Set(),
  };
}

/** The CTE that an unqualified table name means, from the inside out; undefined when it is a table. */
export function findCte(scope: Scope, name: string): Derived | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const found = at.ctes.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A lookup that remembers, drops doubles and is bounded: chains of CTEs double the work at each link otherwise. */
export function remembered(
  find: (column: string) => readonly Alternative[],
): (column: string) => readonly Alternative[] {
  const known = new Map<string, readonly Alternative[]>();
  return (column) => {
    const before = known.get(column);
    if (before !== undefined) return before;
    known.set(column, []);
    const found = distinct(find(column));
    known.set(column, found);
    return found;
  };
}

function distinct(alternatives: readonly Alternative[]): readonly Alternative[] {
  if (alternatives.length < 2) return alternatives;
  const byKey = new Map<string, Alternative>();
  for (const alternative of alternatives) byKey.set(JSON.stringify(alternative), alternative);
  return [...byKey.values()].slice(0, ALTERNATIVES_MAX);
}

/** Both sides of a set operation at once. */
export function combined(
  left: readonly Alternative[],
  right: readonly Alternative[],
): readonly Alternative[] {
  if (left.length === 1 && right.length === 1) {
    return [[...(left[0] ?? []), ...(right[0] ?? [])].slice(0, TARGETS_MAX)];
  }
  return [...left, ...right];
}

/** The same columns, no longer good for filters: a limit or window stands between. */
export function unprunable(alternatives: readonly Alternative[]): readonly Alternative[] {
  return alternatives.map((targets) =>
    targets.map(([table, column, , reading]): Target => [table, column, false, reading]),
  );
}

/** Yields no column of any table. */
export const NOTHING: Derived = {
  lookup: () => [],
  columns: [],
  knows: () => false,
  starTables: [],
};

/** Yields the columns for which `isOwn` holds, and none of them is of any table: VALUES, table functions. */
export function tableless(isOwn: (column: string) => boolean): Derived {
  return {
    lookup: (column) => (isOwn(column) ? EXPRESSION : []),
    columns: [],
    knows: isOwn,
    starTables: [],
  };
}

/** `derived` under other column names, in order; unnamed ones keep theirs. */
export function renamed(derived: Derived, names: readonly string[]): Derived {
  if (names.length === 0) return derived;
  const columns = [...names, ...derived.columns.slice(names.length)];
  return {
    lookup: remembered((column) => {
      const at = names.indexOf(column);
      if (at === -1) return derived.lookup(column);
      const original = derived.columns[at] ?? '';
      // An expression without a name of its own.
      return original === '' ? EXPRESSION : derived.lookup(original);
    }),
    columns,
    knows: (column) => columns.includes(column) || derived.knows(column),
    starTables: derived.starTables,
  };
}

/** What resolving a column name yields. */
export interface Resolution {
  readonly reference: ColumnReference;
  readonly sources: readonly Source[];
}

/**
 * Resolves the names of a column, qualifiers first. With a qualifier the source must match it, else undefined;
 * without one every source in sight is a reading. `isAliasFirst` where an alias of the select list wins.
 */
export function resolveColumn(
  scope: Scope,
  path: readonly string[],
  isAliasFirst: boolean,
): Resolution | undefined {
  for (let length = path.length - 1; length > 0; length -= 1) {
    const source = findSource(scope, path.slice(0, length));
    if (source === undefined) continue;
    const readings = source.lookup(path[length] ?? '');
    return { reference: { levels: [readings], isAlias: readings.length === 0 }, sources: [source] };
  }
  const name = path[0] ?? '';
  if (path.length > 2) return undefined;
  return path.length === 1 || isColumnInSight(scope, name)
    ? resolveBare(scope, name, isAliasFirst)
    : undefined;
}

function isColumnInSight(scope: Scope, name: string): boolean {
  return scope.aliases.has(name);
}

function resolveBare(scope: Scope, name: string, isAliasFirst: boolean): Resolution {
  const levels: (readonly Alternative[])[] = [];
  let nearest: readonly Source[] = [];
  let isAlias = false;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const alias = at.aliases.get(name);
    if (alias !== undefined) {
      isAlias = true;
      if (isAliasFirst && levels.length === 0)
        return { reference: { levels: [alias], isAlias }, sources: [] };
    }
    const candidates = at.sources.filter((source) => source.lookup(name).length > 0);
    const certain = candidates.filter((source) => source.knows(name));
    const possible = certain.length > 0 ? certain : candidates;
    const holders = at.shared.has(name) ? possible.slice(0, 1) : possible;
    if (holders.length > 0) {
      if (levels.length === 0) nearest = holders;
      levels.push(distinct(holders.flatMap((source) => source.lookup(name))));
    }
  }
  return { reference: { levels, isAlias }, sources: nearest };
}

function findSource(scope: Scope, qualifier: readonly string[]): Source | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const found = at.sources.find((source) => isQualifier(source, qualifier));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isQualifier(source: Source, qualifier: readonly string[]): boolean {
  const { names } = source;
  if (names.length === 0 || (source.isAliased && qualifier.length !== 1)) return false;
  const shared = Math.min(names.length, qualifier.length);
  for (let back = 1; back <= shared; back += 1) {
    if (names.at(-back) !== qualifier.at(-back)) return false;
  }
  return true;
}
