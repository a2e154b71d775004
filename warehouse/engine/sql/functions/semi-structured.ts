/** Functions of VARIANT, OBJECT and ARRAY, whose values are JSON in DuckDB (see scalars/variant.ts). */
import { StatementFailed, unsupported } from '../../failures.js';
import { isSymbol, isWord } from '../pieces.js';
import { duckType, isTypeName } from '../types.js';
import { aggregateEnd } from './call-site.js';
import { isVariant, ofTexts, ofVariants, wrapped } from './arguments.js';
import { taking } from './arity.js';
import type { CallSite } from './call-site.js';
import type { CallRewriting, FunctionFamily } from './family.js';

const IS_VARIANT = `typeof(x) IN ('JSON', 'ARRAY', 'OBJECT', '"NULL"')`;
const noVariant = (name: string): string =>
  `error(concat('TGFAIL:001044:42P13:SQL compilation error: Invalid argument types for function ''${name}'': (', typeof(x), '):TGEND'))`;

const variants = (min: number, max: number, name: string, ...indexes: number[]): CallRewriting =>
  taking(min, max, ofVariants(name, ...indexes));
const plain = (min: number, max: number, name: string): CallRewriting =>
  taking(min, max, (call) => call.rename(name));
const MANY = 16_384;

/** AS_… and IS_…: the value if the VARIANT holds that type, and whether it does. */
const KINDS: Readonly<Record<string, { readonly types: string; readonly sql: string }>> = {
  BOOLEAN: { types: `'BOOLEAN'`, sql: 'BOOLEAN' },
  INTEGER: { types: `'INTEGER'`, sql: 'DECIMAL(38,0)' },
  DOUBLE: { types: `'INTEGER', 'DECIMAL', 'DOUBLE'`, sql: 'DOUBLE' },
  REAL: { types: `'INTEGER', 'DECIMAL', 'DOUBLE'`, sql: 'DOUBLE' },
  VARCHAR: { types: `'VARCHAR'`, sql: 'VARCHAR' },
  CHAR: { types: `'VARCHAR'`, sql: 'VARCHAR' },
  DATE: { types: `'DATE'`, sql: 'DATE' },
  TIME: { types: `'TIME'`, sql: 'TIME' },
  TIMESTAMP_NTZ: { types: `'TIMESTAMP_NTZ'`, sql: 'TIMESTAMP' },
  TIMESTAMP_LTZ: { types: `'TIMESTAMP_LTZ'`, sql: 'TIMESTAMPTZ' },
};

function kindMacros(): readonly string[] {
  return [
    ...Object.entries(KINDS).flatMap(([name, { types, sql }]) => [
      `CREATE MACRO tg_variant_as_${name}(x) AS CASE WHEN tg_typeof(x) IN (${types}) THEN CAST(tg_variant_text(x) AS ${sql}) END`,
      `CREATE MACRO tg_is_${name}(x) AS tg_typeof(x) IN (${types})`,
    ]),
    ...['ARRAY', 'OBJECT', 'BINARY', 'TIMESTAMP_TZ'].map(
      (name) => `CREATE MACRO tg_is_${name}(x) AS tg_typeof(x) = '${name}'`,
    ),
    `CREATE MACRO tg_is_DECIMAL(x) AS tg_typeof(x) IN ('INTEGER', 'DECIMAL')`,
  ];
}

function kindRewritings(): Readonly<Record<string, CallRewriting>> {
  const named = (prefix: string, names: readonly string[]): [string, CallRewriting][] =>
    names.map((name) => [
      `${prefix}_${name}`,
      plain(1, 1, prefix === 'AS' ? `TG_VARIANT_AS_${name}` : `TG_${prefix}_${name}`),
    ]);
  return Object.fromEntries([
    ...named('AS', Object.keys(KINDS)),
    ['AS_ARRAY', variants(1, 1, 'TG_AS_ARRAY')],
    ['AS_OBJECT', variants(1, 1, 'TG_AS_OBJECT')],
    ...named('IS', [
      ...Object.keys(KINDS).filter((name) => name !== 'REAL'),
      'ARRAY',
      'OBJECT',
      'BINARY',
      'TIMESTAMP_TZ',
      'DECIMAL',
    ]),
  ]);
}

