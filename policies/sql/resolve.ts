/** Gives the names in raw facts to tables and columns: by the session's database and schema, and by the catalogue. */
import { quotedWhereNeeded } from './tree/ast.js';
import {
  MIRRORED,
  type Catalogue,
  type Filter,
  type Join,
  type NameContext,
  type Reading,
  type UnknownFact,
} from './facts.js';
import type { Alternative, Bounds, ColumnReference, RawFacts, Target } from './tree/raw-facts.js';

/** What the names in raw facts stand for, whatever the literals are. */
export interface NamedFacts {
  readonly tablesRead: readonly string[];
  readonly tablesWritten: readonly string[];
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly filters: readonly NamedFilter[];
  /** Table of each reading that has a name. */
  readonly readings: readonly string[];
  readonly joins: readonly Join[];
  readonly unknown: readonly UnknownFact[];
}

/** A column that filter number `filter` of the raw facts bounds; `reading` is the number of a named reading, -1 for none. */
interface NamedFilter {
  readonly filter: number;
  readonly table: string;
  readonly column: string;
  readonly reading: number;
}

/**
 * Full name of a table from the one to three names it was written with. What the session lacks is left out of the
 * name, and `isComplete` is false.
 */
export function qualify(
  parts: readonly string[],
  context: NameContext,
): { readonly name: string; readonly isComplete: boolean } {
  const [last = '', schema, database] = parts.toReversed();
  // `db..t` is the schema PUBLIC.
  const inSchema = schema === '' ? 'PUBLIC' : (schema ?? context.schema);
  const inDatabase = database ?? context.database;
  const known = [inDatabase, inSchema, last].filter(
    (part): part is string => part !== null && part !== '',
  );
  return { name: known.map(quotedWhereNeeded).join('.'), isComplete: known.length === 3 };
}

/** Names of `raw` as the session `context` reads them. Ambiguous columns are named in `unknown`, never guessed. */
export function resolveNames(
  raw: RawFacts,
  context: NameContext,
  catalogue: Catalogue,
): NamedFacts {
  const names = raw.tables.map((table) => qualify(table.parts, context));
  const chooser = new Chooser(
    names.map(({ name }) => name),
    catalogue,
  );
  const unknown = new Set<UnknownFact>();
  if (names.some(({ isComplete }) => !isComplete)) unknown.add('tables');
  if (raw.hasDynamicName) unknown.add('dynamic-name').add('tables');
  if (raw.hasUnresolvedColumn) unknown.add('columns');
  if (raw.hasDynamicColumn) unknown.add('dynamic-name').add('columns');
  const columns = new Map<string, Set<string>>();
  for (const reference of raw.references) {
    const chosen = chooser.choose(reference);
    if (chosen === undefined) unknown.add('columns');
    for (const [table, column] of chosen ?? []) {
      if (isNameless(raw, table)) continue;
      const name = names[table]?.name ?? '';
      const known = columns.get(name) ?? new Set();
      columns.set(name, known.add(column));
    }
  }
  const readings: string[] = [];
  const numbers = raw.readings.map((table) =>
    isNameless(raw, table) ? -1 : readings.push(names[table]?.name ?? '') - 1,
  );
  const filters: NamedFilter[] = [];
  for (const [filter, { reference }] of raw.filters.entries()) {
    const chosen = chooser.choose(reference);
    if (chosen === undefined) unknown.add('filters');
    for (const [table, column, isPrunable, reading] of chosen ?? []) {
      if (!isPrunable || isNameless(raw, table)) continue;
      const name = names[table]?.name ?? '';
      filters.push({ filter, table: name, column, reading: numbers[reading] ?? -1 });
    }
  }
  const named = (uses: (index: number) => boolean): readonly string[] =>
    [...new Set(names.filter((_, index) => uses(index)).map(({ name }) => name))].toSorted();
  return {
    tablesRead: named((index) => raw.tables[index]?.isRead === true),
    tablesWritten: named((index) => raw.tables[index]?.isWritten === true),
    columns: Object.fromEntries(
      [...columns]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, list]) => [name, [...list].toSorted()]),
    ),
    filters,
    readings,
    joins: joinsOf(raw, names, chooser),
    unknown: [...unknown],
  };
}

