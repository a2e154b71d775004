/** Statements of about 2 KB as dashboards, analysts and dbt send them, each of a shape of its own, from a seed. */
import { seededRandom } from './statistics.js';

/** One shape; `text` writes it with the literals of a draw, the same shape every time. */
export interface GeneratedShape {
  readonly style: 'dashboard' | 'analyst' | 'dbt';
  text(draw: number): string;
}

/** Fixed, so that a shape has the same columns whatever its literals. */
const MEASURES = 42;
const STEPS = 4;
const MODEL_COLUMNS = 22;
const STYLES = ['dashboard', 'analyst', 'dbt'] as const;
const TABLES = 'orders customers order_items products stores returns sessions page_views'.split(
  ' ',
);
const COLUMNS =
  'order_id customer_id product_id store_id order_date status region channel amount quantity discount tax country segment created_at updated_at'.split(
    ' ',
  );

/** `count` shapes; those of one seed are the same and no two are equal. */
export function generatedShapes(count: number, seed: number): readonly GeneratedShape[] {
  return Array.from({ length: count }, (_, index) => {
    const shapeSeed = seed * 100_003 + index;
    return {
      style: STYLES[index % STYLES.length] ?? 'analyst',
      text: (draw) => new StatementWriter(shapeSeed, draw).statement(STYLES[index % STYLES.length]),
    };
  });
}

class StatementWriter {
  readonly #shape: () => number;
  readonly #literals: () => number;
  readonly #seed: number;

  constructor(seed: number, draw: number) {
    this.#seed = seed;
    this.#shape = seededRandom(seed);
    this.#literals = seededRandom(seed * 31 + draw);
  }

  statement(style: (typeof STYLES)[number] = 'analyst'): string {
    switch (style) {
      case 'dashboard':
        return this.#dashboard();
      case 'analyst':
        return this.#analyst();
      case 'dbt':
        return this.#model();
    }
  }

  /** As business intelligence tools write: everything quoted, grouped, filtered by a date range and a list. */
  #dashboard(): string {
    const [fact, dimension] = [this.#table(), this.#table()];
    const selected: string[] = [];
    const text = (): string =>
      `SELECT ${selected.join(',\n  ')}\nFROM "ANALYTICS"."MART"."${fact.toUpperCase()}" AS "f"\n` +
      `LEFT JOIN "ANALYTICS"."MART"."${dimension.toUpperCase()}" AS "d" ON ("f"."${this.#seed}_ID" = "d"."ID")\n` +
      `WHERE ${this.#filters('"f"')}\nGROUP BY 1, 2\nORDER BY 3 DESC\nLIMIT ${this.#number(5_000)}`;
    selected.push(
      `DATE_TRUNC('${this.#of(['month', 'week', 'day'])}', "f"."ORDER_DATE") AS "period"`,
    );
    while (selected.length < MEASURES) {
      const column = this.#column().toUpperCase();
      const measure = this.#of(['SUM', 'AVG', 'COUNT', 'MAX', 'COUNT(DISTINCT']);
      selected.push(
        `${measure}("f"."${column}")${measure.includes('(') ? ')' : ''} AS "${measure[0] ?? ''}_${column}_${selected.length}"`,
      );
    }
    return text();
  }

  /** As people write: CTEs, joins, windows, CASE. */
  #analyst(): string {
    const steps: string[] = [];
    while (steps.length < STEPS) {
      const name = `step_${this.#seed}_${steps.length}`;
      const [a, b] = [this.#column(), this.#column()];
      steps.push(
        `${name} as (\n  -- ${a} by ${b}\n  select a.${a}, b.${b}, sum(a.${this.#column()}) as total,\n` +
          `    case when a.${b} > ${this.#number(1_000)} then ${this.#string()} else ${this.#string()} end as bucket,\n` +
          `    row_number() over (partition by a.${a} order by b.${b} desc) as rn\n` +
          `  from ${this.#of(['raw', 'mart', 'analytics.mart'])}.${this.#table()} a\n  join ${this.#table()} b on a.${a} = b.${a}\n` +
          `  where ${this.#filters('a')}\n  group by 1, 2, 4\n)`,
      );
    }
    const last = `step_${this.#seed}_${steps.length - 1}`;
    return `with ${steps.join(',\n')}\nselect ${last}.*, coalesce(bucket, ${this.#string()}) as b\nfrom ${last}\nwhere rn = ${this.#number(5)}\nlimit ${this.#number(1_000)}`;
  }

  /** As dbt writes: a comment with JSON, a definition, imported CTEs, a merge of columns. */
  #model(): string {
    const columns: string[] = [];
    const table = this.#table();
    while (columns.length < MODEL_COLUMNS) {
      const column = this.#column();
      columns.push(
        this.#of([
          `        cast(${column} as ${this.#of(['number(38, 2)', 'varchar', 'timestamp_ntz'])}) as ${column}_${columns.length}`,
          `        nullif(trim(${column}), ${this.#string()}) as ${column}_${columns.length}`,
          `        ${column}:payload.items[0].${column}::string as ${column}_${columns.length}`,
          `        iff(${column} in (${this.#list()}), ${this.#number(9)}, null) as ${column}_${columns.length}`,
        ]),
      );
    }
    return (
      `/* {"app": "dbt", "node_id": "model.shop.${table}_${this.#seed}"} */\n` +
      `create or replace transient table analytics.mart.${table}_${this.#seed} as\n(\nwith source as (\n    select * from raw.shop.${table}\n),\n` +
      `renamed as (\n    select\n${columns.join(',\n')}\n    from source\n    where ${this.#filters('source')}\n)\n` +
      `select * from renamed qualify row_number() over (partition by ${this.#column()}_0 order by 1) = ${this.#number(3)}\n)`
    );
  }

  #filters(of: string): string {
    const quoted = of.startsWith('"');
    const name = (): string =>
      `${of}.${quoted ? `"${this.#column().toUpperCase()}"` : this.#column()}`;
    return (
      `${name()} >= '${this.#date()}' and ${name()} < '${this.#date()}'\n    and ${name()} in (${this.#list()})` +
      ` and (${name()} = ${this.#number(100)} or ${name()} is null)`
    );
  }

  #table(): string {
    return this.#of(TABLES);
  }

  #column(): string {
    return this.#of(COLUMNS);
  }

  #of(values: readonly string[]): string {
    return values[Math.floor(this.#shape() * values.length)] ?? '';
  }

  #number(max: number): string {
    return String(1 + Math.floor(this.#literals() * max));
  }

  #string(): string {
    return `'v${this.#number(100_000)}'`;
  }

  #date(): string {
    const [month, day] = [this.#number(12), this.#number(28)].map((part) => part.padStart(2, '0'));
    return `2026-${month ?? ''}-${day ?? ''}`;
  }

  #list(): string {
    const count = 2 + Math.floor(this.#literals() * 8);
    return Array.from({ length: count }, () => this.#string()).join(', ');
  }
}