export const SEMI_STRUCTURED: FunctionFamily = {
  same: [],
  renamed: { TG_SORT_KEY: 'TG_SORT_KEY' },
  rewritten: {
    ...kindRewritings(),
    TG_PATH: plain(2, 2, 'TG_VARIANT_PATH'),
    TG_AT: plain(2, 2, 'TG_VARIANT_AT'),
    GET: plain(2, 2, 'TG_VARIANT_AT'),
    GET_PATH: plain(2, 2, 'TG_VARIANT_PATH'),
    GET_IGNORE_CASE: taking(2, 2, ofTexts('TG_GET_IGNORE_CASE', 1)),
    TO_VARIANT: variants(1, 1, 'TG_VARIANT_ITSELF'),
    TO_ARRAY: variants(1, 1, 'TG_TO_ARRAY'),
    TO_OBJECT: variants(1, 1, 'TG_TO_OBJECT'),
    TO_JSON: variants(1, 1, 'TG_JSON_TEXT'),
    PARSE_JSON: taking(1, 1, ofTexts('TG_PARSE_JSON')),
    TRY_PARSE_JSON: taking(1, 1, ofTexts('TG_TRY_PARSE_JSON')),
    CHECK_JSON: taking(1, 1, ofTexts('TG_CHECK_JSON')),
    TYPEOF: variants(1, 1, 'TG_TYPEOF'),
    IS_NULL_VALUE: plain(1, 1, 'TG_IS_NULL_VALUE'),
    STRIP_NULL_VALUE: plain(1, 1, 'TG_STRIP_NULL_VALUE'),
    OBJECT_CONSTRUCT: (call) => construct(call, 'TG_OBJECT_CONSTRUCT'),
    OBJECT_CONSTRUCT_KEEP_NULL: (call) => construct(call, 'TG_OBJECT_CONSTRUCT_KEEP_NULL'),
    OBJECT_INSERT: taking(3, 4, (call) =>
      wrapped(
        call,
        'TG_OBJECT_INSERT',
        (index) =>
          index === 1
            ? 'TG_CHARS'
            : index === 2 && !isVariant(call, 2)
              ? 'TG_TO_VARIANT'
              : undefined,
        call.args.length === 3 ? ', FALSE' : '',
      ),
    ),
    OBJECT_DELETE: plain(2, MANY, 'TG_OBJECT_DELETE'),
    OBJECT_PICK: plain(2, MANY, 'TG_OBJECT_PICK'),
    OBJECT_KEYS: plain(1, 1, 'TG_OBJECT_KEYS'),
    ARRAY_CONSTRUCT: variants(0, MANY, 'TG_ARRAY_CONSTRUCT'),
    ARRAY_CONSTRUCT_COMPACT: variants(0, MANY, 'TG_ARRAY_CONSTRUCT_COMPACT'),
    ARRAY_APPEND: variants(2, 2, 'TG_ARRAY_APPEND', 1),
    ARRAY_PREPEND: variants(2, 2, 'TG_ARRAY_PREPEND', 1),
    ARRAY_CAT: plain(2, 2, 'TG_ARRAY_CAT'),
    ARRAY_COMPACT: plain(1, 1, 'TG_ARRAY_COMPACT'),
    ARRAY_CONTAINS: variants(2, 2, 'TG_ARRAY_CONTAINS', 0),
    ARRAY_DISTINCT: plain(1, 1, 'TG_ARRAY_DISTINCT'),
    ARRAY_EXCEPT: plain(2, 2, 'TG_ARRAY_EXCEPT'),
    ARRAY_FLATTEN: plain(1, 1, 'TG_ARRAY_FLATTEN'),
    ARRAY_INSERT: variants(3, 3, 'TG_ARRAY_INSERT', 2),
    ARRAY_INTERSECTION: plain(2, 2, 'TG_ARRAY_INTERSECTION'),
    ARRAY_MAX: plain(1, 1, 'TG_ARRAY_MAX'),
    ARRAY_MIN: plain(1, 1, 'TG_ARRAY_MIN'),
    ARRAY_POSITION: variants(2, 2, 'TG_ARRAY_POSITION', 0),
    ARRAY_REMOVE: variants(2, 2, 'TG_ARRAY_REMOVE', 1),
    ARRAY_REMOVE_AT: plain(2, 2, 'TG_ARRAY_REMOVE_AT'),
    ARRAY_REVERSE: plain(1, 1, 'TG_ARRAY_REVERSE'),
    ARRAY_SIZE: plain(1, 1, 'TG_ARRAY_SIZE'),
    ARRAY_SLICE: plain(3, 3, 'TG_ARRAY_SLICE'),
    ARRAY_SORT: plain(1, 3, 'TG_ARRAY_SORTED'),
    ARRAY_TO_STRING: taking(2, 2, ofTexts('TG_ARRAY_TO_STRING', 1)),
    ARRAY_GENERATE_RANGE: plain(2, 3, 'TG_ARRAY_RANGE'),
    ARRAYS_OVERLAP: plain(2, 2, 'TG_ARRAYS_OVERLAP'),
    ARRAYS_TO_OBJECT: plain(2, 2, 'TG_ARRAYS_TO_OBJECT'),
    ARRAYS_ZIP: plain(1, MANY, 'TG_ARRAYS_ZIP'),
    TRANSFORM: taking(2, 2, (call) => lambda(call, 'LIST_TRANSFORM')),
    FILTER: taking(2, 2, (call) => lambda(call, 'LIST_FILTER')),
    ARRAY_AGG: gathered,
    ARRAY_UNIQUE_AGG: taking(1, 1, (call) => {
      call.head = 'TG_ARRAY_DISTINCT(TG_ARRAY_GATHERED(LIST(TG_TO_VARIANT';
      call.closeWith('))))');
    }),
    OBJECT_AGG: objectAgg,
  },
  macros: [
    `CREATE MACRO tg_to_variant(x) AS CASE WHEN typeof(x) IN ('JSON', 'ARRAY', 'OBJECT') THEN tg_variant_kept(x::VARCHAR) ELSE tg_variant_of(x) END`,
    `CREATE MACRO tg_variant_itself(x) AS tg_variant_kept(x::VARCHAR)`,
    `CREATE MACRO tg_variant_path(x, p) AS CASE WHEN ${IS_VARIANT} THEN tg_get_path(x::VARCHAR, p) ELSE ${noVariant('GET_PATH')} END`,
    `CREATE MACRO tg_variant_at(x, k) AS CASE WHEN ${IS_VARIANT} THEN tg_get_of(x::VARCHAR, tg_text(k), CASE WHEN typeof(k) = 'JSON' THEN 'BIGINT' ELSE typeof(k) END) ELSE ${noVariant('GET')} END`,
    `CREATE MACRO tg_array_sorted(x) AS tg_array_sort(x, TRUE, FALSE), (x, a) AS tg_array_sort(x, a, NOT a), (x, a, n) AS tg_array_sort(x, a, n)`,
    `CREATE MACRO tg_array_range(a, b) AS tg_array_generate_range(a::BIGINT, b::BIGINT, 1), (a, b, s) AS tg_array_generate_range(a::BIGINT, b::BIGINT, s::BIGINT)`,
    `CREATE MACRO tg_list_array(l) AS tg_array_gathered(list_transform(l, lambda e: tg_to_variant(e)))`,
    `CREATE MACRO tg_list_itself(l) AS tg_array_of_list(list_transform(l, lambda e: tg_to_variant(e)))`,
    `CREATE MACRO tg_sort_key(x) AS CASE WHEN ${IS_VARIANT} THEN tg_sort_key_of(x::VARCHAR) ELSE error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: ORDER BY a column that shares its name with a VARIANT:TGEND') END`,
    `CREATE MACRO tg_items(x) AS list_transform(tg_list_of_array(x::VARCHAR), lambda e: tg_variant_kept(e))`,
    ...kindMacros(),
    `CREATE MACRO tg_flatten(j, p, o, r, m) AS TABLE
       SELECT 1::BIGINT AS SEQ, r.key AS KEY, r.path AS PATH, r.index AS INDEX, r.value AS VALUE, r.of AS THIS
       FROM (SELECT unnest(tg_flatten_rows(j::VARCHAR, p, o, r, m)) AS r)`,
    `CREATE MACRO tg_split_to_table(x, d) AS TABLE
       SELECT 1::BIGINT AS SEQ, i AS INDEX, v AS VALUE
       FROM (SELECT generate_subscripts(l, 1) AS i, unnest(l) AS v FROM (SELECT CASE WHEN d = '' THEN [x] ELSE string_split(x, d) END AS l))`,
    `CREATE MACRO tg_strtok_split_to_table(x, d) AS TABLE
       SELECT 1::BIGINT AS SEQ, i AS INDEX, v AS VALUE
       FROM (SELECT generate_subscripts(l, 1) AS i, unnest(l) AS v
             FROM (SELECT list_transform(tg_list_of_array(tg_strtok_to_array_of(x, d)), lambda e: tg_variant_text(e)) AS l))`,
  ],
};

