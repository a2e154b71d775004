/** DuckDB's errors in Snowflake's words, by their class and the names they carry. */
import type { EngineFailure } from '../engine.js';
import {
  cancelled,
  failure,
  invalidIdentifier,
  missingObject,
  objectExists,
  syntaxError,
  unsupported,
} from '../failures.js';
import type { Piece } from '../sql/pieces.js';
import { dotted } from '../sql/resolve.js';
import { CAPPED_SCALE_MAX, WHOLE_DIGITS } from '../values/type-rules.js';
import type { ResolvedMention } from '../sql/table-names.js';

export interface StatementText {
  readonly sql: string;
  readonly pieces: readonly Piece[];
  readonly mentions: readonly ResolvedMention[];
}

/** The failure that DuckDB's `message` stands for. */
export function fromDuckError(message: string, text: StatementText): EngineFailure {
  const head = message.split('\n')[0] ?? '';
  if (head.startsWith('INTERRUPT')) return cancelled();
  if (message.includes('TG100051')) return failure('100051', '22012', 'Division by zero');
  const stated = statedFailure(message);
  if (stated !== undefined) return stated;
  const more = MORE.flatMap(([pattern, code, sqlState, message]) => {
    const match = pattern.exec(head);
    return match === null ? [] : [failure(code, sqlState, message(match))];
  });
  return (
    more[0] ??
    catalogueError(head, text) ??
    binderError(head, text) ??
    valueError(head) ??
    (head.startsWith('Parser Error') ? parserError(head, text) : unsupported(general(head)))
  );
}

/** The failure that SQL of ours raised by error(); undefined for DuckDB's own. */
export function statedFailure(message: string): EngineFailure | undefined {
  // A constraint's failure quotes its own text first: what was raised stands last.
  const stated = [...message.matchAll(/TGFAIL:(\d+):(\w+):([^\n]*?):TGEND/g)].at(-1);
  return stated && failure(stated[1] ?? '', stated[2] ?? '', stated[3] ?? '');
}

/** A sentence for errors without a form of their own. */
function general(head: string): string {
  if (head.startsWith('Binder Error')) return 'this combination of arguments or types';
  if (head.startsWith('Out of Memory'))
    return 'a statement that needs more memory than the engine has';
  if (head.startsWith('Permission Error')) return 'access to files or settings';
  return 'this statement';
}

function place(text: StatementText, name: string): number {
  return (
    text.pieces.find(({ kind, value }) => (kind === 'word' || kind === 'quoted') && value === name)
      ?.start ?? -1
  );
}

/** `$1` over anything but VALUES. */
function isPositional(name: string, text: StatementText): boolean {
  return (
    /^COLUMN\d+$/.test(name) &&
    text.pieces.some(({ kind, value }) => kind === 'variable' && `COLUMN${value}` === name)
  );
}

function catalogueError(head: string, text: StatementText): EngineFailure | undefined {
  const table = /^Catalog Error: (?:Table|View) with name "?(.+?)"? does not exist/.exec(head);
  if (table !== null) {
    const name = table[1] ?? '';
    const mention = text.mentions.find(
      ({ full }) => full.name === name || dotted(full) === name || name.endsWith(`.${full.name}`),
    );
    return missingObject(mention === undefined ? name : dotted(mention.full));
  }
  const sequence = /^Catalog Error: Sequence with name "?(.+?)"? does not exist/.exec(head);
  if (sequence !== null) return missingObject(sequence[1] ?? '');
  const exists = /^Catalog Error: (?:Table|View|Schema) with name "(.+?)" already exists/.exec(
    head,
  );
  if (exists !== null) return objectExists(exists[1] ?? '');
  const called =
    /^Catalog Error: (?:Scalar|Table|Aggregate|Scalar Macro|Table Macro)? ?Function with name "?(\w+)"? does not exist/.exec(
      head,
    );
  if (called !== null)
    return unsupported(`function ${(called[1] ?? '').replace(/^tg_/i, '').toUpperCase()}`);
  return undefined;
}

function binderError(head: string, text: StatementText): EngineFailure | undefined {
  const column =
    /^Binder Error: Referenced column "(.+?)" not found/.exec(head) ??
    /^Binder Error: (?:Table|Values list) ".*?" does not have a column named "(.+?)"/.exec(head) ??
    /^Binder Error: (?:Table|Column|column) "?(\w+)"? (?:not found|does not exist)/.exec(head) ??
    /^Binder Error: Referenced table "(.+?)" not found/.exec(head) ??
    /^Binder Error: Table ".*?" does not have a column with name "(.+?)"/.exec(head) ??
    /^Binder Error: Referenced update column (\w+) not found/.exec(head);
  if (column !== null && isPositional(column[1] ?? '', text))
    return unsupported('columns of a table by position');
  if (column !== null)
    return invalidIdentifier(text.sql, place(text, column[1] ?? ''), column[1] ?? '');
  const ambiguous = /^Binder Error: Ambiguous reference to column name "(.+?)"/.exec(head);
  if (ambiguous !== null)
    return failure(
      '002028',
      '42601',
      `SQL compilation error:\nambiguous column name '${ambiguous[1] ?? ''}'`,
    );
  const grouped = /^Binder Error: column "(.+?)" must appear in the GROUP BY/.exec(head);
  if (grouped !== null)
    return failure(
      '000979',
      '42601',
      `SQL compilation error:\n[${grouped[1] ?? ''}] is not a valid group by expression`,
    );
  const counts = /(?:has|expected) (\d+) columns but (\d+) values were supplied/.exec(head);
  if (counts !== null) return countMismatch(counts[1], counts[2]);
  // The query whose values are cast to the types of the columns: see assigned-values.ts.
  const given = /TG_INSERTED" has (\d+) columns available but (\d+) columns/i.exec(head);
  return given === null ? undefined : countMismatch(given[2], given[1]);
}

