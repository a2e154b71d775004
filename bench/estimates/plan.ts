/** The grammar of reading statements: a plan is a shape without literals, drawn from tables × columns × filters × joins. */
import { must } from '../../base/assert.js';
import type { Draw } from './draw.js';
import { columnNamed } from './tables.js';
import type { Column, ColumnRole, Table } from './tables.js';

/** How the rows of the clustering column are chosen. */
export type Window = 'none' | 'literal' | 'relative';
export type Form = 'aggregate' | 'common-table' | 'ranked' | 'lookup' | 'star';

/** A column and the alias of the table it is of. */
interface Place {
  readonly alias: string;
  readonly column: Column;
}

export interface Plan {
  readonly form: Form;
  readonly table: Table;
  readonly joins: readonly { readonly table: Table; readonly key: string }[];
  readonly groups: readonly Place[];
  readonly measures: readonly { readonly function: string; readonly place: Place | null }[];
  readonly filters: readonly { readonly place: Place; readonly values: number }[];
  readonly window: Window;
  readonly isOrdered: boolean;
  readonly isLimited: boolean;
  /** As business intelligence tools write: everything in quotes. */
  readonly isQuoted: boolean;
  readonly isMultiline: boolean;
}

/** The literals of one statement. */
export interface Literals {
  /** Last day read, in days since 1970. */
  readonly lastDay: number;
  /** Days read; null: all there are. */
  readonly days: number | null;
  /** Index of the value of each filter: the lower, the more rows have it. */
  readonly values: readonly number[];
  readonly limit: number;
}

export interface PlanWishes {
  readonly tables: readonly Table[];
  readonly dimensions: readonly Table[];
  readonly windows: readonly Window[];
  readonly forms: readonly Form[];
  readonly joinsMax: number;
  readonly quotedShare: number;
}

const FUNCTIONS = ['SUM', 'AVG', 'MAX', 'MIN', 'COUNT', 'COUNT(DISTINCT'] as const;

/** Draws a plan. */
export function planOf(wishes: PlanWishes, draw: Draw): Plan {
  const table = draw.pick(wishes.tables);
  const form = draw.pick(wishes.forms);
  const fitting = wishes.dimensions.filter(
    (dimension) => keyBetween(table, dimension) !== undefined,
  );
  const joins = draw.some(fitting, draw.whole(0, wishes.joinsMax)).map((dimension) => ({
    table: dimension,
    key: must(keyBetween(table, dimension), 'a fitting dimension has a key'),
  }));
  const places = [table, ...joins.map((join) => join.table)].flatMap((each, index) =>
    each.columns.map((column): Place => ({ alias: aliasOf(index), column })),
  );
  const of = (...roles: readonly ColumnRole[]): readonly Place[] =>
    places.filter(({ column }) => roles.includes(column.role));
  const keys = of('key', 'payload');
  const measures = of('measure');
  return {
    form,
    table,
    joins,
    groups: draw.some(of('dimension'), draw.whole(1, 3)),
    measures: Array.from({ length: draw.whole(1, 4) }, () => {
      const picked = draw.pick(FUNCTIONS);
      if (picked === 'COUNT' || measures.length === 0) return { function: 'COUNT', place: null };
      const isDistinct = picked === 'COUNT(DISTINCT' && keys.length > 0;
      return isDistinct
        ? { function: picked, place: draw.pick(keys) }
        : { function: picked, place: draw.pick(measures) };
    }),
    filters: draw
      .some(of('dimension'), draw.whole(0, 2))
      .map((place) => ({ place, values: draw.happens(0.7) ? 1 : draw.whole(2, 4) })),
    window: dateOf(table) === undefined ? 'none' : draw.pick(wishes.windows),
    isOrdered: draw.happens(0.6),
    isLimited: form === 'star' || draw.happens(0.3),
    isQuoted: draw.happens(wishes.quotedShare),
    isMultiline: draw.happens(0.5),
  };
}

function keyBetween(table: Table, dimension: Table): string | undefined {
  const key = dimension.columns.find(({ role }) => role === 'key')?.name;
  return table.columns.find(({ role, name }) => role === 'key' && name === key)?.name;
}

/** The date that a table is filtered by: its clustering column, or the day of a mart. */
function dateOf(table: Table): string | undefined {
  return table.columns.find(({ role }) => role === 'date')?.name;
}

function aliasOf(index: number): string {
  return index === 0 ? 'f' : `d${index}`;
}

/** Columns that the plan touches, by its tables in the order of their aliases. */
export function columnsTouched(plan: Plan): readonly (readonly Column[])[] {
  const places = [
    ...plan.groups,
    ...plan.measures.flatMap(({ place }) => (place === null ? [] : [place])),
    ...plan.filters.map(({ place }) => place),
  ];
  return [plan.table, ...plan.joins.map(({ table }) => table)].map((table, index) => {
    if (plan.form === 'star' && index === 0) return table.columns;
    const names = places.flatMap(({ alias, column }) =>
      alias === aliasOf(index) ? [column.name] : [],
    );
    if (index === 0) names.push(...plan.joins.map(({ key }) => key));
    else names.push(must(plan.joins[index - 1], 'a join per alias').key);
    if (index === 0 && (plan.window !== 'none' || plan.form === 'common-table'))
      names.push(...[dateOf(table)].flatMap((name) => (name === undefined ? [] : [name])));
    return [...new Set(names)].map((name) => columnNamed(table, name));
  });
}

