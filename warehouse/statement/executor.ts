/** Runs one statement: what the server answers itself, several at once, or one for the engine on its warehouse. */
import type { EngineRequest } from '../engine/engine.js';
import type { Clock } from '#base/time.js';
import { columnType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { contextOf } from './context.js';
import { describedColumns } from './described.js';
import type { Servers } from '../fleet/place.js';
import { modelDuration } from '../fleet/duration.js';
import { immediateStatement } from './execute-immediate.js';
import type { Fleet } from '../fleet/fleet.js';
import { cancelled, failure, missingObject, rowsOf, timedOut } from './outcome.js';
import type { Outcome } from './outcome.js';
import { ownStatement } from './own-statements.js';
import type { OwnWorld } from './own-world.js';
import { engineParameters, isAutocommit, parameterNumber, unhonouredIn } from './parameters.js';
import { NODES } from '../fleet/rates.js';
import type { Sessions } from '../identity/sessions.js';
import type { Statement } from './statement.js';
import { freeUsage } from './statements.js';
import type { Statements } from './statements.js';
import { readTokens, splitRequest } from './tokens.js';
import { endingWith } from './unused-result.js';
import type { Token } from './tokens.js';
import type { Views } from '../account-usage/views.js';
import {
  free,
  limitsOf,
  noWarehouse,
  spend,
  takePlace,
  usableWarehouse,
  usageUntilNow,
  whileListening,
} from './warehouse-time.js';
import type { Executed } from './warehouse-time.js';

/** An engine that outlives the modelled timeout by this much real time is interrupted. */
const ENGINE_GRACE_MS = 30_000;
const CHANGING_WORDS: ReadonlySet<string> = new Set([
  'USE',
  'SET',
  'UNSET',
  'ALTER',
  'CREATE',
  'DROP',
  'CALL',
  'GRANT',
  'REVOKE',
]);
const WRITING_WORDS: ReadonlySet<string> = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'COPY',
  'UNLOAD',
]);

export interface ExecutorParts extends OwnWorld {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  /** Asked late: the registry and the executor know each other. */
  readonly statements: () => Statements;
  readonly views: Views;
}

/** The executor for {@link Statements}. */
export function createExecutor(parts: ExecutorParts): (statement: Statement) => Promise<Executed> {
  return async (statement) => {
    const { request, startedAt } = statement;
    if (statement.abort.signal.aborted)
      return { outcome: cancelled(), usage: freeUsage(startedAt) };
    const unhonoured = unhonouredIn(request.parameters);
    if (unhonoured !== undefined) return free(statement, unhonoured);
    const texts = splitRequest(request.sql);
    const wanted = parameterNumber(
      new Map([...statement.session.parameters, ...request.parameters]),
      'MULTI_STATEMENT_COUNT',
      1,
    );
    if (texts.length > 1 || wanted > 1) {
      if (wanted !== 0 && wanted !== texts.length)
        return free(statement, countMismatch(texts.length, wanted));
      return runMany(parts, statement, texts);
    }
    const [sql] = texts;
    if (sql === undefined)
      return free(
        statement,
        failure('000900', '42601', 'SQL compilation error:\nEmpty SQL statement.'),
      );
    return runOne(parts, statement, sql);
  };
}

async function runOne(parts: ExecutorParts, statement: Statement, sql: string): Promise<Executed> {
  const tokens = readTokens(sql);
  const immediate = immediateStatement(tokens, statement.session);
  // What is inside is never EXECUTE IMMEDIATE itself, so this goes one step deep.
  if (typeof immediate === 'string') return await runOne(parts, statement, immediate);
  if (immediate !== undefined) return free(statement, immediate);
  const isDescribe = statement.request.describeOnly;
  if (isDescribe && CHANGING_WORDS.has(tokens[0]?.value ?? ''))
    return free(statement, rowsOf([columnType('status', 'text')], [], STATEMENT_TYPES.ddl));
  const answer = await ownStatement(parts, statement, sql, tokens);
  switch (answer.kind) {
    case 'answered':
      return free(
        statement,
        isDescribe && answer.outcome.kind === 'rows'
          ? { ...answer.outcome, rows: [] }
          : answer.outcome,
      );
    case 'wait':
      return runWait(parts, statement, answer.waitMs);
    case 'engine':
      break;
  }
  const prepared = await parts.views.prepare(sql, statement.session);
  if (prepared === undefined)
    return free(statement, missingObject('Schema', 'SNOWFLAKE.ACCOUNT_USAGE'));
  if (statement.request.describeOnly)
    return free(statement, await describe(parts, statement, prepared));
  return runOnWarehouse(parts, statement, prepared, tokens);
}

