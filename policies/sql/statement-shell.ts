/**
 * Statements that are a shell of keywords around names and queries: definitions of tables and views, COPY, TRUNCATE.
 * The shell is read from the words, in every variant that Snowflake has, and only the queries inside go to the parser,
 * which understands far more queries than definitions.
 */
import { isOperator, KIND, kindAt, nextSignificant, type Tokens } from '#base/sql/lexer.js';
import type { StatementHead } from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { TokenCursor, type TokenName } from './token-cursor.js';

/** What a shell says by itself, and where the statements inside it stand. */
export interface StatementShell {
  readonly read: readonly TokenName[];
  readonly written: readonly TokenName[];
  /** Columns that the shell names, per table of `written`. */
  readonly columns: readonly { readonly table: TokenName; readonly columns: readonly string[] }[];
  /** Tables of `read` of which every column is touched. */
  readonly whole: readonly TokenName[];
  /** Queries and statements inside, in order. */
  readonly inner: readonly StatementRange[];
}

/** A shell under construction. */
class Reading {
  readonly read: TokenName[] = [];
  readonly written: TokenName[] = [];
  readonly columns: { table: TokenName; columns: readonly string[] }[] = [];
  readonly whole: TokenName[] = [];
  readonly inner: StatementRange[] = [];
  readonly #range: StatementRange;

  constructor(range: StatementRange) {
    this.#range = range;
  }

  /** Notes the statement of tokens `[from, to)`; empty ones are dropped. */
  innerAt(tokens: Tokens, from: number, to: number): void {
    const inner = partOf(tokens, this.#range, from, to);
    if (inner !== undefined) this.inner.push(inner);
  }
}

/** The statement of tokens `[from, to)` of the one in `range`; undefined when there is none. */
export function partOf(
  tokens: Tokens,
  range: StatementRange,
  from: number,
  to: number,
): StatementRange | undefined {
  const head = nextSignificant(tokens, from, to);
  if (head >= to) return undefined;
  let end = to;
  while (end > head && kindAt(tokens, end - 1) <= KIND.comment) end -= 1;
  return {
    ...range,
    from: head,
    head,
    to: end,
    start: tokens.starts[head] ?? range.end,
    end: tokens.starts[end] ?? range.end,
    hasBlock: false,
    hasFlow: holdsFlow(tokens, head, end),
  };
}

function holdsFlow(tokens: Tokens, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (isOperator(tokens, at, '->>')) return true;
  return false;
}

const TABLE_LIKE: ReadonlySet<string> = new Set(['TABLE', 'VIEW']);
const CREATING: ReadonlySet<string> = new Set(['CREATE', 'DEFINE']);

/** The shell of a definition; undefined when the kind of object names no tables. */
export function definitionShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
): StatementShell | undefined {
  const reading = new Reading(range);
  const cursor = new TokenCursor(tokens, head.objectAt + 1, range.to);
  skipExists(cursor);
  if (CREATING.has(head.verb)) return readCreate(reading, cursor, head) ? reading : undefined;
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
  if (!TABLE_LIKE.has(head.object)) return undefined;
  noteNames(cursor, reading.written);
  if (head.verb === 'ALTER') readChanges(reading, cursor);
  return reading;
}

const TASK_KINDS: ReadonlySet<string> = new Set(['TASK', 'ALERT']);

/** Steps over IF [NOT] EXISTS. */
function skipExists(cursor: TokenCursor): void {
  if (cursor.word() !== 'IF') return;
  cursor.step();
  cursor.skip('NOT');
  cursor.skip('EXISTS');
}

/** Notes one name, or several with commas between. */
function noteNames(cursor: TokenCursor, list: TokenName[]): void {
  do {
    const name = cursor.name();
    if (name === undefined) return;
    list.push(name);
  } while (cursor.is(',') && (cursor.step(), true));
}

function readCreate(reading: Reading, cursor: TokenCursor, head: StatementHead): boolean {
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
function readBody(reading: Reading, cursor: TokenCursor): void {
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
function readDefinedColumns(reading: Reading, cursor: TokenCursor): void {
  const inside = cursor.brackets();
  if (inside !== undefined)
    readReferences(reading, new TokenCursor(cursor.tokens, inside.from, inside.to));
}

function readReferences(reading: Reading, cursor: TokenCursor): void {
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
  reading: Reading,
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
function readSourceOfStream(reading: Reading, cursor: TokenCursor): void {
  while (!cursor.isAtEnd && cursor.word() !== 'ON') cursor.step();
  while (!cursor.isAtEnd && !STREAM_SOURCES.has(cursor.word())) cursor.step();
  cursor.step();
  const name = cursor.name();
  if (name !== undefined) reading.read.push(name);
}

/** The condition after IF (of an alert) and the statement after AS (task, pipe) or THEN (alert). */
function readTaskBody(reading: Reading, cursor: TokenCursor): void {
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
function readTaskChange(reading: Reading, cursor: TokenCursor): void {
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
function readChanges(reading: Reading, cursor: TokenCursor): void {
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

/** The shell of `COPY INTO`; `isLoad` when the target is a table. */
export function copyShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
  isLoad: boolean,
): StatementShell {
  const reading = new Reading(range);
  const cursor = new TokenCursor(tokens, head.verbAt + 1, range.to);
  cursor.skip('INTO');
  if (isLoad) {
    const table = cursor.name();
    if (table !== undefined) reading.written.push(table);
    const list = cursor.brackets();
    if (table !== undefined && list !== undefined)
      reading.columns.push({ table, columns: namesIn(tokens, list) });
  } else cursor.step();
  while (!cursor.isAtEnd && cursor.word() !== 'FROM') cursor.step();
  cursor.step();
  const inside = cursor.brackets();
  if (inside !== undefined) reading.innerAt(tokens, inside.from, inside.to);
  else if (!isLoad) {
    const name = cursor.name();
    if (name !== undefined) {
      reading.read.push(name);
      reading.whole.push(name);
    }
  }
  return reading;
}

function namesIn(
  tokens: Tokens,
  list: { readonly from: number; readonly to: number },
): readonly string[] {
  const names: string[] = [];
  const cursor = new TokenCursor(tokens, list.from, list.to);
  while (!cursor.isAtEnd) {
    const last = cursor.name()?.parts.at(-1);
    if (last === undefined) cursor.step();
    else names.push(last);
  }
  return names;
}

/** The shell of TRUNCATE. */
export function truncateShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
): StatementShell {
  const reading = new Reading(range);
  const cursor = new TokenCursor(tokens, head.verbAt + 1, range.to);
  while (cursor.word() === 'TABLE' || cursor.word() === 'MATERIALIZED' || cursor.word() === 'VIEW')
    cursor.step();
  skipExists(cursor);
  noteNames(cursor, reading.written);
  return reading;
}

/** The parts of a chain of `->>`, in order. */
export function flowParts(tokens: Tokens, range: StatementRange): readonly StatementRange[] {
  const parts: StatementRange[] = [];
  let from = range.head;
  for (let at = range.head; at <= range.to; at += 1) {
    if (at < range.to && !isOperator(tokens, at, '->>')) continue;
    const part = partOf(tokens, range, from, at);
    if (part !== undefined) parts.push(part);
    from = at + 1;
  }
  return parts;
}
