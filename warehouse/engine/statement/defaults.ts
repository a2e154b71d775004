/** DEFAULT expressions and IDENTITY in DuckDB's text (page "CREATE TABLE"): constants, the time of the statement, sequences, expressions. */
import { StatementFailed, unsupported } from '../failures.js';
import {
  isSymbol,
  isWord,
  quoteDuckText,
  quoteName,
  raw,
  render,
  type Piece,
} from '../sql/pieces.js';
import type { FullName } from '../sql/resolve.js';
import { textLiteral } from '../sql/substitute.js';
import type { ColumnDefinition } from './column-definition.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { storedColumn, type StoredColumn } from './stored-table.js';

/** The session's variable that holds the time of the statement that inserts, on the warehouse's clock. */
export const NOW_VARIABLE = 'tg_now';
const NOW = `CAST(GETVARIABLE('${NOW_VARIABLE}') AS TIMESTAMPTZ)`;
const TIMES: Readonly<Record<string, string>> = {
  CURRENT_TIMESTAMP: NOW,
  LOCALTIMESTAMP: NOW,
  GETDATE: NOW,
  SYSTIMESTAMP: NOW,
  SYSDATE: `CAST(${NOW} AS TIMESTAMP)`,
  CURRENT_DATE: `CAST(${NOW} AS DATE)`,
  CURRENT_TIME: `CAST(${NOW} AS TIME)`,
  LOCALTIME: `CAST(${NOW} AS TIME)`,
};

/** Sets the time that defaults of this statement use. */
export async function setNow(session: Session, running: Running): Promise<void> {
  const stated = running.request.context['CURRENT_TIMESTAMP'];
  const at = stated === undefined || stated === null ? new Date() : new Date(stated);
  const instant = (Number.isNaN(at.getTime()) ? new Date() : at).toISOString();
  await session.connection.run(`SET VARIABLE ${NOW_VARIABLE} = TIMESTAMPTZ '${instant}'`);
}

const ROLE_VIEWS: ReadonlySet<string> = new Set(['ENABLED_ROLES', 'APPLICABLE_ROLES']);

/** Tells INFORMATION_SCHEMA's views of roles who asks, when the statement reads one of them. */
export async function setRoles(session: Session, running: Running): Promise<void> {
  if (!running.mentions.some(({ full }) => ROLE_VIEWS.has(full.name))) return;
  const { context } = running.request;
  const roles = context['CURRENT_AVAILABLE_ROLES'] ?? '[]';
  await session.connection.run(`SET VARIABLE tg_roles = ${quoteDuckText(roles)}`);
  await session.connection.run(
    `SET VARIABLE tg_user = ${quoteDuckText(context['CURRENT_USER'] ?? '')}`,
  );
}

/**
 * The columns as they are stored.
 *
 * @returns also the statements that make the sequences behind IDENTITY columns of the table `full`.
 */
export async function storedColumns(
  session: Session,
  running: Running,
  full: FullName,
  definitions: readonly ColumnDefinition[],
): Promise<{ readonly columns: readonly StoredColumn[]; readonly sequences: readonly string[] }> {
  const columns: StoredColumn[] = [];
  const sequences: string[] = [];
  for (const definition of definitions) {
    const { identity } = definition;
    if (identity !== undefined) {
      const sequence = identitySequence(full, definition.name);
      sequences.push(sequenceStatement(sequence, identity.start, identity.step));
      columns.push(
        storedColumn(definition, `nextval('${sequence.replaceAll("'", "''")}')`, undefined),
      );
      continue;
    }
    const { default: pieces } = definition;
    const fallback =
      pieces === undefined
        ? null
        : await defaultSql(session, running, assignedDefault(definition, pieces));
    columns.push(
      storedColumn(definition, fallback, pieces === undefined ? undefined : render(pieces)),
    );
  }
  return { columns, sequences };
}

/**
 * The default as the column takes it: a text in a BINARY is hexadecimal. Throws StatementFailed for a point in time that
 * may have more digits than the column keeps, as a default cannot cut them off; the clock of the warehouse has three.
 */
function assignedDefault(
  { name, duckType, declared }: ColumnDefinition,
  pieces: readonly Piece[],
): readonly Piece[] {
  const [first] = pieces;
  if (duckType === 'BLOB' && first?.kind === 'string' && pieces.length === 1)
    return [raw(textLiteral('BINARY', first.value), first)];
  const digits = /^TIME.*\((\d)\)$/.exec(declared)?.[1];
  const most = first?.kind === 'string' ? (/\.(\d+)/.exec(first.value)?.[1]?.length ?? 0) : 3;
  if (digits !== undefined && Number(digits) < most)
    throw new StatementFailed(unsupported(`this DEFAULT of column ${name}, of type ${declared}`));
  return pieces;
}

let lastIdentity = 0;

/** Every table has sequences of its own: a name that an earlier table of this name left behind is not taken up. */
function identitySequence(full: FullName, column: string): string {
  lastIdentity += 1;
  const unique = `${Date.now().toString(36)}${lastIdentity}`;
  return `warehouse.tollgate.${quoteName(`identity ${full.database}.${full.schema}.${full.name}.${column} ${unique}`)}`;
}

/** CREATE SEQUENCE for counting from `start` by `step` without an end. */
export function sequenceStatement(name: string, start: number, step: number): string {
  return `CREATE SEQUENCE ${name} START ${start} INCREMENT BY ${step} MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807`;
}

/** DuckDB's text of a default. Throws StatementFailed for what reads tables or columns. */
export async function defaultSql(
  session: Session,
  running: Running,
  pieces: readonly Piece[],
): Promise<string> {
  if (pieces.length === 0 || pieces.some(({ value }) => value === 'SELECT'))
    throw new StatementFailed(unsupported('this DEFAULT expression'));
  const timed: Piece[] = [];
  for (let at = 0; at < pieces.length; at += 1) {
    const piece = pieces[at];
    if (piece === undefined) break;
    const time = piece.kind === 'word' ? TIMES[piece.value] : undefined;
    if (time === undefined) timed.push(piece);
    else {
      timed.push(raw(time, piece));
      if (isSymbol(pieces, at + 1, '(')) at += isSymbol(pieces, at + 2, ')') ? 2 : 3;
    }
  }
  const select: Piece = { ...raw('SELECT', pieces[0]), kind: 'word' };
  const text = await session.translate(running, [select, ...timed]);
  const expression = /^SELECT\s+([^]*)$/.exec(text)?.[1];
  if (expression === undefined || isWord(pieces, 0, 'FROM'))
    throw new StatementFailed(unsupported('this DEFAULT expression'));
  return expression;
}