/** Children run one after the other; the first that fails ends the request with its failure. */
async function runMany(
  parts: ExecutorParts,
  statement: Statement,
  texts: readonly string[],
): Promise<Executed> {
  if (statement.request.binds.length > 0 || statement.request.bindStage !== undefined)
    return free(
      statement,
      failure('000002', '0A000', 'Binds are not supported for several statements at once.'),
    );
  const children: { readonly id: string; readonly statementTypeId: number }[] = [];
  const parameters = new Map([
    ...statement.request.parameters,
    ['MULTI_STATEMENT_COUNT', 1] as const,
  ]);
  for (const sql of texts) {
    const child = parts
      .statements()
      .start(statement.session, { ...statement.request, sql, parameters });
    const relay = (): void => child.abort.abort();
    statement.abort.signal.addEventListener('abort', relay, { once: true });
    const settled = await child.done;
    statement.abort.signal.removeEventListener('abort', relay);
    if (settled.outcome.kind === 'failed')
      return { outcome: settled.outcome, usage: usageUntilNow(parts.clock, statement) };
    children.push({ id: child.id, statementTypeId: settled.outcome.statementTypeId });
  }
  const rows = rowsOf(
    [columnType('multiple statement execution', 'text')],
    [['Multiple statements executed successfully.']],
    STATEMENT_TYPES.multi,
  );
  return { outcome: { ...rows, children }, usage: usageUntilNow(parts.clock, statement) };
}

async function describe(parts: ExecutorParts, statement: Statement, sql: string): Promise<Outcome> {
  const session = await parts.sessions.engineSession(statement.session);
  const plan = await session.plan(engineRequest(parts, statement, sql));
  return plan.kind === 'failed'
    ? plan
    : rowsOf(describedColumns(plan, sql), [], plan.statementTypeId);
}

async function runOnWarehouse(
  parts: ExecutorParts,
  statement: Statement,
  sql: string,
  tokens: readonly Token[],
): Promise<Executed> {
  const warehouse = usableWarehouse(parts.fleet, statement);
  if (warehouse === undefined) {
    if (writesRows(tokens)) return free(statement, noWarehouse());
    const outcome = await execute(parts, statement, sql, 0);
    const isFree = outcome.kind === 'failed' || workBytes(outcome) === 0;
    return free(statement, isFree ? outcome : endingWith(parts.engine, outcome, noWarehouse()));
  }
  const limits = limitsOf(statement, warehouse);
  const waited = await takePlace(warehouse, statement, limits);
  if (waited.kind === 'ended') return waited.executed;
  const { place, at } = waited;
  try {
    const outcome = await execute(parts, statement, sql, limits.runSeconds);
    if (outcome.kind === 'failed' && outcome.code === WIRE_CODES.statementTimeout) {
      // The engine ran far beyond the limit: the statement held its place until then.
      const endless = { compileMs: 0, workMs: limits.runSeconds * 1000 + 1 };
      return await spend(statement, warehouse, place, () => endless, limits, outcome);
    }
    if (outcome.kind === 'failed' || workBytes(outcome) === 0) return free(statement, outcome);
    const bytes = workBytes(outcome);
    const workOf = ({ size }: Servers): { compileMs: number; workMs: number } => {
      const { compileMs, executionMs } = modelDuration(sql, at, bytes, NODES[size]);
      return { compileMs, workMs: compileMs + executionMs };
    };
    const spent = await spend(statement, warehouse, place, workOf, limits, outcome);
    endingWith(parts.engine, outcome, spent.outcome);
    return spent;
  } finally {
    place.leave();
  }
}