/** Pairs of key and value; `OBJECT_CONSTRUCT(*)` is refused. */
function construct(call: CallSite, name: string): void {
  const [only] = call.args;
  if (call.args.length === 1 && only !== undefined && isSymbol(call.pieces, only[1] - 1, '*'))
    throw new StatementFailed(unsupported('OBJECT_CONSTRUCT(*)'));
  if (call.args.length % 2 === 1)
    throw new StatementFailed(unsupported('OBJECT_CONSTRUCT of an odd number of arguments'));
  wrapped(call, name, (index) => {
    if (index % 2 === 0) return call.single(index)?.kind === 'string' ? undefined : 'TG_CHARS';
    return isVariant(call, index) ? undefined : 'TG_TO_VARIANT';
  });
}

/** ARRAY_AGG: a list of the values in the order asked for, turned into an ARRAY around it. */
function gathered(call: CallSite): void {
  if (call.args.length !== 1) throw new StatementFailed(unsupported('ARRAY_AGG of several values'));
  const end = aggregateEnd(call);
  call.head = 'TG_LIST_ARRAY(ARRAY_AGG';
  if (end === call.close) call.closeWith('))');
  else call.replace(end, '))');
}

/** OBJECT_AGG as two lists of the same rows. */
function objectAgg(call: CallSite): void {
  const [, value] = call.args;
  if (call.args.length !== 2 || value === undefined || aggregateEnd(call) !== call.close)
    throw new StatementFailed(unsupported('this form of OBJECT_AGG'));
  call.head = 'TG_OBJECT_OF(LIST(TG_CHARS';
  call.replace(value[0] - 1, ')), LIST(TG_TO_VARIANT(');
  call.closeWith(')))');
}

