/** Functions of texts and bytes, and what a value is as a text ("String & binary functions"). */
import { StatementFailed, unsupported } from '../../failures.js';
import { isWord } from '../pieces.js';
import { isText, ofTexts, wrapped } from './arguments.js';
import { taking } from './arity.js';
import type { CallSite } from './call-site.js';
import type { CallRewriting, FunctionFamily } from './family.js';

/** TIMESTAMP texts have three digits of a second unless a format says otherwise. */
const TIME_TEXT = `strftime(TRY_CAST(x::VARCHAR AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')`;
const NO_BYTES = `error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: this function of BINARY:TGEND')`;
const BYTES = `x::VARCHAR::BLOB`;
const unsupportedIf = (what: string): string =>
  `error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: ${what}:TGEND')`;

/** A function of fixed arguments, those at `texts` converted to text. */
const texts = (min: number, max: number, name: string, ...indexes: number[]): CallRewriting =>
  taking(min, max, ofTexts(name, ...indexes));

export const TEXTS: FunctionFamily = {
  same: [],
  renamed: {
    TG_TEXT: 'TG_TEXT',
    RANDSTR: 'TG_RANDSTR',
  },
  rewritten: {
    UPPER: texts(1, 1, 'UPPER'),
    LOWER: texts(1, 1, 'LOWER'),
    INITCAP: texts(1, 2, 'TG_INITCAP'),
    LENGTH: taking(1, 1, (call) => call.rename('TG_LENGTH')),
    LEN: taking(1, 1, (call) => call.rename('TG_LENGTH')),
    OCTET_LENGTH: taking(1, 1, (call) => call.rename('TG_OCTET_LENGTH')),
    BIT_LENGTH: taking(1, 1, (call) => call.rename('TG_BIT_LENGTH')),
    TRIM: texts(1, 2, 'TG_TRIM'),
    LTRIM: texts(1, 2, 'TG_LTRIM'),
    RTRIM: texts(1, 2, 'TG_RTRIM'),
    LPAD: texts(2, 3, 'TG_LPAD', 0, 2),
    RPAD: texts(2, 3, 'TG_RPAD', 0, 2),
    LEFT: texts(2, 2, 'TG_LEFT', 0),
    RIGHT: texts(2, 2, 'TG_RIGHT', 0),
    SUBSTR: texts(2, 3, 'TG_SUBSTR', 0),
    SUBSTRING: texts(2, 3, 'TG_SUBSTR', 0),
    MID: texts(2, 3, 'TG_SUBSTR', 0),
    REPLACE: texts(2, 3, 'TG_REPLACE'),
    REVERSE: texts(1, 1, 'TG_REVERSE'),
    REPEAT: texts(2, 2, 'TG_REPEAT', 0),
    SPACE: taking(1, 1, (call) => call.rename('TG_SPACE')),
    INSERT: texts(4, 4, 'TG_INSERT', 0, 3),
    CONCAT: concat,
    CONCAT_WS: concatWs,
    POSITION: position,
    CHARINDEX: texts(2, 3, 'TG_POSITION', 0, 1),
    ASCII: texts(1, 1, 'TG_ASCII'),
    UNICODE: texts(1, 1, 'TG_UNICODE'),
    CHR: taking(1, 1, (call) => call.rename('TG_CHR')),
    CHAR: taking(1, 1, (call) => call.rename('TG_CHR')),
    TRANSLATE: texts(3, 3, 'TG_TRANSLATE'),
    SPLIT: texts(2, 2, 'TG_SPLIT'),
    SPLIT_PART: texts(3, 3, 'TG_SPLIT_PART', 0, 1),
    STRTOK: texts(1, 3, 'TG_STRTOK', 0, 1),
    STRTOK_TO_ARRAY: texts(1, 2, 'TG_STRTOK_TO_ARRAY'),
    STARTSWITH: texts(2, 2, 'TG_STARTSWITH'),
    ENDSWITH: texts(2, 2, 'TG_ENDSWITH'),
    CONTAINS: texts(2, 2, 'TG_CONTAINS'),
    EDITDISTANCE: texts(2, 3, 'TG_EDIT_DISTANCE', 0, 1),
    JAROWINKLER_SIMILARITY: texts(2, 2, 'TG_JAROWINKLER'),
    SOUNDEX: texts(1, 1, 'TG_SOUNDEX'),
    PARSE_URL: texts(1, 2, 'TG_PARSE_URL', 0),
    REGEXP_LIKE: texts(2, 3, 'TG_REGEXP_LIKE'),
    RLIKE: texts(2, 3, 'TG_REGEXP_LIKE'),
    REGEXP: texts(2, 3, 'TG_REGEXP_LIKE'),
    REGEXP_COUNT: texts(2, 4, 'TG_REGEXP_COUNT', 0, 1, 3),
    REGEXP_SUBSTR: texts(2, 6, 'TG_REGEXP_SUBSTR', 0, 1, 4),
    REGEXP_SUBSTR_ALL: texts(2, 6, 'TG_REGEXP_SUBSTR_ALL', 0, 1, 4),
    REGEXP_EXTRACT_ALL: texts(2, 6, 'TG_REGEXP_SUBSTR_ALL', 0, 1, 4),
    REGEXP_INSTR: texts(2, 7, 'TG_REGEXP_INSTR', 0, 1, 5),
    REGEXP_REPLACE: texts(2, 6, 'TG_REGEXP_REPLACE', 0, 1, 2, 5),
    UUID_STRING: uuid,
  },
  macros: [
    `CREATE MACRO tg_text(x) AS CASE WHEN typeof(x) IN ('JSON', 'ARRAY', 'OBJECT') THEN tg_variant_text(x::VARCHAR)
       WHEN typeof(x) = 'DOUBLE' THEN regexp_replace(x::VARCHAR, '\\.0$', '')
       WHEN typeof(x) = 'TIMESTAMP' THEN ${TIME_TEXT}
       WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN concat(${TIME_TEXT}, ' Z')
       WHEN typeof(x) = 'BLOB' THEN hex(x::VARCHAR::BLOB) ELSE x::VARCHAR END`,
    `CREATE MACRO tg_chars(x) AS CASE WHEN typeof(x) = 'BLOB' THEN ${NO_BYTES} ELSE tg_text(x) END`,
    `CREATE MACRO tg_length(x) AS CASE WHEN typeof(x) = 'BLOB' THEN octet_length(${BYTES}) ELSE length(tg_text(x)) END`,
    `CREATE MACRO tg_octet_length(x) AS CASE WHEN typeof(x) = 'BLOB' THEN octet_length(${BYTES}) ELSE strlen(tg_text(x)) END`,
    `CREATE MACRO tg_bit_length(x) AS 8 * tg_octet_length(x)`,
    `CREATE MACRO tg_initcap(x) AS tg_initcap_of(x, ' \t\n\f\r\v!?@"^#$&~_,.:;+-*%/|\\[](){}<>'), (x, d) AS tg_initcap_of(x, d)`,
    `CREATE MACRO tg_trim(x) AS trim(x, ' '), (x, c) AS CASE WHEN c = '' THEN x ELSE trim(x, c) END`,
    `CREATE MACRO tg_ltrim(x) AS ltrim(x, ' '), (x, c) AS CASE WHEN c = '' THEN x ELSE ltrim(x, c) END`,
    `CREATE MACRO tg_rtrim(x) AS rtrim(x, ' '), (x, c) AS CASE WHEN c = '' THEN x ELSE rtrim(x, c) END`,
    ...['lpad', 'rpad'].map(
      (name) =>
        `CREATE MACRO tg_${name}(x, n) AS ${name}(x, greatest(n, 0)::INTEGER, ' '),
           (x, n, p) AS CASE WHEN p = '' THEN left(x, greatest(n, 0)) ELSE ${name}(x, greatest(n, 0)::INTEGER, p) END`,
    ),
    `CREATE MACRO tg_left(x, n) AS CASE WHEN n < 0 THEN '' ELSE left(x, n::BIGINT) END`,
    `CREATE MACRO tg_right(x, n) AS CASE WHEN n < 0 THEN '' ELSE right(x, n::BIGINT) END`,
    `CREATE MACRO tg_substr_from(x, n) AS CASE WHEN n = 0 OR n < -length(x) THEN ${unsupportedIf('SUBSTR from before the start of a text')} ELSE n::BIGINT END`,
    `CREATE MACRO tg_substr(x, n) AS substr(x, tg_substr_from(x, n)),
       (x, n, l) AS CASE WHEN l <= 0 AND x IS NOT NULL AND n IS NOT NULL THEN '' ELSE substr(x, tg_substr_from(x, n), l::BIGINT) END`,
    `CREATE MACRO tg_replace(x, a) AS replace(x, a, ''), (x, a, b) AS replace(x, a, b)`,
    `CREATE MACRO tg_repeat(x, n) AS repeat(x, greatest(n, 0)::BIGINT)`,
    `CREATE MACRO tg_space(n) AS repeat(' ', greatest(n, 0)::BIGINT)`,
    `CREATE MACRO tg_insert(x, n, l, s) AS CASE WHEN n < 1 OR l < 0 OR n > length(x) + 1 THEN ${unsupportedIf('INSERT outside of a text')}
       ELSE left(x, n::BIGINT - 1) || s || substr(x, n::BIGINT + l::BIGINT) END`,
    `CREATE MACRO tg_position(a, x) AS CASE WHEN a = '' AND x IS NOT NULL THEN 1 ELSE strpos(x, a) END,
       (a, x, n) AS CASE WHEN n < 1 THEN ${unsupportedIf('a start before the text')}
         WHEN a = '' AND x IS NOT NULL THEN n::BIGINT
         WHEN strpos(substr(x, n::BIGINT), a) = 0 THEN 0 ELSE strpos(substr(x, n::BIGINT), a) + n::BIGINT - 1 END`,
    `CREATE MACRO tg_ascii(x) AS CASE WHEN x = '' THEN 0 WHEN unicode(x) > 127 THEN ${unsupportedIf('ASCII of another character')} ELSE unicode(x) END`,
    `CREATE MACRO tg_unicode(x) AS CASE WHEN x = '' THEN 0 ELSE unicode(x) END`,
    `CREATE MACRO tg_chr(n) AS CASE WHEN n < 0 OR n > 1114111 OR (n BETWEEN 55296 AND 57343)
       THEN error(concat('TGFAIL:100045:22023:Invalid character code ', n, ' in the CHR input:TGEND')) ELSE chr(n::INTEGER) END`,
    `CREATE MACRO tg_translate(x, a, b) AS translate(x, a, b)`,
    `CREATE MACRO tg_strtok(x) AS tg_strtok_of(x, ' ', 1), (x, d) AS tg_strtok_of(x, d, 1), (x, d, n) AS tg_strtok_of(x, d, n::BIGINT)`,
    `CREATE MACRO tg_strtok_to_array(x) AS tg_strtok_to_array_of(x, ' '), (x, d) AS tg_strtok_to_array_of(x, d)`,
    `CREATE MACRO tg_startswith(a, b) AS starts_with(a, b)`,
    `CREATE MACRO tg_endswith(a, b) AS ends_with(a, b)`,
    `CREATE MACRO tg_contains(a, b) AS contains(a, b)`,
    `CREATE MACRO tg_edit_distance(a, b) AS tg_editdistance(a, b, -1), (a, b, n) AS tg_editdistance(a, b, greatest(n, 0)::BIGINT)`,
    `CREATE MACRO tg_parse_url(x) AS tg_parse_url_of(x, 0), (x, n) AS tg_parse_url_of(x, n::BIGINT)`,
    `CREATE MACRO tg_regexp_like(x, p) AS tg_regexp_like_of(x, p, 'c'), (x, p, f) AS tg_regexp_like_of(x, p, f)`,
    `CREATE MACRO tg_regexp_count(x, p) AS tg_regexp_count_of(x, p, 1, 'c'), (x, p, n) AS tg_regexp_count_of(x, p, n::BIGINT, 'c'),
       (x, p, n, f) AS tg_regexp_count_of(x, p, n::BIGINT, f)`,
    ...['substr', 'substr_all'].map((name) => {
      const of = `tg_regexp_${name}_of`;
      return `CREATE MACRO tg_regexp_${name}(x, p) AS ${of}(x, p, 1, 1, 'c', -1), (x, p, n) AS ${of}(x, p, n::BIGINT, 1, 'c', -1),
         (x, p, n, o) AS ${of}(x, p, n::BIGINT, o::BIGINT, 'c', -1), (x, p, n, o, f) AS ${of}(x, p, n::BIGINT, o::BIGINT, f, -1),
         (x, p, n, o, f, g) AS ${of}(x, p, n::BIGINT, o::BIGINT, f, g::BIGINT)`;
    }),
    `CREATE MACRO tg_regexp_instr(x, p) AS tg_regexp_instr_of(x, p, 1, 1, 0, 'c', -1),
       (x, p, n) AS tg_regexp_instr_of(x, p, n::BIGINT, 1, 0, 'c', -1),
       (x, p, n, o) AS tg_regexp_instr_of(x, p, n::BIGINT, o::BIGINT, 0, 'c', -1),
       (x, p, n, o, e) AS tg_regexp_instr_of(x, p, n::BIGINT, o::BIGINT, e::BIGINT, 'c', -1),
       (x, p, n, o, e, f) AS tg_regexp_instr_of(x, p, n::BIGINT, o::BIGINT, e::BIGINT, f, -1),
       (x, p, n, o, e, f, g) AS tg_regexp_instr_of(x, p, n::BIGINT, o::BIGINT, e::BIGINT, f, g::BIGINT)`,
    `CREATE MACRO tg_regexp_replace(x, p) AS tg_regexp_replace_of(x, p, '', 1, 0, 'c'), (x, p, r) AS tg_regexp_replace_of(x, p, r, 1, 0, 'c'),
       (x, p, r, n) AS tg_regexp_replace_of(x, p, r, n::BIGINT, 0, 'c'),
       (x, p, r, n, o) AS tg_regexp_replace_of(x, p, r, n::BIGINT, o::BIGINT, 'c'),
       (x, p, r, n, o, f) AS tg_regexp_replace_of(x, p, r, n::BIGINT, o::BIGINT, f)`,
  ],
};

