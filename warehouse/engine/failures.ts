/** Failures in Snowflake's words. DuckDB's own text never leaves this folder: what is not recognised gets a general sentence. */
import { WIRE_CODES } from '#base/wire/codes.js';
import type { EngineFailure } from './engine.js';

/** A failure without a place. */
export function failure(code: string, sqlState: string, message: string): EngineFailure {
  return { kind: 'failed', code, sqlState, message, line: -1, pos: -1 };
}

/** Line (from 1) and position in the line (from 0) of `offset` in `sql`. */
export function placeOf(
  sql: string,
  offset: number,
): { readonly line: number; readonly pos: number } {
  if (offset < 0) return { line: 1, pos: 0 };
  const before = sql.slice(0, offset);
  const line = before.split('\n').length;
  return { line, pos: offset - (before.lastIndexOf('\n') + 1) };
}

/** `001003`: the text is not SQL at `offset`. */
export function syntaxError(sql: string, offset: number, unexpected: string): EngineFailure {
  const { line, pos } = placeOf(sql, offset);
  return {
    kind: 'failed',
    code: WIRE_CODES.syntaxError,
    sqlState: '42000',
    message: `SQL compilation error:\nsyntax error line ${line} at position ${pos} unexpected '${unexpected}'.`,
    line,
    pos,
  };
}

/** `002003`: there is no such table or view, or it may not be seen. */
export function missingObject(name: string): EngineFailure {
  return failure(
    WIRE_CODES.objectMissing,
    '42S02',
    `SQL compilation error:\nObject '${name}' does not exist or not authorized.`,
  );
}

/** `002003` for a database or schema. */
export function missingContainer(kind: 'Database' | 'Schema', name: string): EngineFailure {
  return failure(
    WIRE_CODES.objectMissing,
    '02000',
    `SQL compilation error:\n${kind} '${name}' does not exist or not authorized.`,
  );
}

/** `002002`: an object of that name is there already. */
export function objectExists(name: string): EngineFailure {
  return failure(
    WIRE_CODES.objectExists,
    '42710',
    `SQL compilation error:\nObject '${name}' already exists.`,
  );
}

/** `000904`: no column of that name. */
export function invalidIdentifier(sql: string, offset: number, name: string): EngineFailure {
  const { line, pos } = placeOf(sql, offset);
  return {
    kind: 'failed',
    code: WIRE_CODES.invalidIdentifier,
    sqlState: '42000',
    message: `SQL compilation error: error line ${line} at position ${pos}\ninvalid identifier '${name}'`,
    line,
    pos,
  };
}

/** `000002`: Snowflake may know it, this warehouse does not. */
export function unsupported(feature: string): EngineFailure {
  return failure(
    WIRE_CODES.unsupported,
    '0A000',
    `Unsupported feature in the embedded warehouse: ${feature}`,
  );
}

/** `000603`: more than the engine keeps of one result, or of all together. */
export function resultTooLarge(): EngineFailure {
  return failure(
    WIRE_CODES.internalError,
    'XX000',
    'The result is larger than the embedded warehouse keeps.',
  );
}

/** `000709`: the result of that statement is not kept, or never was. */
export function resultGone(queryId: string): EngineFailure {
  return failure(WIRE_CODES.queryUnknown, '02000', `Statement ${queryId} not found`);
}

/** `000604`: interrupted. */
export function cancelled(): EngineFailure {
  return failure(WIRE_CODES.queryCancelled, '57014', 'SQL execution canceled');
}

/** `090105`: an unqualified name without a current database or schema. */
export function noCurrentDatabase(): EngineFailure {
  return failure(
    WIRE_CODES.noCurrentDatabase,
    '22000',
    "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.",
  );
}

/** A failure to be returned by whoever catches it; the only thrown value of the statement path. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  readonly failure: EngineFailure;

  constructor(reason: EngineFailure) {
    super(reason.message);
    this.failure = reason;
  }
}
