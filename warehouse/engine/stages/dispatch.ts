/** Which statements are about stages, and who runs them. */
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { RowsAsText } from '../process/messages.js';
import { isWord, type Piece } from '../sql/pieces.js';
import { describeTemporary } from '../statement/describe-temporary.js';
import type { Running } from '../statement/reading.js';
import type { Session } from '../statement/session.js';
import { commitOpen, inOwnTransaction } from '../statement/transaction.js';
import { copyIntoTable } from './copy-into-table.js';
import { formatStatement, showFormats } from './format-statements.js';
import { dropStages, readsStage, withStages } from './from-stage.js';
import { withInferredSchemas } from './infer-schema.js';
import { kindAt } from './named-objects.js';
import { showStages, stageStatement } from './stage-statements.js';
import { BIND_TABLES } from './stage-binds.js';
import { STAGE_VERBS } from './stage-verbs.js';
import type { StatementSession } from './statement-session.js';
import { get, isStage, list, put, remove } from './transfers.js';
import { unload } from './unload.js';

/** The answer to a statement about stages or file formats; undefined for every other statement. */
export function stageAnswer(session: Session, running: Running): Promise<RowsAsText> | undefined {
  const { pieces, request } = running;
  const verb = pieces[0]?.value ?? '';
  switch (verb) {
    case 'COPY':
      return copy(session, running);
    case 'PUT':
      return put(session, pieces, request);
    case 'GET':
      return get(session, pieces, request);
    case 'LIST':
    case 'LS':
      return list(session, pieces, request);
    case 'REMOVE':
    case 'RM':
      return remove(session, pieces, request);
    case 'SHOW':
      if (isWord(pieces, 1, 'STAGES')) return showStages(session, pieces, request);
      if (isWord(pieces, 1, 'FILE') && isWord(pieces, 2, 'FORMATS'))
        return showFormats(session, pieces, request);
      return Promise.reject(notOurs(running));
    case 'CREATE':
    case 'ALTER':
    case 'DROP':
    case 'DESC':
    case 'DESCRIBE': {
      const at = kindAt(pieces);
      const changes = verb !== 'DESC' && verb !== 'DESCRIBE';
      const before = changes ? commitOpen(session) : Promise.resolve();
      if (isWord(pieces, at, 'STAGE'))
        return before.then(() => stageStatement(session, pieces, request));
      if (isWord(pieces, at, 'FILE') && isWord(pieces, at + 1, 'FORMAT'))
        return before.then(() => formatStatement(session, pieces, request));
      return changes ? undefined : describeTemporary(session, running);
    }
    default:
      return undefined;
  }
}

function notOurs({ pieces, request }: Running): StatementFailed {
  const [first] = pieces;
  return new StatementFailed(syntaxError(request.sql, first?.start ?? 0, first?.text ?? ''));
}

function copy(session: Session, running: Running): Promise<RowsAsText> {
  const { pieces, request } = running;
  const own = statementSession(session, running);
  if (!isWord(pieces, 1, 'INTO')) return Promise.reject(notOurs(running));
  return isStage(pieces[2]) ? unload(own, pieces, request) : copyIntoTable(own, pieces, request);
}

/**
 * Runs `run` with the stages that the statement's queries read in temporary tables; what was read of them counts as
 * scanned. Throws StatementFailed for a view over a stage.
 */
export async function withStagedReads(
  session: Session,
  running: Running,
  run: (running: Running) => Promise<RowsAsText>,
): Promise<RowsAsText> {
  if (ownsStages(running)) return await run(running);
  const { request } = running;
  const inferred = await withInferredSchemas(session, running.pieces, request, false);
  const isRead = readsStage(inferred.pieces);
  if (!isRead && inferred.tables.length === 0 && request.bindStage === undefined)
    return await run(running);
  refuseViews(running.pieces);
  const staged = isRead
    ? await withStages(session, inferred.pieces, request, false)
    : { pieces: inferred.pieces, bytes: 0, tables: [] };
  const reading: Running = { ...running, pieces: staged.pieces };
  try {
    const answer = await run(reading);
    const bytes = staged.bytes + reading.staged.bytes;
    return {
      ...answer,
      scan: { ...answer.scan, bytesScanned: answer.scan.bytesScanned + bytes },
    };
  } finally {
    await dropStages(session, [...staged.tables, ...inferred.tables, ...BIND_TABLES]);
  }
}

/** The pieces of a statement that is only compiled, with empty tables in place of stages. */
export async function compiledReads(session: Session, running: Running): Promise<Running> {
  if (ownsStages(running)) return running;
  const { request } = running;
  const { pieces } = await withInferredSchemas(session, running.pieces, request, true);
  if (!readsStage(pieces)) return { ...running, pieces };
  return { ...running, pieces: (await withStages(session, pieces, request, true)).pieces };
}

function ownsStages({ pieces }: Running): boolean {
  return Object.hasOwn(STAGE_VERBS, pieces[0]?.value ?? '');
}

function refuseViews(pieces: readonly Piece[]): void {
  const at = kindAt(pieces);
  if (
    isWord(pieces, 0, 'CREATE') &&
    !isWord(pieces, at, 'TABLE') &&
    !isWord(pieces, at, 'TRANSIENT')
  )
    throw new StatementFailed(unsupported('a view over a stage'));
}

/** The session as loads and unloads use it. */
function statementSession(session: Session, running: Running): StatementSession {
  return {
    connection: session.connection,
    temporary: session.temporary,
    stages: session.stages,
    get isInterrupted() {
      return session.isInterrupted;
    },
    translateQuery: (pieces) => session.translate(running, pieces),
    async describeQuery(duckSql, pieces) {
      const { columns, types } = await session.describe({ ...running, source: pieces }, duckSql);
      return types.map((type, at) => ({ name: columns[at]?.name ?? '', type }));
    },
    inTransaction: (isAutocommit, work) => inTransaction(session, isAutocommit, work),
    async bytesOf(target, rows) {
      session.statistics.changed();
      return await session.statistics.bytesOf(
        session.connection,
        target.schema,
        target.full.name,
        rows,
      );
    },
    async scanOf(duckSql) {
      const scans = await session.statistics.scansOf(session.connection, duckSql);
      const { bytesScanned, rowsScanned } = session.statistics.profile(scans, 0);
      return { bytes: bytesScanned, rows: rowsScanned };
    },
  };
}

/** A load leaves all of its rows and its marks of files, or nothing. */
async function inTransaction<Result>(
  session: Session,
  isAutocommit: boolean,
  work: () => Promise<Result>,
): Promise<Result> {
  if (session.isInTransaction || !isAutocommit)
    return await inOwnTransaction(session, isAutocommit, work);
  await session.connection.run('BEGIN');
  try {
    const result = await work();
    await session.connection.run('COMMIT');
    return result;
  } catch (cause) {
    await session.connection.run('ROLLBACK');
    throw cause;
  }
}