/** `TRANSFORM(array, x -> …)`: over a list of VARIANTs; an argument with a type is cast to it where it is read. */
function lambda(call: CallSite, inner: string): void {
  const [from, to] = call.args[1] ?? [-1, -1];
  const name = call.pieces[from];
  const hasType = isTypeName(call.pieces[from + 1]?.value ?? '');
  const type = hasType ? duckType(call.pieces, from + 1) : { sql: 'JSON', to: from + 1 };
  if (name?.kind !== 'word' || !isSymbol(call.pieces, type.to, '->'))
    throw new StatementFailed(unsupported(`this lambda expression of ${call.name}`));
  for (let at = from + 1; at < type.to; at += 1) call.replace(at, '');
  if (type.sql !== 'JSON') {
    const cast =
      type.sql === 'VARCHAR'
        ? `TG_TEXT(${name.text})`
        : `CAST(TG_TEXT(${name.text}) AS ${type.sql})`;
    for (let at = type.to + 1; at < to; at += 1) {
      const isRead = isWord(call.pieces, at, name.value) && !isSymbol(call.pieces, at - 1, '.');
      if (isRead) call.replace(at, cast);
    }
  }
  call.head = `TG_LIST_ITSELF(${inner}(TG_ITEMS`;
  call.replace(from - 1, '),');
  call.closeWith('))');
}
