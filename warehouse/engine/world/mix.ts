/** Deterministic data without random numbers: a 32-bit integer mix of (stream, key), stable over DuckDB's versions. */

/** SQL that defines the generator's macros. Constants keep every product inside BIGINT. */
export const MIX_MACROS: readonly string[] = [
  `CREATE OR REPLACE TEMP MACRO mix_round(x) AS (xor(x, x >> 16) * 73244475::BIGINT) & 4294967295::BIGINT`,
  `CREATE OR REPLACE TEMP MACRO mix(stream, key) AS
     mix_round(mix_round((key::BIGINT * 374761393::BIGINT + stream::BIGINT * 668265263::BIGINT) & 4294967295::BIGINT)) >> 3`,
  `CREATE OR REPLACE TEMP MACRO pick(stream, key, n) AS mix(stream, key) % n`,
  `CREATE OR REPLACE TEMP MACRO pick_text(stream, key, texts) AS texts[1 + mix(stream, key) % len(texts)]`,
];

/** A DuckDB list literal of texts. */
export function textList(texts: readonly string[]): string {
  return `[${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')}]`;
}
