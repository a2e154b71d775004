/** Functions of texts and bytes, and what a value is as a text. */
import type { CallSite } from './call-site.js';
import { namesOf, type FunctionFamily } from './family.js';

/** TIMESTAMP texts have three digits of a second unless a format says otherwise. */
const TIME_TEXT = `strftime(TRY_CAST(x::VARCHAR AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')`;

export const TEXTS: FunctionFamily = {
  same: namesOf(`
    UPPER LOWER LENGTH LEN TRIM LTRIM RTRIM LPAD RPAD LEFT RIGHT SUBSTR SUBSTRING REPLACE REVERSE REPEAT
    CONCAT_WS POSITION CHARINDEX ASCII CHR CHAR UNICODE SPLIT_PART TRANSLATE REGEXP_REPLACE REGEXP_SUBSTR
    MD5 MD5_HEX SHA1 SHA1_HEX
  `),
  renamed: {
    STARTSWITH: 'TG_STARTSWITH',
    ENDSWITH: 'TG_ENDSWITH',
    CONTAINS: 'TG_CONTAINS',
    INITCAP: 'TG_INITCAP',
    REGEXP_LIKE: 'TG_REGEXP_LIKE',
    RLIKE: 'TG_REGEXP_LIKE',
    SHA2: 'TG_SHA2',
  },
  rewritten: { CONCAT: concat },
  macros: [
    `CREATE MACRO tg_text(x) AS CASE WHEN typeof(x) = 'JSON' THEN (x::VARCHAR)->>'$'
       WHEN typeof(x) = 'DOUBLE' THEN regexp_replace(x::VARCHAR, '\\.0$', '')
       WHEN typeof(x) = 'TIMESTAMP' THEN ${TIME_TEXT}
       WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN concat(${TIME_TEXT}, ' Z')
       WHEN typeof(x) = 'BLOB' THEN hex(x::VARCHAR::BLOB) ELSE x::VARCHAR END`,
    `CREATE MACRO tg_startswith(a, b) AS starts_with(tg_text(a), tg_text(b))`,
    `CREATE MACRO tg_endswith(a, b) AS ends_with(tg_text(a), tg_text(b))`,
    `CREATE MACRO tg_contains(a, b) AS contains(tg_text(a), tg_text(b))`,
    `CREATE MACRO tg_initcap(x) AS array_to_string(list_transform(regexp_extract_all(lower(x), '[a-z0-9]+|[^a-z0-9]+'), lambda w: upper(w[1]) || w[2:]), '')`,
    `CREATE MACRO tg_regexp_like(a, p) AS regexp_full_match(tg_text(a), p)`,
    `CREATE MACRO tg_sha2(x) AS sha256(x), (x, n) AS CASE WHEN n IN (0, 256) THEN sha256(x) ELSE error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: SHA2 of this size:TGEND') END`,
  ],
};

/** DuckDB's CONCAT passes over NULL. */
function concat(call: CallSite): void {
  call.head = '';
  call.replace(call.open, '((');
  for (const [from] of call.args.slice(1)) call.replace(from - 1, ') || (');
  call.closeWith('))');
}
