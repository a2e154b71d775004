/** INSERT OVERWRITE, and INSERT ALL and FIRST into several tables (pages "INSERT" and "INSERT (multi-table)"). */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { closing, isSymbol, isWord, made, raw, syntax, type Piece } from '../sql/pieces.js';
import { withAssignedValues } from './assigned-values.js';
import { refuseReadOnly } from './read-only.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { nameParts } from './table-definition.js';

interface Branch {
  /** Condition of the WHEN, empty when there is none; undefined for ELSE. */
  readonly condition: readonly Piece[] | undefined;
  readonly targets: readonly {
    readonly name: string;
    /** INTO t [(columns)] and the values' expressions, none for all columns of the source. */
    readonly into: readonly Piece[];
    readonly values: readonly Piece[];
  }[];
}

const SOURCE = 'TG_MULTI_SOURCE';

/** Runs steps in one transaction: the session's own when one is open. */
export async function inOneTransaction<Result>(
  session: Session,
  run: () => Promise<Result>,
): Promise<Result> {
  if (session.isInTransaction) return await run();
  await session.connection.run('BEGIN');
  try {
    const result = await run();
    await session.connection.run('COMMIT');
    return result;
  } catch (cause) {
    await session.connection.run('ROLLBACK');
    throw cause;
  }
}

/** INSERT [OVERWRITE] ALL|FIRST: the source is read once, each branch inserts the rows that are its own. */
export async function insertMany(session: Session, running: Running): Promise<RowsAsText> {
  const { pieces } = running;
  if (isWord(pieces, 1, 'OVERWRITE'))
    throw new StatementFailed(unsupported('INSERT OVERWRITE ALL and FIRST'));
  const isFirst = isWord(pieces, 1, 'FIRST');
  const { branches, queryAt } = branchesOf(running);
  const source = await session.translate(running, pieces.slice(queryAt));
  const scans = await session.statistics.scansOf(session.connection, source);
  const counts: [string, number][] = [];
  await inOneTransaction(session, async () => {
    await session.connection.run(`CREATE OR REPLACE TEMP TABLE ${SOURCE} AS ${source}`);
    const earlier: (readonly Piece[])[] = [];
    for (const branch of branches) {
      const where = whereOf(branch, earlier, isFirst);
      if (branch.condition !== undefined) earlier.push(branch.condition);
      for (const target of branch.targets) {
        const statement = [
          ...syntax('INSERT INTO', pieces[0]),
          ...target.into,
          ...syntax('SELECT', undefined),
          ...spaced(target.values.length === 0 ? syntax('*', undefined) : target.values),
          ...syntax('FROM', undefined),
          raw(`temp.main.${SOURCE}`, undefined),
          ...where,
        ];
        const step = { ...running };
        const assigned = await withAssignedValues(session, running, statement);
        const duckSql = await session.translate(step, assigned);
        for (const { use, full } of step.mentions)
          if (use === 'write') refuseReadOnly(full.database, full.schema);
        const result = await session.connection.run(duckSql);
        counts.push([`number of rows inserted into ${target.name}`, result.rowsChanged]);
      }
    }
    await session.connection.run(`DROP TABLE temp.main.${SOURCE}`);
  });
  session.statistics.changed();
  return {
    kind: 'rows',
    columns: counts.map(([name]) => columnType(name, 'fixed', { precision: 19, scale: 0 })),
    rowTexts: [JSON.stringify(counts.map(([, count]) => String(count)))],
    statementTypeId: STATEMENT_TYPES.multiInsert,
    scan: session.statistics.profile(scans, 0),
  };
}

/** The first piece parted from the word before it. */
function spaced(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.map((piece, at) => (at === 0 ? { ...piece, isSpaced: true } : piece));
}

function branchesOf(running: Running): {
  readonly branches: readonly Branch[];
  readonly queryAt: number;
} {
  const { pieces, request } = running;
  const branches: Branch[] = [];
  let at = 2;
  for (;;) {
    let condition: readonly Piece[] | undefined = [];
    if (isWord(pieces, at, 'WHEN')) {
      const then = wordAfter(pieces, at, 'THEN');
      condition = pieces.slice(at + 1, then);
      at = then + 1;
    } else if (isWord(pieces, at, 'ELSE')) {
      condition = undefined;
      at += 1;
    }
    const targets: Branch['targets'][number][] = [];
    while (isWord(pieces, at, 'INTO')) {
      const read = targetAt(pieces, at + 1);
      targets.push(read);
      at = read.to;
    }
    if (targets.length === 0) break;
    branches.push({ condition, targets });
  }
  if (
    branches.length === 0 ||
    !(isWord(pieces, at, 'SELECT') || isWord(pieces, at, 'WITH') || isSymbol(pieces, at, '('))
  )
    throw new StatementFailed(
      syntaxError(
        request.sql,
        pieces[at]?.start ?? request.sql.length,
        pieces[at]?.value ?? '<EOF>',
      ),
    );
  return { branches, queryAt: at };
}

function targetAt(
  pieces: readonly Piece[],
  from: number,
): Branch['targets'][number] & { readonly to: number } {
  const { parts, to } = nameParts(pieces, from);
  const end = isSymbol(pieces, to, '(') ? closing(pieces, to) + 1 : to;
  const into = pieces.slice(from, end);
  const name = parts.at(-1) ?? '';
  if (!isWord(pieces, end, 'VALUES')) return { name, into, values: [], to: end };
  const close = closing(pieces, end + 1);
  const values = pieces.slice(end + 2, close);
  if (values.some(({ kind, value }) => kind === 'word' && value === 'DEFAULT'))
    throw new StatementFailed(unsupported('DEFAULT in an INSERT into several tables'));
  return { name, into, values, to: close + 1 };
}

function wordAfter(pieces: readonly Piece[], from: number, word: string): number {
  let depth = 0;
  for (let at = from; at < pieces.length; at += 1) {
    if (isWord(pieces, at, 'CASE')) depth += 1;
    else if (isWord(pieces, at, 'END')) depth -= 1;
    else if (depth === 0 && isWord(pieces, at, word)) return at;
  }
  return pieces.length;
}

/** FIRST: rows of no earlier branch; ELSE: rows of none at all. An unknown condition is not met. */
function whereOf(
  { condition }: Branch,
  earlier: readonly (readonly Piece[])[],
  isFirst: boolean,
): readonly Piece[] {
  const met = (pieces: readonly Piece[]): readonly Piece[] => [
    ...made('COALESCE(('),
    ...pieces,
    ...made('), FALSE)'),
  ];
  const tests: (readonly Piece[])[] = [];
  if (condition !== undefined && condition.length > 0) tests.push(met(condition));
  if (isFirst || condition === undefined)
    tests.push(...earlier.map((pieces) => [...syntax('NOT', undefined), ...met(pieces)]));
  return tests.flatMap((test, at) => [...syntax(at === 0 ? 'WHERE' : 'AND', undefined), ...test]);
}
