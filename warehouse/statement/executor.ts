/** Runs one statement: what the server answers itself, several at once, or one for the engine on its warehouse. */
import type { EngineRequest } from '../engine/engine.js';
import type { Clock } from '#base/time.js';
import { columnType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { contextOf } from './context.js';
import { FREE_STATEMENT_MS, modelDuration } from '../fleet/duration.js';
import type { Fleet } from '../fleet/fleet.js';
import { cancelled, failure, missingObject, rowsOf, timedOut } from './outcome.js';
import type { Outcome } from './outcome.js';
import { ownStatement } from './own-statements.js';
import type { OwnWorld } from './own-statements.js';
import { isAutocommit, parameterNumber } from './parameters.js';
import { NODES } from '../fleet/rates.js';
import type { Sessions } from '../identity/sessions.js';
import type { Statement, Usage } from './statement.js';
import { freeUsage } from './statements.js';
import type { Statements } from './statements.js';
import { readTokens, splitRequest } from './tokens.js';
import { endingWith } from './unused-result.js';
import type { Token } from './tokens.js';
import type { Views } from '../account-usage/views.js';
import type { Place, Placement, VirtualWarehouse } from '../fleet/virtual-warehouse.js';

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
]);
const WRITING_WORDS: ReadonlySet<string> = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'COPY',
  'UNLOAD',
]);

export interface Executed {
  readonly outcome: Outcome;
  readonly usage: Usage;
}

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
  if (statement.request.binds.length > 0)
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
      return { outcome: settled.outcome, usage: endNow(parts, statement) };
    children.push({ id: child.id, statementTypeId: settled.outcome.statementTypeId });
  }
  const rows = rowsOf(
    [columnType('multiple statement execution', 'text')],
    [['Multiple statements executed successfully.']],
    STATEMENT_TYPES.multi,
  );
  return { outcome: { ...rows, children }, usage: endNow(parts, statement) };
}

async function describe(parts: ExecutorParts, statement: Statement, sql: string): Promise<Outcome> {
  const session = await parts.sessions.engineSession(statement.session);
  const plan = await session.plan(engineRequest(parts, statement, sql));
  return plan.kind === 'failed' ? plan : rowsOf(plan.columns, [], plan.statementTypeId);
}

async function runOnWarehouse(
  parts: ExecutorParts,
  statement: Statement,
  sql: string,
  tokens: readonly Token[],
): Promise<Executed> {
  const warehouse = usableWarehouse(parts, statement);
  if (warehouse === undefined) {
    if (writesRows(tokens)) return free(statement, noWarehouse());
    const outcome = await execute(parts, statement, sql, 0);
    const isFree = outcome.kind === 'failed' || workBytes(outcome) === 0;
    return free(statement, isFree ? outcome : endingWith(parts.engine, outcome, noWarehouse()));
  }
  const queued = await takePlace(warehouse, statement);
  if (queued === undefined) return { outcome: cancelled(), usage: endNow(parts, statement) };
  const { place, placement } = queued;
  const limitSeconds = statementLimitSeconds(statement, warehouse);
  try {
    const outcome = await execute(parts, statement, sql, limitSeconds);
    if (outcome.kind === 'failed' && outcome.code === WIRE_CODES.statementTimeout)
      return { outcome, usage: endNow(parts, statement) };
    if (outcome.kind === 'failed' || workBytes(outcome) === 0) return free(statement, outcome);
    const duration = modelDuration(sql, placement.at, workBytes(outcome), NODES[placement.size]);
    const work = {
      compileMs: duration.compileMs,
      workMs: duration.compileMs + duration.executionMs,
    };
    const spent = await spend(statement, warehouse, place, placement, work, limitSeconds, outcome);
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
  const warehouse = usableWarehouse(parts, statement);
  if (warehouse === undefined) return free(statement, noWarehouse());
  const queued = await takePlace(warehouse, statement);
  if (queued === undefined) return { outcome: cancelled(), usage: endNow(parts, statement) };
  const { place, placement } = queued;
  try {
    const outcome = rowsOf(
      [columnType('SYSTEM$WAIT', 'text')],
      [[`waited ${Math.round(waitMs / 1000)} seconds`]],
      STATEMENT_TYPES.select,
    );
    const limitSeconds = statementLimitSeconds(statement, warehouse);
    return await spend(
      statement,
      warehouse,
      place,
      placement,
      { compileMs: 0, workMs: waitMs },
      limitSeconds,
      outcome,
    );
  } finally {
    place.leave();
  }
}

/** Lets the modelled time pass on the warehouse; the outcome is the statement's, a timeout's or a cancel's. */
async function spend(
  statement: Statement,
  warehouse: VirtualWarehouse,
  place: Place,
  placement: Placement,
  work: { readonly compileMs: number; readonly workMs: number },
  limitSeconds: number,
  outcome: Outcome,
): Promise<Executed> {
  const ended = await whileListening(
    statement.abort.signal,
    () => place.leave(),
    () => place.weigh(work.workMs, limitSeconds * 1000),
  );
  const spentMs = ended.at - placement.at;
  const compileMs = Math.min(work.compileMs, spentMs);
  const usage: Usage = {
    warehouse: warehouse.definition.name,
    size: placement.size,
    cluster: placement.cluster,
    runningSince: placement.at,
    endedAt: ended.at,
    compileMs,
    executionMs: spentMs - compileMs,
  };
  switch (ended.how) {
    case 'done':
      return { outcome, usage };
    case 'limit':
      return { outcome: timedOut(limitSeconds), usage };
    case 'left':
      return { outcome: cancelled(), usage };
  }
}

async function takePlace(
  warehouse: VirtualWarehouse,
  statement: Statement,
): Promise<{ readonly place: Place; readonly placement: Placement } | undefined> {
  const place = warehouse.enter(statement.startedAt);
  statement.isQueued = true;
  const placement = await whileListening(
    statement.abort.signal,
    () => place.leave(),
    () => place.placed,
  );
  statement.isQueued = false;
  return placement === undefined ? undefined : { place, placement };
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
    if (outcome.kind === 'rows') {
      if (outcome.database !== undefined) statement.session.database = outcome.database;
      if (outcome.schema !== undefined) statement.session.schema = outcome.schema;
    }
    return outcome;
  } finally {
    clearTimeout(timer);
  }
}

