/** What a walk over one statement collects, and the two steps its parts call each other through. */
import { DYNAMIC_NAME } from './ast.js';
import type { ColumnReference, RawFacts, RawFilter, RawJoin, RawTable } from './raw-facts.js';
import type { Derived, Scope } from './scope.js';

/** Parts of the walker see each other through this. */
export interface Walk {
  readonly record: WalkRecord;
  /** Walks a SELECT, set operation, VALUES or bracketed query and tells what it yields. */
  query(value: unknown, scope: Scope): Derived;
  /** Walks anything else; `isAliasFirst` in clauses where aliases of the select list win. */
  expression(value: unknown, scope: Scope, isAliasFirst?: boolean): void;
}

export class WalkRecord {
  hasSelectStar = false;
  hasCrossJoin = false;
  hasDynamicName = false;
  hasUnresolvedColumn = false;
  hasDynamicColumn = false;
  /** Values of literals decide more than the bounds of a filter. */
  hasFilterByValues = false;
  /** Some part of the text came back as text: what is in it nobody saw. */
  hasUnread = false;
  limit: number | null = null;
  isOrdered = false;
  isRowCount = false;
  readonly #readings: number[] = [];
  readonly #tables = new Map<string, RawTable & { readonly index: number }>();
  readonly #references = new Map<string, ColumnReference>();
  readonly #filters = new Map<string, RawFilter>();
  readonly #joins = new Map<string, RawJoin>();

  /** Number of the table named `parts`, marked as read or written. */
  table(parts: readonly string[], use: 'read' | 'write' | 'none'): number {
    if (parts === DYNAMIC_NAME) this.hasDynamicName = true;
    const key = JSON.stringify(parts);
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = { parts, isRead: false, isWritten: false, index: this.#tables.size };
      this.#tables.set(key, table);
    }
    if (parts === DYNAMIC_NAME) return table.index;
    if (use === 'read') table.isRead = true;
    if (use === 'write') table.isWritten = true;
    return table.index;
  }

  /** Number of a new reading of table number `table`. */
  reading(table: number): number {
    return this.#readings.push(table) - 1;
  }

  /** Notes that every column of table number `table` is touched. */
  star(table: number): void {
    this.reference({ levels: [[[[table, '*', false, -1]]]], isAlias: false });
  }

  /** Notes a column; references that stand for nothing are dropped. */
  reference(reference: ColumnReference): void {
    const isEmpty = reference.levels.every((level) =>
      level.every((targets) => targets.length === 0),
    );
    if (!isEmpty) this.#references.set(keyOf(reference), reference);
  }

  /** Notes a filter, once however often it is written. */
  filter(filter: RawFilter): void {
    const { pattern, ...others } = filter;
    const key = JSON.stringify(others);
    const known = this.#filters.get(key);
    // Patterns that begin alike bound alike, until one of them changes.
    if (known !== undefined && known.pattern !== pattern) this.hasFilterByValues = true;
    this.#filters.set(key, filter);
  }

  join(join: RawJoin): void {
    this.#joins.set(JSON.stringify(join), join);
  }

  /** The facts collected, `top` being the tag of the statement. */
  facts(top: string): RawFacts {
    return {
      top,
      tables: [...this.#tables.values()].map(({ parts, isRead, isWritten }) => ({
        parts,
        isRead,
        isWritten,
      })),
      readings: this.#readings,
      references: [...this.#references.values()],
      filters: [...this.#filters.values()],
      joins: [...this.#joins.values()],
      hasSelectStar: this.hasSelectStar,
      hasCrossJoin: this.hasCrossJoin,
      limit: this.limit,
      isOrdered: this.isOrdered,
      isRowCount: this.isRowCount,
      hasDynamicName: this.hasDynamicName,
      hasUnresolvedColumn: this.hasUnresolvedColumn,
      hasDynamicColumn: this.hasDynamicColumn,
      hasFilterByValues: this.hasFilterByValues,
    };
  }
}

/** What tells two references apart; most are one column of one table, which needs no JSON. */
function keyOf(reference: ColumnReference): string {
  const { levels, isAlias } = reference;
  const target = levels.length === 1 ? onlyOf(onlyOf(levels[0])) : undefined;
  return target === undefined
    ? JSON.stringify(reference)
    : `${target[0]} ${target[2] ? 1 : 0}${isAlias ? 1 : 0} ${target[3]} ${target[1]}`;
}

function onlyOf<Item>(list: readonly Item[] | undefined): Item | undefined {
  return list?.length === 1 ? list[0] : undefined;
}
