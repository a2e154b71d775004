/**
 * A {@link SurfaceQuery} → one parameterised Postgres SELECT. Text of the caller never reaches the SQL: names are
 * looked up in the view's own list, values are checked against the column's type and bound, and the scope is part of
 * the innermost source.
 */
import { must } from '#base/assert.js';
import { columnType, type RowType } from '#base/wire/row-type.js';
import { tryParseTicketId, type TicketId } from '#base/ids.js';
import { FormError } from './query.js';
import type { Condition, Expression, Key, Operand, SurfaceQuery, Value } from './query.js';
import { VIEWS, type BindValue, type ViewColumn, type ViewScope } from './views.js';
import { literalOf, type SurfaceBind } from './values.js';

/** More rows than this are refused, not cut. */
export const ROWS_MAX = 10_000;

export interface PostgresQuery {
  readonly text: string;
  readonly values: readonly (string | number | boolean | null)[];
  readonly columns: readonly RowType[];
}

/**
 * Translates `query` for the caller of `scope`. One row beyond {@link ROWS_MAX} is asked for, so that the reader can
 * tell. Throws FormError, with the names that are right, for unknown columns, aggregates of text, values that do not
 * fit their column, and columns outside GROUP BY. `binds` null: it is only described, for its columns.
 */
export function toPostgres(
  query: SurfaceQuery,
  scope: ViewScope,
  binds: readonly SurfaceBind[] | null,
): PostgresQuery {
  return new Translator(query, scope, binds).translate();
}

/** The ticket a WHY asks about; throws FormError when it is no ticket id. */
export function ticketOf(query: SurfaceQuery, binds: readonly SurfaceBind[]): TicketId | null {
  const { ticket } = query;
  if (ticket === null) return null;
  const text =
    ticket.kind === 'bind'
      ? binds[ticket.index]?.value
      : ticket.kind === 'text'
        ? ticket.text
        : null;
  const ticketId = tryParseTicketId(text?.toLowerCase() ?? '');
  if (ticketId === undefined)
    throw new FormError('WHY takes a ticket id, which is also the query id of the reply');
  return ticketId;
}

interface Item {
  readonly sql: string;
  readonly type: RowType;
  readonly expression: Expression;
  readonly alias: string | null;
}