/** Listens to `signal` only while `work` runs; an already aborted signal is told at once. */
async function whileListening<T>(
  signal: AbortSignal,
  onAbort: () => void,
  work: () => Promise<T>,
): Promise<T> {
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const running = work();
    if (signal.aborted) onAbort();
    return await running;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The request as the engine gets it. */
export function engineRequest(
  parts: ExecutorParts,
  statement: Statement,
  sql: string,
): EngineRequest {
  const { session, request } = statement;
  return {
    sql,
    database: session.database,
    schema: session.schema,
    binds: request.binds,
    context: contextOf(session, parts.clock.now(), sql),
    isAutocommit: isAutocommit(new Map([...session.parameters, ...request.parameters])),
    result(queryId) {
      const outcome = parts.statements().find(session, queryId)?.settled?.outcome;
      return outcome?.kind === 'rows' ? outcome : undefined;
    },
  };
}

function usableWarehouse(parts: ExecutorParts, statement: Statement): VirtualWarehouse | undefined {
  const warehouse = parts.fleet.get(statement.session.warehouse);
  if (warehouse === undefined) return undefined;
  return warehouse.state === 'SUSPENDED' && !warehouse.definition.autoResume
    ? undefined
    : warehouse;
}

/** Lowest non-zero of the statement's or session's and the warehouse's own limit; 0 = none. */
function statementLimitSeconds(statement: Statement, warehouse: VirtualWarehouse): number {
  const set = new Map([...statement.session.parameters, ...statement.request.parameters]);
  const limits = [
    parameterNumber(set, 'STATEMENT_TIMEOUT_IN_SECONDS', 0),
    warehouse.definition.statementTimeoutSeconds,
  ].filter((seconds) => seconds > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
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

function noWarehouse(): Outcome {
  return failure(
    WIRE_CODES.noActiveWarehouse,
    '57P03',
    "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.",
  );
}

function countMismatch(actual: number, wanted: number): Outcome {
  return failure(
    WIRE_CODES.statementCountMismatch,
    '0A000',
    `Actual statement count ${actual} did not match the desired statement count ${wanted}.`,
  );
}

function free(statement: Statement, outcome: Outcome): Executed {
  return { outcome, usage: freeUsage(statement.startedAt, FREE_STATEMENT_MS) };
}

function endNow(parts: ExecutorParts, statement: Statement): Usage {
  return freeUsage(statement.startedAt, Math.max(0, parts.clock.now() - statement.startedAt));
}
