/**
 * Statements made from a small grammar, as parts and not as text, so that a test can write one statement in many ways
 * that mean the same, or change one part and know which.
 */

/** One part of a statement. `fixed` literals decide what is meant and are written as they are. */
export interface SqlPart {
  readonly kind:
    'word' | 'table' | 'column' | 'quoted' | 'operator' | 'comparison' | 'literal' | 'list';
  readonly text: string;
}

/** A repeatable source of numbers in [0, 1). */
export type Random = () => number;

/** The generator mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One of `values`; the list must not be empty. */
export function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('pick of nothing');
  return value;
}

const TABLES = ['orders', 'customers', 'db.sales.items', 'raw.events', 'db..visits', 'prices'];
const COLUMNS = ['id', 'amount', 'day', 'customer_id', 'status', 'region'];
const QUOTED = ['"Order Day"', '"amount"', '"ID"', '"Ünit"', '"a""b"'];
const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='];

/** A statement of the classes that the grammar has; none changes what later names mean. */
export function statementOf(random: Random): readonly SqlPart[] {
  return new Writer(random).statement();
}

/** A statement whose literals are values only: SELECT, INSERT, UPDATE, DELETE or MERGE. */
export function valueStatementOf(random: Random): readonly SqlPart[] {
  return new Writer(random).valueStatement();
}

/** A query that ordinary parsers read: no quoted names, no forms that only Snowflake has. */
export function plainQueryOf(random: Random): readonly SqlPart[] {
  const writer = new Writer(random, true);
  writer.query(2);
  return writer.parts;
}

class Writer {
  readonly parts: SqlPart[] = [];
  readonly #random: Random;
  readonly #isPlain: boolean;
  #aliases = 0;

  constructor(random: Random, isPlain: boolean = false) {
    this.#random = random;
    this.#isPlain = isPlain;
  }

  statement(): readonly SqlPart[] {
    switch (Math.floor(this.#random() * 10)) {
      case 0:
        this.#words('create or replace table').#table().#words('as');
        this.query(1);
        return this.parts;
      case 1:
        this.#words('truncate table').#table();
        return this.parts;
      case 2:
        this.#words('copy into').#table().#words('from').#add('word', '@stage/path');
        return this.parts;
      case 3:
        this.#words(
          pick(this.#random, ['show tables', 'commit', 'set v = 1', 'grant role a to user b']),
        );
        return this.parts;
      case 4:
        this.#words('call p').#op('(').#literal().#op(')');
        return this.parts;
      default:
        return this.valueStatement();
    }
  }

  valueStatement(): readonly SqlPart[] {
    switch (Math.floor(this.#random() * 8)) {
      case 0:
        this.#words('insert into').#table().#op('(').#column().#op(',').#column().#op(')');
        this.#words('values').#op('(').#literal().#op(',').#literal().#op(')');
        return this.parts;
      case 1:
        this.#words('insert into').#table();
        this.query(1);
        return this.parts;
      case 2:
        this.#words('update').#table().#words('set').#column().#op('=').#literal().#words('where');
        this.#condition(1);
        return this.parts;
      case 3:
        this.#words('delete from').#table().#words('where');
        this.#condition(1);
        return this.parts;
      case 4:
        this.#merge();
        return this.parts;
      default:
        this.query(2);
        return this.parts;
    }
  }

  query(depth: number): void {
    if (depth > 1 && this.#random() < 0.25) {
      this.#words('with recent as').#op('(');
      this.#select(depth - 1, []);
      this.#op(')');
      this.#select(depth, ['recent']);
    } else this.#select(depth, []);
    if (this.#random() < 0.15) {
      this.#words(pick(this.#random, ['union all', 'union', 'intersect']));
      this.#select(depth - 1, []);
    }
    if (this.#random() < 0.2) this.#words('limit').#literal('7');
  }

  #select(depth: number, ctes: readonly string[]): void {
    this.#words('select').#expression(depth);
    while (this.#random() < 0.5) this.#op(',').#expression(depth);
    this.#words('from').#source(depth, ctes);
    while (this.#random() < 0.4) {
      this.#words(pick(this.#random, ['join', 'left join', 'inner join'])).#source(depth, ctes);
      this.#words('on').#column().#comparison().#column();
    }
    if (this.#random() < 0.7) {
      this.#words('where');
      this.#condition(depth);
    }
    if (this.#random() < 0.3) this.#words('group by').#column();
    if (!this.#isPlain && this.#random() < 0.1)
      this.#words('qualify row_number')
        .#op('(')
        .#op(')')
        .#words('over')
        .#op('(')
        .#words('order by')
        .#column()
        .#op(')')
        .#op('=')
        .#literal('1');
  }

  #source(depth: number, ctes: readonly string[]): this {
    this.#aliases += 1;
    if (ctes.length > 0 && this.#random() < 0.6) this.#words(pick(this.#random, ctes));
    else if (depth > 0 && this.#random() < 0.2) {
      this.#op('(');
      this.#select(depth - 1, []);
      this.#op(')');
    } else this.#table();
    return this.#words(`as s${this.#aliases}`);
  }

  #expression(depth: number): this {
    switch (Math.floor(this.#random() * 8)) {
      case 0:
        return this.#literal();
      case 1:
        return this.#words(pick(this.#random, ['sum', 'max', 'upper', 'abs']))
          .#op('(')
          .#column()
          .#op(')');
      case 2:
        return this.#column()
          .#op(pick(this.#random, ['+', '-', '*', '||']))
          .#literal();
      case 3:
        if (depth < 1) return this.#column();
        this.#words('case when');
        this.#condition(depth - 1);
        return this.#words('then').#literal().#words('else').#column().#words('end');
      case 4:
        return this.#isPlain ? this.#column() : this.#add('quoted', pick(this.#random, QUOTED));
      default:
        return this.#column();
    }
  }

  #condition(depth: number): void {
    switch (Math.floor(this.#random() * 6)) {
      case 0:
        this.#column().#words('in').#add('list', '(1)');
        break;
      case 1:
        this.#column().#words('between').#literal().#words('and').#literal();
        break;
      case 2:
        if (depth > 0) {
          this.#words('exists').#op('(');
          this.#select(depth - 1, []);
          this.#op(')');
        } else this.#column().#words('is not null');
        break;
      default:
        this.#column().#comparison().#literal();
    }
    if (this.#random() < 0.3) {
      this.#words(pick(this.#random, ['and', 'or']));
      this.#condition(depth);
    }
  }

  #merge(): void {
    this.#words('merge into').#table().#words('as a using').#table().#words('as b on').#column();
    this.#comparison().#column().#words('when matched then update set').#column().#op('=');
    this.#literal().#words('when not matched then insert').#op('(').#column().#op(')');
    this.#words('values').#op('(').#literal().#op(')');
  }

  #words(text: string): this {
    for (const word of text.split(' ')) this.#add(/^\w/.test(word) ? 'word' : 'operator', word);
    return this;
  }

  #table(): this {
    return this.#dotted(
      'table',
      pick(
        this.#random,
        this.#isPlain ? ['orders', 'db.sales.items', 'raw.events', 'prices'] : TABLES,
      ),
    );
  }

  #column(): this {
    return this.#add('column', pick(this.#random, COLUMNS));
  }