/** The filters of `named` with their bounds, all of them and those of each reading; `bounds` are those of the raw facts. */
export function boundFilters(
  named: NamedFacts,
  bounds: readonly Bounds[],
): { readonly filters: readonly Filter[]; readonly readings: readonly Reading[] } {
  const filters = new Map<string, Filter>();
  const ofReadings: Filter[][] = named.readings.map(() => []);
  for (const { filter: index, table, column, reading } of named.filters) {
    const bound = bounds[index];
    if (bound === undefined) continue;
    const { operator, low, high, relativeLow, relativeHigh } = bound;
    const filter: Filter = {
      table,
      column,
      operator,
      low,
      high,
      ...(relativeLow === null ? {} : { relativeLow }),
      ...(relativeHigh === null ? {} : { relativeHigh }),
    };
    filters.set(JSON.stringify(filter), filter);
    ofReadings[reading]?.push(filter);
  }
  return {
    filters: [...filters.values()],
    readings: named.readings.map((table, at) => ({ table, filters: ofReadings[at] ?? [] })),
  };
}

/** Edges of the join graph, each once whichever way round it was written. */
function joinsOf(
  raw: RawFacts,
  names: readonly { readonly name: string }[],
  chooser: Chooser,
): readonly Join[] {
  const joins = new Map<string, Join>();
  for (const { left, right, operator } of raw.joins) {
    const rights = chooser.choose(right) ?? [];
    for (const [leftTable, leftColumn] of chooser.choose(left) ?? []) {
      for (const [rightTable, rightColumn] of rights) {
        if (isNameless(raw, leftTable) || isNameless(raw, rightTable)) continue;
        const one = [names[leftTable]?.name ?? '', leftColumn] as const;
        const other = [names[rightTable]?.name ?? '', rightColumn] as const;
        const isInOrder = one.join('.') <= other.join('.');
        const [first, second] = isInOrder ? [one, other] : [other, one];
        const join: Join = {
          leftTable: first[0],
          leftColumn: first[1],
          operator: isInOrder ? operator : MIRRORED[operator],
          rightTable: second[0],
          rightColumn: second[1],
        };
        if (joins.size < JOINS_MAX) joins.set(JSON.stringify(join), join);
      }
    }
  }
  return [...joins.values()];
}

/** UNION branches multiply the columns behind one name. */
const JOINS_MAX = 1_000;

/** A table that a variable or bind names has no name to list columns under. */
function isNameless(raw: RawFacts, table: number): boolean {
  return raw.tables[table]?.parts.at(-1) === '';
}

/** Chooses among the readings of a column name with what the catalogue knows. */
class Chooser {
  readonly #columns: readonly (ReadonlySet<string> | undefined)[];

  constructor(tables: readonly string[], catalogue: Catalogue) {
    this.#columns = tables.map((table) => {
      const columns = catalogue.columnsOf(table);
      return columns === undefined ? undefined : new Set(columns);
    });
  }

  /** Columns that `reference` stands for; undefined when that cannot be told. */
  choose(reference: ColumnReference): readonly Target[] | undefined {
    for (const level of reference.levels) {
      const possible = level
        .map((targets) => this.#possible(targets))
        .filter((targets) => targets !== undefined);
      const sure = possible.filter(
        (targets) => targets.length > 0 && targets.every((target) => this.#has(target)),
      );
      if (sure.length === 1) return sure[0];
      if (possible.length === 1) return possible[0];
      if (possible.length > 1) return undefined;
    }
    const isNothing = reference.isAlias || reference.levels.every((level) => level.length === 0);
    return isNothing ? [] : undefined;
  }

  /** The targets that can exist; undefined when none of several can. */
  #possible(targets: Alternative): Alternative | undefined {
    if (targets.length === 0) return targets;
    const left = targets.filter(
      (target) => this.#columns[target[0]] === undefined || this.#has(target),
    );
    return left.length === 0 ? undefined : left;
  }

  #has([table, column]: Target): boolean {
    return column === '*' || this.#columns[table]?.has(column) === true;
  }
}
