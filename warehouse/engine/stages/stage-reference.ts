/** What `@…` names: a user's stage, a table's stage or a named stage, and a path inside it. */
import { failure, StatementFailed, syntaxError } from '../failures.js';
import { toPieces } from '../sql/pieces.js';

export interface StageReference {
  readonly kind: 'user' | 'table' | 'named';
  /** Database, schema and name as far as they are written; empty for the user's stage. */
  readonly parts: readonly string[];
  /** Below the stage, without a slash at the start; a prefix of file names, as Snowflake reads it. */
  readonly path: string;
}

/** Longest path below a stage, in UTF-16 units. */
const PATH_LENGTH_MAX = 1000;

/**
 * Reads `@stage/path`, `@db.schema.stage/path`, `@~/path` and `@%table/path` (Snowflake, "PUT": internalStage). Throws
 * StatementFailed for a text that is none of these and for a path that leaves the stage.
 */
export function stageReference(text: string, sql: string, start: number): StageReference {
  const bare = text.startsWith('@') ? text.slice(1) : text;
  const slash = nameEnd(bare);
  const name = bare.slice(0, slash);
  const path = checkedPath(bare.slice(slash).replace(/^\/+/, ''));
  if (name === '~') return { kind: 'user', parts: [], path };
  const isTable = /(?:^|\.)%/.test(name);
  const pieces = toPieces(name.replace(/(^|\.)%/, '$1'));
  if (!('length' in pieces)) throw new StatementFailed(syntaxError(sql, start, text));
  const parts: string[] = [];
  for (const [index, piece] of pieces.entries()) {
    const isName = piece.kind === 'word' || piece.kind === 'quoted';
    if (index % 2 === 0 ? !isName : piece.value !== '.')
      throw new StatementFailed(syntaxError(sql, start, text));
    if (isName) parts.push(piece.value);
  }
  if (parts.length === 0 || parts.length > 3 || pieces.length % 2 === 0)
    throw new StatementFailed(syntaxError(sql, start, text));
  return { kind: isTable ? 'table' : 'named', parts, path };
}

/** Where the name ends: the first slash outside quotes. */
function nameEnd(text: string): number {
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === '/' && !isQuoted) return at;
  }
  return text.length;
}

/** The path as it is, if every part of it can be a file's name below the stage and none leads out of it. */
export function checkedPath(path: string): string {
  const isFit =
    path.length <= PATH_LENGTH_MAX &&
    // oxlint-disable-next-line no-control-regex
    !/[\u0000-\u001f\u007f\\]/.test(path) &&
    path
      .split('/')
      .every((part) => part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255);
  if (!isFit)
    throw new StatementFailed(
      failure('001011', '42601', `SQL compilation error:\ninvalid URL prefix found in: '${path}'`),
    );
  return path.replaceAll(/\/{2,}/g, '/');
}