  #dotted(kind: 'table', text: string): this {
    for (const [, name = '', dot] of text.matchAll(/(\w+)|(\.)/g))
      this.#add(dot === undefined ? kind : 'operator', dot ?? name);
    return this;
  }

  #comparison(): this {
    return this.#add('comparison', pick(this.#random, COMPARISONS));
  }

  #op(text: string): this {
    return this.#add('operator', text);
  }

  #literal(text: string = pick(this.#random, ['1', "'x'", '2.5', "'2024-01-01'"])): this {
    return this.#add('literal', text);
  }

  #add(kind: SqlPart['kind'], text: string): this {
    this.parts.push({ kind, text });
    return this;
  }
}

/** The statement as one would write it. */
export function writtenPlainly(parts: readonly SqlPart[]): string {
  let out = '';
  for (const { text } of parts) {
    const isTight = out === '' || /[(.]$/.test(out) || /^[).,]/.test(text);
    out += isTight ? text : ` ${text}`;
  }
  return out;
}

const GAPS = [
  ' ',
  '\n',
  '\t',
  '  ',
  ' /* x */ ',
  " /* 'it''s' ( */ ",
  ' -- ; "y\n',
  ' // z\r\n',
  '\r',
];
const LITERALS = [
  '0',
  '17',
  '1e9',
  '.5',
  "''",
  "'it''s'",
  "'a\\'b'",
  '$$body; select$$',
  "'-- no'",
  '- 3',
];

/** The statement in other white space, comments, letter case, literals and lengths of lists; it means the same shape. */
export function writtenAnew(parts: readonly SqlPart[], random: Random): string {
  const cased = (text: string): string =>
    text.replaceAll(/[a-z]/g, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter));
  const written = ({ kind, text }: SqlPart, before: string): string => {
    switch (kind) {
      case 'word':
      case 'table':
      case 'column':
        return text.startsWith('@') ? text : cased(text);
      case 'literal':
        // A sign after a value would be an operator.
        return pick(
          random,
          /^(?:[=<>(,]|<=|>=|<>)$/.test(before) ? LITERALS : LITERALS.slice(0, -1),
        );
      case 'list':
        return `(${Array.from({ length: 1 + Math.floor(random() * 20) }, () => pick(random, LITERALS)).join(', ')})`;
      case 'quoted':
      case 'operator':
      case 'comparison':
        return text;
    }
  };
  return parts
    .map((part, index) => written(part, parts[index - 1]?.text ?? '') + pick(random, GAPS))
    .join('');
}

/** The statement with one table, column, comparison or quoted name changed; undefined when it has none of that kind. */
export function changed(
  parts: readonly SqlPart[],
  kind: 'table' | 'column' | 'comparison' | 'quoted',
  random: Random,
): readonly SqlPart[] | undefined {
  const places = parts.flatMap((part, index) => (part.kind === kind ? [index] : []));
  if (places.length === 0) return undefined;
  const place = pick(random, places);
  const other = (text: string): string => {
    if (kind === 'comparison')
      return pick(
        random,
        COMPARISONS.filter((one) => one !== text),
      );
    if (kind !== 'quoted') return `${text}_2`;
    const upper = text.toUpperCase();
    return upper === text ? text.toLowerCase() : upper;
  };
  return parts.map((part, index) =>
    index === place ? { kind: part.kind, text: other(part.text) } : part,
  );
}