class Translator {
  readonly #query: SurfaceQuery;
  readonly #scope: ViewScope;
  readonly #binds: readonly SurfaceBind[] | null;
  readonly #columns: ReadonlyMap<string, ViewColumn>;
  readonly #values: (string | number | boolean | null)[] = [];
  readonly #bind: BindValue = (value) => {
    this.#values.push(value);
    return `$${this.#values.length}`;
  };

  constructor(query: SurfaceQuery, scope: ViewScope, binds: readonly SurfaceBind[] | null) {
    this.#query = query;
    this.#scope = scope;
    this.#binds = binds;
    this.#columns = new Map(VIEWS[query.view].columns.map((column) => [column.name, column]));
  }

  translate(): PostgresQuery {
    const query = this.#query;
    const view = VIEWS[query.view];
    const source = `SELECT ${view.columns.map((column) => `${column.sql} AS ${quote(column.name)}`).join(', ')} ${view.from(this.#scope, this.#bind)}`;
    const items = this.#items();
    const groupBy = query.groupBy.map((key) => this.#groupKey(key, items));
    this.#checkGrouping(items, groupBy);
    const where = query.where === null ? '' : ` WHERE ${this.#condition(query.where)}`;
    const grouping = groupBy.length === 0 ? '' : ` GROUP BY ${groupBy.map(quoteIn).join(', ')}`;
    const ordering = this.#ordering(items);
    // Numbered names: two columns of a result may have the same name.
    const select = items.map((item, index) => `${item.sql} AS c${index}`).join(', ');
    return {
      text: `SELECT ${select} FROM (${source}) AS v${where}${grouping}${ordering} LIMIT ${this.#limit()}`,
      values: this.#values,
      columns: items.map((item) => item.type),
    };
  }

  #items(): Item[] {
    const items = this.#query.items.flatMap((item) =>
      item.kind === 'star'
        ? [...this.#columns.keys()].map((column) => this.#item({ kind: 'column', column }, null))
        : [this.#item(item.expression, item.alias)],
    );
    if (items.length === 0 || items.length > 100)
      throw new FormError('It selects no column, or more than 100');
    return items;
  }

  #item(expression: Expression, alias: string | null): Item {
    const type = this.#typeOf(expression);
    const name = alias ?? nameOf(expression);
    const sql = this.#expression(expression);
    const isInstant = type.type.startsWith('timestamp');
    return {
      // Every cell leaves Postgres as text, so that no digit passes through a JavaScript number.
      sql: isInstant ? `extract(epoch from ${sql})::text` : `(${sql})::text`,
      type: { ...type, name },
      expression,
      alias,
    };
  }

  #typeOf(expression: Expression): RowType {
    if (expression.kind === 'count-all' || expression.kind === 'count') {
      if (expression.kind === 'count') this.#column(expression.column);
      return columnType('', 'fixed', { precision: 18 });
    }
    const column = this.#column(expression.column);
    if (expression.kind === 'sum' && column.type.type !== 'fixed' && column.type.type !== 'real') {
      throw new FormError(`SUM needs a number, and ${column.name} is none`);
    }
    return column.type;
  }

  #expression(expression: Expression): string {
    switch (expression.kind) {
      case 'count-all':
        return 'count(*)';
      case 'column':
        return quoteIn(this.#column(expression.column).name);
      case 'count':
      case 'sum':
        return `${expression.kind}(${quoteIn(this.#column(expression.column).name)})`;
    }
  }

  #column(name: string): ViewColumn {
    const column = this.#columns.get(name);
    if (column !== undefined) return column;
    const names = [...this.#columns.keys()].join(', ');
    throw new FormError(`${this.#query.view} has no column ${name.slice(0, 60)}; it has ${names}`);
  }

  #groupKey(key: Key, items: readonly Item[]): string {
    const expression = this.#resolve(key, items);
    if (expression.kind !== 'column') throw new FormError('GROUP BY takes columns');
    return this.#column(expression.column).name;
  }

  /** What a key means: a position, an alias of the list, or itself. */
  #resolve(key: Key, items: readonly Item[]): Expression {
    if (key.kind === 'position') {
      const item = items[key.position - 1];
      if (item === undefined) throw new FormError(`There is no column at position ${key.position}`);
      return item.expression;
    }
    if (key.kind !== 'column' || this.#columns.has(key.column)) return key;
    return items.find((item) => item.alias === key.column)?.expression ?? key;
  }

  #checkGrouping(items: readonly Item[], groupBy: readonly string[]): void {
    const isGrouped = groupBy.length > 0 || items.some((item) => item.expression.kind !== 'column');
    if (!isGrouped) return;
    for (const { expression } of items) {
      if (expression.kind === 'column' && !groupBy.includes(expression.column)) {
        throw new FormError(`${expression.column} is neither in GROUP BY nor in COUNT or SUM`);
      }
    }
    for (const { key } of this.#query.orderBy) {
      const expression = this.#resolve(key, items);
      if (expression.kind === 'column' && !groupBy.includes(expression.column)) {
        throw new FormError('ORDER BY takes columns of GROUP BY, COUNT or SUM here');
      }
    }
  }

  #ordering(items: readonly Item[]): string {
    const isGrouped =
      this.#query.groupBy.length > 0 || items.some((item) => item.expression.kind !== 'column');
    const keys = this.#query.orderBy.map(({ key, isDescending, nulls }) => {
      const expression = this.#resolve(key, items);
      if (!isGrouped && expression.kind !== 'column')
        throw new FormError('ORDER BY takes a column here');
      if (expression.kind !== 'column') this.#typeOf(expression);
      const place = nulls === null ? '' : ` NULLS ${nulls.toUpperCase()}`;
      return `${this.#expression(expression)}${isDescending ? ' DESC' : ''}${place}`;
    });
    // WHY is read top to bottom when nothing else is asked for.
    if (keys.length === 0 && this.#query.view === 'WHY' && !isGrouped) keys.push(quoteIn('LINE'));
    return keys.length === 0 ? '' : ` ORDER BY ${keys.join(', ')}`;
  }

  #limit(): string {
    const most = String(ROWS_MAX + 1);
    if (this.#query.limit === null) return most;
    const limit = literalOf(this.#query.limit, 'fixed', 'LIMIT', this.#binds);
    if (limit === null && this.#binds === null) return most;
    if (typeof limit !== 'string' || !/^\d{1,15}$/.test(limit))
      throw new FormError('LIMIT takes a whole number');
    return this.#bind(String(Math.min(Number(limit), ROWS_MAX + 1)));
  }

  #condition(condition: Condition): string {
    switch (condition.kind) {
      case 'and':
      case 'or':
        return `(${condition.parts.map((part) => this.#condition(part)).join(condition.kind === 'and' ? ' AND ' : ' OR ')})`;
      case 'not':
        return `(NOT ${this.#condition(condition.part)})`;
      case 'null':
        return `(${this.#named(condition.column)} IS ${condition.isNegated ? 'NOT ' : ''}NULL)`;
      case 'like':
        return this.#like(condition);
      case 'in': {
        const values = condition.values.map((value) => this.#value(value, condition.column));
        return `(${this.#named(condition.column)} ${condition.isNegated ? 'NOT ' : ''}IN (${values.join(', ')}))`;
      }
      case 'between': {
        const low = this.#value(condition.low, condition.column);
        const high = this.#value(condition.high, condition.column);
        return `(${this.#named(condition.column)} ${condition.isNegated ? 'NOT ' : ''}BETWEEN ${low} AND ${high})`;
      }
      case 'compare':
        return `(${this.#operand(condition.left, condition.right)} ${condition.comparison} ${this.#operand(condition.right, condition.left)})`;
    }
  }

  #like(condition: Extract<Condition, { kind: 'like' }>): string {
    if (this.#column(condition.column).type.type !== 'text')
      throw new FormError(`LIKE needs text, and ${condition.column} is none`);
    const operator = `${condition.isNegated ? 'NOT ' : ''}${condition.ignoresCase ? 'ILIKE' : 'LIKE'}`;
    // Snowflake's LIKE has no escape character unless ESCAPE names one.
    return `(${this.#named(condition.column)} ${operator} ${this.#value(condition.pattern, condition.column)} ESCAPE '')`;
  }

  #named(column: string): string {
    return quoteIn(this.#column(column).name);
  }

  #operand(operand: Operand, other: Operand): string {
    if (operand.kind !== 'column') {
      if (other.kind !== 'column') throw new FormError('A comparison needs a column');
      return this.#value(operand, other.column);
    }
    if (other.kind === 'column') {
      const [mine, theirs] = [
        this.#column(operand.column).type.type,
        this.#column(other.column).type.type,
      ];
      if (mine !== theirs)
        throw new FormError(`${operand.column} and ${other.column} are of different types`);
    }
    return this.#named(operand.column);
  }

  #value(value: Value, columnName: string): string {
    const { type } = this.#column(columnName).type;
    const place = this.#bind(literalOf(value, type, columnName, this.#binds));
    return `${place}::${must(POSTGRES_TYPES[type], 'every type of a view has a Postgres type')}`;
  }
}

const POSTGRES_TYPES: Readonly<Record<string, string>> = {
  text: 'text',
  fixed: 'numeric',
  real: 'double precision',
  boolean: 'boolean',
  timestamp_ltz: 'timestamptz',
};

function nameOf(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return expression.column;
    case 'count-all':
      return 'COUNT(*)';
    case 'count':
    case 'sum':
      return `${expression.kind.toUpperCase()}(${expression.column})`;
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteIn(column: string): string {
  return `v.${quote(column)}`;
}
