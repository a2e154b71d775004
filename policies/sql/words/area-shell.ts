/** Reads statements about databases and schemas as a whole, and GRANT and REVOKE, from their words. */
import type { Tokens } from '#base/sql/lexer.js';
import type { StatementHead } from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { noteNames, ShellReading, type NamedArea, type StatementShell } from './statement-shell.js';
import { TokenCursor } from './token-cursor.js';

type AreaKind = NamedArea['kind'];

/** Kinds of object that hold tables. */
export const AREA_KINDS: ReadonlyMap<string, AreaKind> = new Map([
  ['DATABASE', 'database'],
  ['SCHEMA', 'schema'],
]);

/**
 * Reads a statement about a database or schema from its name on. Every one is a write of the area; those that take
 * tables away, bring them or move them touch tables that nobody can list.
 */
export function readArea(
  reading: ShellReading,
  cursor: TokenCursor,
  head: StatementHead,
  kind: AreaKind,
): void {
  noteArea(reading, cursor, kind, 'write');
  if (head.verb === 'DROP' || head.verb === 'UNDROP') reading.hasUnlistedTables = true;
  if (replaces(cursor.tokens, head)) reading.hasUnlistedTables = true;
  let previous = '';
  while (!cursor.isAtEnd) {
    const word = cursor.word();
    const isOther =
      (word === 'WITH' && previous === 'SWAP') || (word === 'TO' && previous === 'RENAME');
    const isSource = word === 'CLONE' && head.verb === 'CREATE';
    previous = word;
    if (cursor.brackets() !== undefined) continue;
    cursor.step();
    if (!isOther && !isSource) continue;
    noteArea(reading, cursor, kind, isSource ? 'read' : 'write');
    reading.hasUnlistedTables = true;
  }
}

/** `CREATE OR REPLACE` drops what was there. */
function replaces(tokens: Tokens, head: StatementHead): boolean {
  const cursor = new TokenCursor(tokens, head.verbAt + 1, head.objectAt);
  return cursor.skip('OR', 'REPLACE');
}

function noteArea(
  reading: ShellReading,
  cursor: TokenCursor,
  kind: AreaKind,
  action: NamedArea['action'],
): void {
  const name = cursor.name(kind === 'schema' ? 2 : 1);
  if (name !== undefined) reading.areas.push({ name, kind, action });
}

/** Words before TABLE and VIEW. */
const MODIFIERS: ReadonlySet<string> = new Set(
  'EXTERNAL DYNAMIC ICEBERG EVENT HYBRID MATERIALIZED SEMANTIC INTERACTIVE'.split(' '),
);
const TABLE_LIKE: ReadonlySet<string> = new Set(['TABLE', 'VIEW']);
/** Kinds of many objects that are tables, or hold them. */
const MANY_TABLES: ReadonlySet<string> = new Set(['TABLES', 'VIEWS', 'SCHEMAS']);

/**
 * The shell of GRANT and REVOKE: privileges on a table change who can use it, which is a write of it, and privileges on
 * a schema, a database or all tables of one are a write of that.
 */
export function grantShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
): StatementShell {
  const reading = new ShellReading(range);
  const cursor = new TokenCursor(tokens, head.verbAt + 1, range.to);
  while (!cursor.isAtEnd && cursor.word() !== 'ON')
    if (cursor.brackets() === undefined) cursor.step();
  cursor.step();
  if (cursor.word() === 'ALL' || cursor.word() === 'FUTURE') readMany(reading, cursor);
  else readGranted(reading, cursor);
  return reading;
}

/** `ALL TABLES IN SCHEMA s`, `FUTURE VIEWS IN DATABASE d`. */
function readMany(reading: ShellReading, cursor: TokenCursor): void {
  let holdsTables = false;
  for (; !cursor.isAtEnd && cursor.word() !== 'IN'; cursor.step())
    holdsTables ||= MANY_TABLES.has(cursor.word());
  cursor.step();
  const kind = AREA_KINDS.get(cursor.word());
  if (kind === undefined || !holdsTables) return;
  cursor.step();
  noteArea(reading, cursor, kind, 'write');
  reading.hasUnlistedTables = true;
}

/** One object with its kind before it; without one it is a table. */
function readGranted(reading: ShellReading, cursor: TokenCursor): void {
  while (MODIFIERS.has(cursor.word())) cursor.step();
  const kind = AREA_KINDS.get(cursor.word());
  if (kind !== undefined && cursor.nextWord() !== 'ROLE') {
    cursor.step();
    noteArea(reading, cursor, kind, 'write');
  } else if (TABLE_LIKE.has(cursor.word())) {
    cursor.step();
    noteNames(cursor, reading.written);
  } else if (cursor.word() !== 'ACCOUNT') {
    const name = cursor.name();
    const isWhole = cursor.word() === 'TO' || cursor.word() === 'FROM';
    if (name !== undefined && isWhole) reading.written.push(name);
  }
}
