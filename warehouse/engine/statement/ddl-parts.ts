/** What definitions have in common: their head, what is there already, and steps that are one transaction. */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { failure, missingContainer, StatementFailed } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isWord, quoteDuckText, type Piece } from '../sql/pieces.js';
import { dotted, type FullName } from '../sql/resolve.js';
import { listSchemas } from '../statistics/catalogue.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { statusRow } from './transaction.js';

const PREFIXES: ReadonlySet<string> = new Set(
  'OR REPLACE SCOPED TRANSIENT TEMP TEMPORARY VOLATILE LOCAL GLOBAL SECURE RECURSIVE'.split(' '),
);

export interface Head {
  readonly verb: string;
  /** DATABASE, SCHEMA, TABLE, VIEW or what else is named. */
  readonly object: string;
  readonly prefixes: ReadonlySet<string>;
  /** IF EXISTS or IF NOT EXISTS. */
  readonly hasIf: boolean;
  /** First piece of the name. */
  readonly nameAt: number;
}

/** The head of a CREATE, DROP, ALTER, TRUNCATE or UNDROP. */
export function headOf(pieces: readonly Piece[]): Head {
  const prefixes = new Set<string>();
  let at = 1;
  while (PREFIXES.has(pieces[at]?.value ?? '')) prefixes.add(pieces[at++]?.value ?? '');
  const verb = pieces[0]?.value ?? '';
  const isBareTruncate = verb === 'TRUNCATE' && !isWord(pieces, at, 'TABLE');
  const object = isBareTruncate ? 'TABLE' : (pieces[at]?.value ?? '');
  if (!isBareTruncate) at += 1;
  const hasIf = isWord(pieces, at, 'IF');
  if (hasIf) at += isWord(pieces, at + 1, 'NOT') ? 3 : 2;
  return { verb, object, prefixes, hasIf, nameAt: at };
}

/** What `full` is; undefined when nothing of that name is there. */
export async function exists(
  session: Session,
  full: FullName,
  where: 'temporary' | 'permanent',
): Promise<'TABLE' | 'VIEW' | undefined> {
  if (where === 'temporary') return session.temporary.has(dotted(full)) ? 'TABLE' : undefined;
  const found = await session.connection.runAndReadAll(
    `SELECT CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END FROM tollgate.all_tables WHERE table_database = ${quoteDuckText(full.database)}
       AND table_schema = ${quoteDuckText(full.schema)} AND table_name = ${quoteDuckText(full.name)}`,
  );
  const kind = found.getRows()[0]?.[0];
  return kind === 'VIEW' || kind === 'TABLE' ? kind : undefined;
}

/** Throws 002003 when the schema of `full` is not there. */
export async function requireSchema(session: Session, full: FullName): Promise<void> {
  const schemas = await listSchemas(session.connection, full.database);
  if (!schemas.some(({ name }) => name === full.schema))
    throw new StatementFailed(missingContainer('Schema', `${full.database}.${full.schema}`));
}

/** `002003` for an object of kind `kind`. */
export function missing(kind: string, name: string): StatementFailed {
  return new StatementFailed(
    failure(
      WIRE_CODES.objectMissing,
      '42S02',
      `SQL compilation error:\n${kind} '${name}' does not exist or not authorized.`,
    ),
  );
}

/** Runs statements in one transaction: the session's own has been committed by now. */
export async function all(session: Session, statements: readonly string[]): Promise<void> {
  await session.connection.run('BEGIN');
  try {
    for (const statement of statements) await session.connection.run(statement);
    await session.connection.run('COMMIT');
  } catch (cause) {
    await session.connection.run('ROLLBACK');
    throw cause;
  }
}

/** The answer of a definition. */
export function status(text: string): RowsAsText {
  return statusRow(text, STATEMENT_TYPES.ddl);
}

/** The time of the statement as an ISO instant, on the warehouse's clock where the request tells it. */
export function instantOf(running: Running): string {
  const stated = running.request.context['CURRENT_TIMESTAMP'];
  const at = new Date(stated ?? Date.now());
  return (Number.isNaN(at.getTime()) ? new Date() : at).toISOString();
}
