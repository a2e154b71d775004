/**
 * Arguments that Snowflake converts by itself: to a text where a function wants one, to a VARIANT where it takes any
 * value. The conversion is written around the argument unless its own text shows that it is not needed.
 */
import { closing, isSymbol, isWord } from '../pieces.js';
import type { CallSite } from './call-site.js';
import type { CallRewriting } from './family.js';

const TEXT_TYPES: ReadonlySet<string> = new Set(['VARCHAR', 'STRING', 'TEXT', 'CHAR']);

/** Functions whose answer is a text whatever they get. */
const TEXT_RESULTS: ReadonlySet<string> = new Set(
  `UPPER LOWER TRIM LTRIM RTRIM LPAD RPAD LEFT RIGHT SUBSTR SUBSTRING REPLACE REVERSE REPEAT SPACE CONCAT CONCAT_WS
   INITCAP TRANSLATE SPLIT_PART STRTOK REGEXP_REPLACE REGEXP_SUBSTR MD5 MD5_HEX SHA1 SHA1_HEX SHA2 SHA2_HEX TO_CHAR
   TO_VARCHAR TO_JSON CHR CHAR SOUNDEX HEX_ENCODE BASE64_ENCODE LISTAGG ARRAY_TO_STRING TYPEOF UUID_STRING`.split(
    /\s+/,
  ),
);

/** Functions whose answer is a VARIANT, OBJECT or ARRAY. */
export const VARIANT_RESULTS: ReadonlySet<string> = new Set(
  `PARSE_JSON TRY_PARSE_JSON TO_VARIANT GET GET_PATH GET_IGNORE_CASE TG_PATH TG_AT TO_ARRAY TO_OBJECT
   OBJECT_CONSTRUCT OBJECT_CONSTRUCT_KEEP_NULL OBJECT_INSERT OBJECT_DELETE OBJECT_PICK OBJECT_KEYS OBJECT_AGG
   ARRAY_CONSTRUCT ARRAY_CONSTRUCT_COMPACT ARRAY_AGG ARRAY_APPEND ARRAY_PREPEND ARRAY_CAT ARRAY_COMPACT ARRAY_DISTINCT
   ARRAY_EXCEPT ARRAY_FLATTEN ARRAY_INSERT ARRAY_INTERSECTION ARRAY_REMOVE ARRAY_REMOVE_AT ARRAY_SLICE ARRAY_SORT
   ARRAY_UNIQUE_AGG ARRAY_GENERATE_RANGE ARRAY_MAX ARRAY_MIN ARRAY_REVERSE ARRAYS_TO_OBJECT ARRAYS_ZIP SPLIT
   STRTOK_TO_ARRAY AS_ARRAY AS_OBJECT REGEXP_SUBSTR_ALL REGEXP_EXTRACT_ALL TRANSFORM FILTER STRIP_NULL_VALUE
   PARSE_URL`.split(/\s+/),
);

/** Whether argument `index` is one call of a function in `names` and nothing else. */
function isCallOf(call: CallSite, index: number, names: ReadonlySet<string>): boolean {
  const [from = 0, to = 0] = call.args[index] ?? [];
  const head = call.pieces[from];
  return (
    head?.kind === 'word' &&
    names.has(head.value) &&
    isSymbol(call.pieces, from + 1, '(') &&
    closing(call.pieces, from + 1) === to - 1
  );
}

/** Whether argument `index` is a text by its own text. */
export function isText(call: CallSite, index: number): boolean {
  if (call.single(index)?.kind === 'string') return true;
  const [from = 0, to = 0] = call.args[index] ?? [];
  const last = call.pieces[to - 1];
  // `a || b::text` has more in front of the cast, which is of `b` alone.
  const isCast =
    last?.kind === 'word' && TEXT_TYPES.has(last.value) && isSymbol(call.pieces, to - 2, '::');
  if (isCast) {
    for (let at = from; at < to - 2; at += 1)
      if (isSymbol(call.pieces, at, '(')) at = closing(call.pieces, at);
      else if (call.pieces[at]?.kind === 'symbol' && !'.:'.includes(call.pieces[at]?.value ?? ''))
        return false;
    return true;
  }
  return isCallOf(call, index, TEXT_RESULTS);
}

/** Whether argument `index` is a VARIANT by its text. */
export function isVariant(call: CallSite, index: number): boolean {
  return isCallOf(call, index, VARIANT_RESULTS);
}

/**
 * Writes the call as `name` with conversions around arguments: `wraps` gives the function for an index, or undefined.
 * A leading DISTINCT stays outside. `append` is more text before the closing bracket, such as `, 1`, `after` behind it.
 */
export function wrapped(
  call: CallSite,
  name: string,
  wraps: (index: number) => string | undefined,
  append = '',
  after = '',
): void {
  let head = name;
  let suffix = '';
  call.args.forEach(([from], index) => {
    const wrap = wraps(index);
    const isDistinct = index === 0 && isWord(call.pieces, from, 'DISTINCT');
    if (index > 0) call.replace(from - 1, `${suffix},${wrap === undefined ? '' : ` ${wrap}(`}`);
    else if (wrap !== undefined && isDistinct) call.replace(from, `DISTINCT ${wrap}(`);
    else if (wrap !== undefined) head = `${name}(${wrap}`;
    suffix = wrap === undefined ? '' : ')';
  });
  // With a wrapped first argument the bracket that opens is the conversion's, and the call's own stands in the head.
  call.head = head;
  call.closeWith(`${suffix}${append})${after}`);
}

/** Arguments at `indexes`, all of them when empty, as texts. Bytes are refused, as they would be read as digits. */
export function ofTexts(name: string, ...indexes: readonly number[]): CallRewriting {
  return (call) =>
    wrapped(call, name, (index) =>
      (indexes.length === 0 || indexes.includes(index)) && !isText(call, index)
        ? 'TG_CHARS'
        : undefined,
    );
}

/** Arguments at `indexes`, all of them when empty, as VARIANTs. */
export function ofVariants(name: string, ...indexes: readonly number[]): CallRewriting {
  return (call) =>
    wrapped(call, name, (index) =>
      (indexes.length === 0 || indexes.includes(index)) && !isVariant(call, index)
        ? 'TG_TO_VARIANT'
        : undefined,
    );
}
