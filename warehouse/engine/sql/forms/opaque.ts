/**
 * Text of DuckDB's own that the transpiler must not read: it travels through as the content of a quoted name and is
 * put in place afterwards.
 */
import { quoteName, raw, type Piece } from '../pieces.js';

const MARK = 'tg-opaque:';
const CARRIED = /"tg-opaque:((?:[^"]|"")*)"/g;

/** A piece that stands for `text` until the transpiler has run. */
export function opaque(text: string, at: Piece | undefined): Piece {
  return raw(quoteName(`${MARK}${text}`), at);
}

/** The transpiler's output with what was carried through it in place. */
export function withCarried(duckSql: string): string {
  return duckSql.includes(MARK)
    ? duckSql.replaceAll(CARRIED, (_, text: string) => text.replaceAll('""', '"'))
    : duckSql;
}