/** NULL if any argument is: DuckDB's CONCAT passes over NULL. BINARY is refused beside texts. */
function concat(call: CallSite): void {
  if (call.args.length === 0) throw new StatementFailed(unsupported('CONCAT of nothing'));
  const wrap = (index: number): string => (isText(call, index) ? '(' : 'TG_CHARS(');
  call.head = '';
  call.replace(call.open, `(${wrap(0)}`);
  call.args.slice(1).forEach(([from], at) => call.replace(from - 1, `) || ${wrap(at + 1)}`));
  call.closeWith('))');
}

/** CONCAT_WS is NULL if any argument is, the separator too. */
function concatWs(call: CallSite): void {
  if (call.args.length < 2)
    throw new StatementFailed(unsupported('CONCAT_WS of fewer than two arguments'));
  wrapped(call, 'TG_JOINED', () => 'TG_CHARS');
}

/** `POSITION(a, b[, start])` and `POSITION(a IN b)`. */
function position(call: CallSite): void {
  const [only] = call.args;
  if (call.args.length === 1 && only !== undefined) {
    for (let at = only[0]; at < only[1]; at += 1) {
      if (!isWord(call.pieces, at, 'IN')) continue;
      call.head = 'TG_POSITION(TG_CHARS';
      call.replace(at, '), TG_CHARS(');
      call.closeWith('))');
      return;
    }
  }
  texts(2, 3, 'TG_POSITION', 0, 1)(call);
}

/** A random UUID, or one of a name in a namespace. */
function uuid(call: CallSite): void {
  if (call.args.length === 0) call.replaceWhole('CAST(UUID() AS VARCHAR)');
  else texts(2, 2, 'TG_NAMED_UUID')(call);
}
