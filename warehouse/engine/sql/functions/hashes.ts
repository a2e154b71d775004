/** Checksums and encodings ("Cryptographic functions", "Encoding functions"). COMPRESS and HASH stay refused: their bytes are Snowflake's own. */
import { StatementFailed, unsupported } from '../../failures.js';
import { taking } from './arity.js';
import type { CallSite } from './call-site.js';
import type { CallRewriting, FunctionFamily } from './family.js';

const INVALID_HEX = `error(concat('TGFAIL:100115:22000:The following string is not a legal hex-encoded value: ''', x, ''':TGEND'))`;
const INVALID_BASE64 = `error(concat('TGFAIL:100116:22000:The following string is not a legal base64-encoded value: ''', x, ''':TGEND'))`;
const NO_OPTION = `error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: this alphabet or line length:TGEND')`;
/** Bytes of a text or of bytes. */
const BYTES = `CASE WHEN typeof(x) = 'BLOB' THEN x::VARCHAR::BLOB ELSE encode(tg_text(x)) END`;
const IS_HEX = `regexp_full_match(x, '([0-9A-Fa-f]{2})*')`;
/** An argument of a checksum: bytes stay bytes, everything else is read as a text. */
const HASHED = `CASE WHEN typeof(x) = 'BLOB' THEN hex(x::VARCHAR::BLOB) ELSE hex(encode(tg_text(x))) END`;

const named = (min: number, max: number, name: string): CallRewriting =>
  taking(min, max, (call) => call.rename(name));
const bytesOf = (min: number, max: number, name: string): CallRewriting =>
  taking(min, max, (call) => {
    call.head = `UNHEX(${name}`;
    call.closeWith('))');
  });

export const HASHES: FunctionFamily = {
  same: [],
  renamed: {},
  rewritten: {
    MD5: named(1, 1, 'TG_MD5'),
    MD5_HEX: named(1, 1, 'TG_MD5'),
    MD5_BINARY: bytesOf(1, 1, 'TG_MD5'),
    MD5_NUMBER_LOWER64: named(1, 1, 'TG_MD5_LOWER'),
    MD5_NUMBER_UPPER64: named(1, 1, 'TG_MD5_UPPER'),
    SHA1: named(1, 1, 'TG_SHA1'),
    SHA1_HEX: named(1, 1, 'TG_SHA1'),
    SHA1_BINARY: bytesOf(1, 1, 'TG_SHA1'),
    SHA2: named(1, 2, 'TG_SHA2'),
    SHA2_HEX: named(1, 2, 'TG_SHA2'),
    SHA2_BINARY: bytesOf(1, 2, 'TG_SHA2'),
    HEX_ENCODE: named(1, 2, 'TG_HEX_ENCODE'),
    HEX_DECODE_BINARY: named(1, 1, 'TG_HEX_BYTES'),
    HEX_DECODE_STRING: named(1, 1, 'TG_HEX_TEXT'),
    TRY_HEX_DECODE_BINARY: named(1, 1, 'TG_TRY_HEX_BYTES'),
    TRY_HEX_DECODE_STRING: named(1, 1, 'TG_TRY_HEX_TEXT'),
    BASE64_ENCODE: taking(1, 3, base64Encode),
    BASE64_DECODE_BINARY: taking(1, 1, (call) => call.rename('TG_BASE64_BYTES')),
    BASE64_DECODE_STRING: taking(1, 1, (call) => call.rename('TG_BASE64_TEXT')),
    TRY_BASE64_DECODE_BINARY: taking(1, 1, (call) => call.rename('TG_TRY_BASE64_BYTES')),
    TRY_BASE64_DECODE_STRING: taking(1, 1, (call) => call.rename('TG_TRY_BASE64_TEXT')),
  },
  macros: [
    `CREATE MACRO tg_md5(x) AS tg_hash_of('md5', ${HASHED})`,
    `CREATE MACRO tg_md5_lower(x) AS ('0x' || substr(tg_md5(x), 17))::UBIGINT`,
    `CREATE MACRO tg_md5_upper(x) AS ('0x' || left(tg_md5(x), 16))::UBIGINT`,
    `CREATE MACRO tg_sha1(x) AS tg_hash_of('sha1', ${HASHED})`,
    `CREATE MACRO tg_sha2(x) AS tg_hash_of('sha256', ${HASHED}), (x, n) AS tg_hash_of('sha' || n, ${HASHED})`,
    `CREATE MACRO tg_hex_encode(x) AS hex(${BYTES}), (x, c) AS CASE WHEN c = 0 THEN lower(hex(${BYTES})) WHEN c = 1 THEN hex(${BYTES}) ELSE ${NO_OPTION} END`,
    `CREATE MACRO tg_hex_bytes(x) AS CASE WHEN x IS NULL THEN NULL WHEN ${IS_HEX} THEN unhex(x) ELSE ${INVALID_HEX} END`,
    `CREATE MACRO tg_hex_text(x) AS decode(tg_hex_bytes(x))`,
    `CREATE MACRO tg_try_hex_bytes(x) AS CASE WHEN ${IS_HEX} THEN unhex(x) END`,
    `CREATE MACRO tg_try_hex_text(x) AS TRY(decode(tg_try_hex_bytes(x)))`,
    `CREATE MACRO tg_base64_encode(x) AS to_base64(${BYTES})`,
    `CREATE MACRO tg_base64_bytes(x) AS CASE WHEN x IS NULL THEN NULL ELSE coalesce(TRY(from_base64(x)), ${INVALID_BASE64}) END`,
    `CREATE MACRO tg_base64_text(x) AS decode(tg_base64_bytes(x))`,
    `CREATE MACRO tg_try_base64_bytes(x) AS TRY(from_base64(x))`,
    `CREATE MACRO tg_try_base64_text(x) AS TRY(decode(from_base64(x)))`,
  ],
};

/** Lines of a length and other alphabets are refused. */
function base64Encode(call: CallSite): void {
  const isPlain =
    call.args.length === 1 || (call.args.length === 2 && call.single(1)?.value === '0');
  if (!isPlain) throw new StatementFailed(unsupported('BASE64_ENCODE with lines or an alphabet'));
  if (call.args.length === 2) call.dropArgument(1);
  call.rename('TG_BASE64_ENCODE');
}