async function runWait(
  parts: ExecutorParts,
  statement: Statement,
  waitMs: number,
): Promise<Executed> {
  const warehouse = usableWarehouse(parts.fleet, statement);
  if (warehouse === undefined) return free(statement, noWarehouse());
  const limits = limitsOf(statement, warehouse);
  const waited = await takePlace(warehouse, statement, limits, waitMs);
  if (waited.kind === 'ended') return waited.executed;
  try {
    const outcome = rowsOf(
      [columnType('SYSTEM$WAIT', 'text')],
      [[`waited ${Math.round(waitMs / 1000)} seconds`]],
      STATEMENT_TYPES.select,
    );
    const work = { compileMs: 0, workMs: waitMs };
    return await spend(statement, warehouse, waited.place, () => work, limits, outcome);
  } finally {
    waited.place.leave();
  }
}

/** Runs the engine; its own time never counts, except that one hanging far beyond the timeout is interrupted. */
async function execute(
  parts: ExecutorParts,
  statement: Statement,
  sql: string,
  limitSeconds: number,
): Promise<Outcome> {
  const session = await parts.sessions.engineSession(statement.session);
  const stop = new AbortController();
  const relay = (): void => stop.abort();
  let isLate = false;
  const lateAfterMs =
    limitSeconds === 0 ? 0 : (limitSeconds * 1000) / parts.clock.scale + ENGINE_GRACE_MS;
  const timer =
    lateAfterMs > 0 && lateAfterMs < 2_000_000_000
      ? setTimeout(() => {
          isLate = true;
          stop.abort();
        }, lateAfterMs)
      : undefined;
  try {
    const outcome = await whileListening(statement.abort.signal, relay, () =>
      session.execute(engineRequest(parts, statement, sql), stop.signal),
    );
    if (isLate) return endingWith(parts.engine, outcome, timedOut(limitSeconds));
    if (outcome.kind === 'failed') return outcome;
    if (outcome.database !== undefined) statement.session.database = outcome.database;
    if (outcome.schema !== undefined) statement.session.schema = outcome.schema;
    return outcome;
  } finally {
    clearTimeout(timer);
  }
}

/** The request as the engine gets it. */
export function engineRequest(
  parts: ExecutorParts,
  statement: Statement,
  sql: string,
): EngineRequest {
  const { session, request } = statement;
  const set = new Map([...session.parameters, ...request.parameters]);
  return {
    sql,
    database: session.database,
    schema: session.schema,
    binds: request.binds,
    ...(request.bindStage === undefined ? {} : { bindStage: request.bindStage }),
    context: contextOf(session, parts.clock.now(), sql),
    rowsMax: parameterNumber(set, 'ROWS_PER_RESULTSET', 0),
    isAutocommit: isAutocommit(set),
    parameters: engineParameters(session.parameters, request.parameters),
    result(queryId) {
      const outcome = parts.statements().find(session, queryId)?.settled?.outcome;
      return outcome?.kind === 'rows' ? outcome : undefined;
    },
  };
}

function writesRows(tokens: readonly Token[]): boolean {
  const words = tokens.filter((token) => token.kind === 'word').map((token) => token.value);
  const [first = ''] = words;
  return (
    WRITING_WORDS.has(first) ||
    (first === 'CREATE' && words.includes('AS') && words.includes('TABLE'))
  );
}

function workBytes(outcome: Extract<Outcome, { kind: 'rows' }>): number {
  return outcome.scan.bytesScanned + outcome.scan.bytesWritten;
}

function countMismatch(actual: number, wanted: number): Outcome {
  return failure(
    WIRE_CODES.statementCountMismatch,
    '0A000',
    `Actual statement count ${actual} did not match the desired statement count ${wanted}.`,
  );
}