function countMismatch(expected = '', got = ''): EngineFailure {
  return failure(
    '002020',
    '21S01',
    `SQL compilation error:\nInsert value list does not match column list expecting ${expected} but got ${got}`,
  );
}

const MORE: readonly (readonly [RegExp, string, string, (match: RegExpExecArray) => string])[] = [
  [
    /^Invalid Input Error: More than one row returned by a subquery/,
    '090150',
    '22000',
    () => 'Single-row subquery returns more than one row.',
  ],
  [
    /^Binder Error: Set operations can only apply to expressions with the same number of result columns/,
    '001789',
    '42601',
    () =>
      'SQL compilation error:\ninvalid number of result columns for set operator input branches',
  ],
  [
    /^Catalog Error: Column with name (.+?) already exists/,
    '002025',
    '42S21',
    (match) => `SQL compilation error:\nduplicate column name '${match[1] ?? ''}'`,
  ],
];

function valueError(head: string): EngineFailure | undefined {
  const nulls = /NOT NULL constraint failed: (?:.*\.)?"?(\w+)"?/.exec(head);
  if (nulls !== null)
    return failure('100072', '22000', `NULL result in a non-nullable column '${nulls[1] ?? ''}'`);
  if (head.startsWith('Constraint Error'))
    return failure('100072', '22000', 'A constraint of the table does not hold');
  const date = /invalid (date|timestamp|time) field format: "(.*?)"/.exec(head);
  if (date !== null) return timeValue(date[1] ?? '', date[2] ?? '');
  const far = /(date|timestamp|time) field value out of range: "(.*?)"/.exec(head);
  if (far !== null) return timeValue(far[1] ?? '', far[2] ?? '');
  const wide = numberTooWide(head);
  if (wide !== undefined) return wide;
  if (/Unimplemented type for cast/.test(head))
    return failure(
      '001044',
      '42P13',
      'SQL compilation error:\nInvalid argument types for function or operator',
    );
  if (/Overflow in multiplication of (?:DECIMAL|INT128|HUGEINT)/.test(head))
    return failure('100046', '22003', 'Number out of representable range: type FIXED[SB16](38,0)');
  const text = /Could not convert string ['"](.*)['"] to (\w+)/.exec(head);
  if (text !== null) {
    const value = text[1] ?? '';
    if (text[2] === 'BOOL' || text[2] === 'BOOLEAN')
      return failure('100037', '22018', `Boolean value '${value}' is not recognized`);
    if (/DATE|TIME/.test(text[2] ?? '')) return timeValue((text[2] ?? '').toLowerCase(), value);
    return failure('100038', '22018', `Numeric value '${value}' is not recognized`);
  }
  if (/^(?:Conversion|Out of Range|Invalid Input) Error/.test(head)) {
    const value = /(?:value|string) "?'?([\w.+-]+)/i.exec(head)?.[1] ?? '';
    if (/range|Could not cast|Overflow|overflow/.test(head))
      return failure('100039', '22003', `Numeric value '${value}' is out of range`);
    if (/JSON/.test(head))
      return unsupported('a VARIANT beside a text; cast it, as in value::STRING');
    if (head.startsWith('Conversion'))
      return failure('100038', '22018', `Value '${value}' is not recognized`);
  }
  return undefined;
}

/** A number that has no room in its type; of the widest type it may have room in Snowflake's. */
function numberTooWide(head: string): EngineFailure | undefined {
  const match =
    /Could not convert string ["']([\d.eE+-]+)["'] to DECIMAL\((\d+),(\d+)\)/.exec(head) ??
    /Could not cast value (\S+) to DECIMAL\((\d+),(\d+)\)/.exec(head) ??
    /Casting value "(\S+)" to type DECIMAL\((\d+),(\d+)\) failed/.exec(head);
  if (match === null) return undefined;
  const digits = Number(match[2]) - Number(match[3]);
  if (digits === WHOLE_DIGITS && Number(match[3]) <= CAPPED_SCALE_MAX)
    return unsupported(`numbers of more than ${WHOLE_DIGITS} digits before the point`);
  return failure('100039', '22003', `Numeric value '${match[1] ?? ''}' is out of range`);
}

function timeValue(kind: string, value: string): EngineFailure {
  if (kind.startsWith('timestamp'))
    return failure('100035', '22007', `Timestamp '${value}' is not recognized`);
  if (kind === 'time') return failure('100108', '22007', `Time '${value}' is not recognized`);
  return failure('100040', '22007', `Date '${value}' is not recognized`);
}

/** Forms that the transpiler lets through and DuckDB does not have. */
const FOREIGN: ReadonlySet<string> = new Set([
  'SAMPLE',
  'TABLESAMPLE',
  'AT',
  'BEFORE',
  'CHANGES',
  'OVERWRITE',
  'CONNECT',
  'MATCH_RECOGNIZE',
  'PIVOT',
  'UNPIVOT',
  'ASOF',
  'MATCH_CONDITION',
  'COLLATE',
]);

function parserError(head: string, text: StatementText): EngineFailure {
  const foreign = text.pieces.find(({ kind, value }) => kind === 'word' && FOREIGN.has(value));
  if (foreign !== undefined) return unsupported(foreign.value);
  const near = /syntax error at or near "(.*?)"/.exec(head)?.[1];
  if (near === undefined) return syntaxError(text.sql, text.sql.length, '<EOF>');
  const found = text.pieces.find(
    (piece) => piece.text === near || piece.value === near.toUpperCase(),
  );
  if (found === undefined) return unsupported('this statement');
  return syntaxError(
    text.sql,
    found.start,
    text.sql.slice(found.start, found.start + found.text.length),
  );
}