/** The plan with literals, as SQL. */
export function textOf(plan: Plan, literals: Literals): string {
  const writer = new Writer(plan);
  return writer.text(literals);
}

class Writer {
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  text(literals: Literals): string {
    const plan = this.#plan;
    const [from, where] = [this.#from(), this.#where(literals)];
    const limit = plan.isLimited ? [`LIMIT ${literals.limit}`] : [];
    if (plan.form === 'star') return this.#lines(['SELECT *', from, where, ...limit]);
    const groups = plan.groups.map((place) => this.#name(place));
    const measures = plan.measures.map((measure, index) => this.#measure(measure, index));
    const grouping = `GROUP BY ${groups.map((_, index) => index + 1).join(', ')}`;
    switch (plan.form) {
      case 'lookup':
        return this.#lines([`SELECT ${measures.join(', ')}`, from, where]);
      case 'ranked': {
        const rank = `ROW_NUMBER() OVER (PARTITION BY ${groups[0] ?? '1'} ORDER BY COUNT(*) DESC) AS RN`;
        const inner = [
          `SELECT ${[...groups, ...measures, rank].join(', ')}`,
          from,
          where,
          grouping,
        ];
        return this.#lines(['SELECT * FROM (', ...inner, ') AS r WHERE r.RN <= 10', ...limit]);
      }
      case 'common-table': {
        const inner = [`SELECT ${[...groups, ...measures].join(', ')}`, from, where, grouping];
        const order = plan.isOrdered ? ['ORDER BY 1'] : [];
        return this.#lines([
          'WITH base AS (',
          ...inner,
          ')',
          'SELECT * FROM base',
          ...order,
          ...limit,
        ]);
      }
      case 'aggregate': {
        const order = plan.isOrdered ? [`ORDER BY ${groups.length + 1} DESC`] : [];
        const select = `SELECT ${[...groups, ...measures].join(', ')}`;
        return this.#lines([select, from, where, grouping, ...order, ...limit]);
      }
    }
  }

  #lines(parts: readonly string[]): string {
    return parts.filter((part) => part !== '').join(this.#plan.isMultiline ? '\n' : ' ');
  }

  #quoted(name: string): string {
    return this.#plan.isQuoted ? `"${name}"` : name;
  }

  #name({ alias, column }: Place): string {
    return `${this.#quoted(alias)}.${this.#quoted(column.name)}`;
  }

  #tableName(table: Table): string {
    return table.name
      .split('.')
      .map((part) => this.#quoted(part))
      .join('.');
  }

  #measure({ function: name, place }: Plan['measures'][number], index: number): string {
    const argument = place === null ? '*' : this.#name(place);
    const call = name.includes('(') ? `${name} ${argument})` : `${name}(${argument})`;
    return `${call} AS ${this.#quoted(`M${index + 1}`)}`;
  }

  #from(): string {
    const { table, joins } = this.#plan;
    const joined = joins.map(({ table: dimension, key }, index) => {
      const alias = this.#quoted(aliasOf(index + 1));
      const column = this.#quoted(key);
      return ` JOIN ${this.#tableName(dimension)} AS ${alias} ON ${this.#quoted('f')}.${column} = ${alias}.${column}`;
    });
    return `FROM ${this.#tableName(table)} AS ${this.#quoted('f')}${joined.join('')}`;
  }

  #where(literals: Literals): string {
    const { table, filters, window } = this.#plan;
    const date = `${this.#quoted('f')}.${this.#quoted(dateOf(table) ?? '')}`;
    const conditions = filters.map(({ place, values }, index) => {
      const first = literals.values[index] ?? 0;
      const all = Array.from(
        { length: values },
        (_, each) => `'${valueText(place, first + each)}'`,
      );
      return values === 1
        ? `${this.#name(place)} = ${all[0] ?? ''}`
        : `${this.#name(place)} IN (${all.join(', ')})`;
    });
    if (window === 'relative')
      conditions.unshift(`${date} > DATEADD('day', -${literals.days ?? 1}, CURRENT_DATE())`);
    if (window === 'literal' && literals.days !== null) {
      const first = dayText(literals.lastDay - literals.days + 1);
      conditions.unshift(`${date} BETWEEN '${first}' AND '${dayText(literals.lastDay)}'`);
    }
    return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  }
}

function valueText({ column }: Place, index: number): string {
  return `${column.name.slice(0, 3).toLowerCase()}-${index}`;
}

const dayTexts = new Map<number, string>();

/** `2025-06-01` for a day since 1970. */
export function dayText(day: number): string {
  const known = dayTexts.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * 86_400_000).toISOString().slice(0, 10);
  dayTexts.set(day, text);
  return text;
}
