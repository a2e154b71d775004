/**
 * Macros whose result depends on the types of their arguments. DuckDB folds `typeof` while it binds, and reads the
 * structure of `json_transform` from a folded text, so a type may be chosen by a text. Arguments are held in a struct by a
 * lambda: each is written once, whatever it is (a nested call, an aggregate, a draw of chance), and the choice sees its type.
 */

/** Snowflake's types as a macro tells them apart; `span` is an interval, `null` a bare NULL. */
export type Kind =
  | 'int'
  | 'dec'
  | 'real'
  | 'date'
  | 'time'
  | 'ntz'
  | 'ltz'
  | 'zoned'
  | 'text'
  | 'json'
  | 'bool'
  | 'span'
  | 'bytes'
  | 'null';

const PATTERNS: Readonly<Record<Kind, string>> = {
  int: 'U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)',
  dec: 'DECIMAL\\([0-9]+,[0-9]+\\)',
  real: 'DOUBLE|FLOAT',
  date: 'DATE',
  time: 'TIME',
  ntz: 'TIMESTAMP(?:_[A-Z]+)?',
  ltz: 'TIMESTAMP WITH TIME ZONE',
  zoned: 'STRUCT\\(tg_instant [^)]*\\)',
  text: 'VARCHAR',
  json: 'JSON',
  bool: 'BOOLEAN',
  span: 'INTERVAL',
  bytes: 'BLOB',
  null: '"NULL"',
};

const FIELDS = ['x', 'y', 'z', 'w'] as const;
const PARAMETERS = ['a', 'b', 'c', 'd'] as const;

/** An argument inside a body. */
export interface Argument {
  readonly value: string;
  /** Digits after the point, an INTEGER known while binding; 0 for what is no decimal. */
  readonly scale: string;
  /** SQL that says whether it is of one of the kinds, known while binding. */
  is(...kinds: readonly Kind[]): string;
}

/** The argument `index`, from 0. The struct's type is asked, as that of a bare NULL is not folded. */
export function argument(index: number): Argument {
  const field = FIELDS[index] ?? '';
  const start = index === 0 ? `^STRUCT\\(${field} ` : `, ${field} `;
  const value = `struct_extract(tg_t, '${field}')`;
  return {
    value,
    scale: `concat('0', regexp_extract(typeof(tg_t), '${start}DECIMAL\\([0-9]+,([0-9]+)\\)', 1))::INTEGER`,
    is: (...kinds) =>
      `regexp_matches(typeof(tg_t), '${start}(?:${kinds.map((kind) => PATTERNS[kind]).join('|')})[,)]')`,
  };
}

/** A macro of `count` arguments; `body` reads them by `argument`. */
export function polymorphic(name: string, count: number, body: string): string {
  const parameters = PARAMETERS.slice(0, count);
  const fields = parameters.map((parameter, index) => `'${FIELDS[index] ?? ''}': ${parameter}`);
  return `CREATE MACRO ${name}(${parameters.join(', ')}, tg_k := '') AS list_transform([{${fields.join(', ')}}], lambda tg_t: ${body})[1]`;
}

/** A macro of the same arguments under another name. */
export function alias(name: string, count: number, target: string): string {
  const parameters = PARAMETERS.slice(0, count).join(', ');
  return `CREATE MACRO ${name}(${parameters}, tg_k := '') AS ${target}(${parameters}, tg_k := tg_k)`;
}

/** `value` cast to the type whose text `type`, SQL known while binding, says. */
export function typed(value: string, type: string): string {
  // The parameter makes DuckDB wait with its judgement until the macro is used.
  return `cast_to_type(${value}, json_transform('0'::JSON, concat('"', tg_k, ${type}, '"')))`;
}

/** `value` cast to the type that a rule of type-rules.ts gives for the types of all arguments. */
export function ruled(value: string, rule: string, digits = '0'): string {
  return typed(value, `tg_type('${rule}', typeof(tg_t), ${digits})`);
}

/** The text inside a VARCHAR or a VARIANT. */
export function textOf(value: Argument): string {
  return `CASE WHEN ${value.is('json')} THEN (${value.value}::VARCHAR)->>'$' ELSE ${value.value}::VARCHAR END`;
}

/** SQL that ends the statement with a failure; `message` is an SQL expression. Only for bodies of
 * `polymorphic`: outside a lambda DuckDB would work out a constant failure before it is due; its own `error` would keep all constants unfolded. */
export function failing(code: string, sqlState: string, message: string): string {
  return `tg_fail('${code}:${sqlState}', ${message})`;
}

/** SQL that refuses what the warehouse cannot do right. */
export function refusing(feature: string): string {
  return failing('000002', '0A000', `'Unsupported feature in the embedded warehouse: ${feature}'`);
}

/** DuckDB's own operator, whatever macro has its name. */
export function op(operator: string, left: string, right: string): string {
  return `system.main."${operator}"(${left}, ${right})`;
}

export const POLYMORPHIC_MACROS: readonly string[] = [
  // A NULL of no type, so that it may stand beside a value of any.
  `CREATE MACRO tg_fail(c, m) AS CASE WHEN tg_failing(c, m) THEN NULL END`,
];
