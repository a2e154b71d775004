/** Reads definitions of tables, views, streams, tasks and the like from their words, in every variant that Snowflake has. */
import type { Tokens } from '#base/sql/lexer.js';
import type { StatementHead } from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { AREA_KINDS, readArea } from './area-shell.js';
import { noteNames, ShellReading, skipExists, type StatementShell } from './statement-shell.js';
import { TokenCursor } from './token-cursor.js';

const TABLE_LIKE: ReadonlySet<string> = new Set(['TABLE', 'VIEW']);
const CREATING: ReadonlySet<string> = new Set(['CREATE', 'DEFINE']);

/** The shell of a definition; undefined when the kind of object names no tables. */
export function definitionShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
): StatementShell | undefined {
  const reading = new ShellReading(range);
  const cursor = new TokenCursor(tokens, head.objectAt + 1, range.to);
  skipExists(cursor);
  const area = AREA_KINDS.get(head.object);
  if (area !== undefined) {
    readArea(reading, cursor, head, area);
    return reading;
  }
  if (CREATING.has(head.verb) && readCreate(reading, cursor, head)) return reading;
  if (CREATING.has(head.verb)) return otherDefinition(reading, cursor, head);
  if (head.verb === 'COMMENT' && head.object === 'COLUMN') {
    const { parts = [], isDynamic = true } = cursor.name(4) ?? {};
    const table = { parts: parts.slice(0, -1), isDynamic };
    reading.written.push(table);
    reading.columns.push({ table, columns: parts.slice(-1) });
    return reading;
  }
  if (head.verb === 'ALTER' && TASK_KINDS.has(head.object)) {
    readTaskChange(reading, cursor);
    return reading;
  }
  if (head.verb === 'DROP' && head.object === 'INDEX') {
    const { parts = [], isDynamic = true } = cursor.name(4) ?? {};
    reading.written.push({ parts: parts.slice(0, -1), isDynamic });
    return reading;
  }
  if (!TABLE_LIKE.has(head.object)) return otherDefinition(reading, cursor, head);
  noteNames(cursor, reading.written);
  if (head.verb === 'ALTER' || head.verb === 'UNDROP') readChanges(reading, cursor);
  return reading;
}

/** Definitions of code name no tables: what their bodies touch is touched by whoever calls them. */
const CODE: ReadonlySet<string> = new Set(['FUNCTION', 'PROCEDURE']);

/** Any other definition: the queries in its brackets, and the tables it is handed as `TABLE(t)`. */
function otherDefinition(
  reading: ShellReading,
  cursor: TokenCursor,
  head: StatementHead,
): StatementShell | undefined {
  if (CODE.has(head.object)) return undefined;
  while (!cursor.isAtEnd) {
    const isTable = cursor.word() === 'TABLE';
    const isQuery = cursor.is('(') && QUERY_STARTS.has(cursor.nextWord());
    if (isTable || isQuery) {
      if (isTable) cursor.step();
      const inside = cursor.brackets();
      if (inside === undefined) continue;
      const name = isTable
        ? new TokenCursor(cursor.tokens, inside.from, inside.to).name()
        : undefined;
      if (isQuery) reading.innerAt(cursor.tokens, inside.from, inside.to);
      else if (name !== undefined) reading.read.push(name);
      reading.hasUnknownColumns ||= name !== undefined;
    } else cursor.step();
  }
  return reading;
}

const TASK_KINDS: ReadonlySet<string> = new Set(['TASK', 'ALERT']);

function readCreate(reading: ShellReading, cursor: TokenCursor, head: StatementHead): boolean {
  switch (head.object) {
    case 'TABLE':
    case 'VIEW': {
      const name = cursor.name();
      if (name !== undefined) reading.written.push(name);
      readBody(reading, cursor);
      return true;
    }
    case 'STREAM':
      readSourceOfStream(reading, cursor);
      return true;
    case 'INDEX':
      while (!cursor.isAtEnd && cursor.word() !== 'ON') cursor.step();
      cursor.skip('ON');
      noteNames(cursor, reading.written);
      return true;
    case 'CORTEX SEARCH':
      readBody(reading, cursor);
      return true;
    case 'PIPE':
    case 'TASK':
    case 'ALERT':
      readTaskBody(reading, cursor);
      return true;
  }
  return false;
}

const QUERY_STARTS: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'VALUES', 'FROM']);

/** Everything after the name: LIKE and CLONE sources, referenced tables, templates, and the query after AS. */
function readBody(reading: ShellReading, cursor: TokenCursor): void {
  const { tokens } = cursor;
  let previous = '';
  while (!cursor.isAtEnd) {
    const word = cursor.word();
    if (word === 'AS' && previous !== 'EXECUTE') {
      cursor.step();
      if (cursor.is('(') || QUERY_STARTS.has(cursor.word())) {
        reading.innerAt(tokens, cursor.at, cursor.to);
        return;
      }
    } else if ((word === 'LIKE' || word === 'CLONE') && previous !== '=') {
      cursor.step();
      noteNames(cursor, reading.read);
    } else if (word === 'TEMPLATE' && previous === 'USING') {
      cursor.step();
      const inside = cursor.brackets();
      if (inside !== undefined) reading.innerAt(tokens, inside.from, inside.to);
    } else if (word === 'TABLES' && cursor.nextWord() === '') {
      // A semantic view: whatever follows speaks of the logical tables named here.
      cursor.step();
      const inside = cursor.brackets();
      if (inside !== undefined) readLogicalTables(reading, cursor, inside);
      reading.hasUnknownColumns = true;
      return;
    } else {
      const isSetting = cursor.is('=') || cursor.is('=>');
      previous = isSetting ? '=' : word;
      if (cursor.is('(')) readDefinedColumns(reading, cursor);
      else cursor.step();
      continue;
    }
    previous = '';
  }
}

/** Inside the brackets of a table definition only foreign keys name other tables. */
function readDefinedColumns(reading: ShellReading, cursor: TokenCursor): void {
  const inside = cursor.brackets();
  if (inside !== undefined)
    readReferences(reading, new TokenCursor(cursor.tokens, inside.from, inside.to));
}

function readReferences(reading: ShellReading, cursor: TokenCursor): void {
  while (!cursor.isAtEnd) {
    if (cursor.word() !== 'REFERENCES') cursor.step();
    else {
      cursor.step();
      const name = cursor.name();
      if (name !== undefined) reading.read.push(name);
    }
  }
}

/** `TABLES (a AS db.t PRIMARY KEY (…), db.u, …)` of a semantic view. */
function readLogicalTables(
  reading: ShellReading,
  around: TokenCursor,
  inside: { readonly from: number; readonly to: number },
): void {
  const cursor = new TokenCursor(around.tokens, inside.from, inside.to);
  while (!cursor.isAtEnd) {
    let name = cursor.name();
    if (cursor.word() === 'AS') {
      cursor.step();
      name = cursor.name();
    }
    if (name !== undefined) reading.read.push(name);
    while (!cursor.isAtEnd && !cursor.is(',')) if (cursor.brackets() === undefined) cursor.step();
    cursor.step();
  }
}

const STREAM_SOURCES: ReadonlySet<string> = new Set(['TABLE', 'VIEW']);

/** `ON [EXTERNAL|DYNAMIC|EVENT] TABLE t`, `ON VIEW v`; a stage is no table. */
function readSourceOfStream(reading: ShellReading, cursor: TokenCursor): void {
  while (!cursor.isAtEnd && cursor.word() !== 'ON') cursor.step();
  while (!cursor.isAtEnd && !STREAM_SOURCES.has(cursor.word())) cursor.step();
  cursor.step();
  const name = cursor.name();
  if (name !== undefined) reading.read.push(name);
}

/** The condition after IF (of an alert) and the statement after AS (task, pipe) or THEN (alert). */
function readTaskBody(reading: ShellReading, cursor: TokenCursor): void {
  const { tokens } = cursor;
  let previous = '';
  while (!cursor.isAtEnd) {
    const word = cursor.word();
    if ((word === 'AS' && previous !== 'EXECUTE') || word === 'THEN') {
      cursor.step();
      reading.innerAt(tokens, cursor.at, cursor.to);
      return;
    }
    if (word === 'EXISTS') {
      cursor.step();
      const inside = cursor.brackets();
      if (inside !== undefined) reading.innerAt(tokens, inside.from, inside.to);
    } else cursor.step();
    previous = word;
  }
}

/** `MODIFY AS statement`, `MODIFY CONDITION EXISTS (query)`, `MODIFY ACTION statement`. */
function readTaskChange(reading: ShellReading, cursor: TokenCursor): void {
  while (!cursor.isAtEnd && cursor.word() !== 'MODIFY') cursor.step();
  cursor.step();
  const what = cursor.word();
  cursor.step();
  if (what === 'AS' || what === 'ACTION') reading.innerAt(cursor.tokens, cursor.at, cursor.to);
  else if (what === 'CONDITION' && cursor.skip('EXISTS')) {
    const inside = cursor.brackets();
    if (inside !== undefined) reading.innerAt(cursor.tokens, inside.from, inside.to);
  }
}

/** What ALTER TABLE says after the name: SWAP WITH and RENAME TO name tables, REFERENCES too. */
function readChanges(reading: ShellReading, cursor: TokenCursor): void {
  let previous = '';
  while (!cursor.isAtEnd) {
    const word = cursor.word();
    if ((word === 'WITH' && previous === 'SWAP') || (word === 'TO' && previous === 'RENAME')) {
      cursor.step();
      noteNames(cursor, reading.written);
    } else if (word === 'REFERENCES') {
      cursor.step();
      const name = cursor.name();
      if (name !== undefined) reading.read.push(name);
    } else cursor.step();
    previous = word;
  }
}
