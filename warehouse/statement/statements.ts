/**
 * The statements of all sessions: dedupe by (session, request id), running, cancelling, and kept results with a cap
 * in bytes. A finished statement whose result was given up keeps nothing here; the event log still tells of it.
 */
import { randomUUID } from 'node:crypto';
import { deferred } from '#base/deferred.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Clock } from '#base/time.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { keptText } from '../metering/event-log.js';
import type { EventLog } from '../metering/event-log.js';
import type { StatementEnded, StatementStarted } from '../metering/events.js';
import { changedRows, failure, rowCountOf } from './outcome.js';
import type { Outcome } from './outcome.js';
import { clientParameters, parameterValue } from './parameters.js';
import { withoutPasswords } from '../identity/redaction.js';
import { rememberQuery } from '../identity/sessions.js';
import type { Session } from '../identity/sessions.js';
import { keptBytes, scanOf } from './statement.js';
import type { Settled, Statement, StatementRequest, Usage } from './statement.js';
import { readTokens, splitRequest } from './tokens.js';

const STATEMENTS_MAX = 50_000;
const REQUESTS_PER_SESSION_MAX = 5_000;

/** Runs one statement to its end; must not throw for anything a client can cause. */
export type Execute = (
  statement: Statement,
) => Promise<{ readonly outcome: Outcome; readonly usage: Usage }>;

export class Statements {
  readonly #clock: Clock;
  readonly #events: EventLog;
  readonly #log: Log;
  readonly #execute: Execute;
  readonly #keptMaxBytes: number;
  readonly #dropResult: (id: string) => void;
  readonly #byId = new Map<string, Statement>();
  readonly #byRequest = new Map<number, Map<string, Statement>>();
  readonly #abortedRequests = new Map<number, Set<string>>();
  readonly #kept = new Map<string, number>();
  /** Stored result → how many kept statements have it: RESULT_SCAN hands one on as it is. */
  readonly #storedUses = new Map<string, number>();
  #keptBytes = 0;

  /**
   * @param keptMaxBytes most bytes of memory for the results that are kept.
   * @param dropResult told the ids of stored results that nobody can ask for any more.
   */
  constructor(
    clock: Clock,
    events: EventLog,
    log: Log,
    keptMaxBytes: number,
    execute: Execute,
    dropResult: (id: string) => void,
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#log = log;
    this.#keptMaxBytes = keptMaxBytes;
    this.#execute = execute;
    this.#dropResult = dropResult;
  }

  /** Starts a statement, or returns the one that the same session started with the same request id. */
  submit(session: Session, request: StatementRequest): Statement {
    const own = this.#byRequest.get(session.id) ?? new Map<string, Statement>();
    this.#byRequest.set(session.id, own);
    const known = own.get(request.requestId);
    if (known !== undefined) return known;
    const abort = new AbortController();
    if (this.#abortedRequests.get(session.id)?.delete(request.requestId) === true) abort.abort();
    const statement = this.start(session, request, abort);
    own.set(request.requestId, statement);
    if (own.size > REQUESTS_PER_SESSION_MAX) dropOldest(own);
    return statement;
  }

  /** Starts a statement that has no request of its own: a child of a multi-statement request. */
  start(
    session: Session,
    request: StatementRequest,
    abort: AbortController = new AbortController(),
  ): Statement {
    const id = randomUUID();
    const startedAt = this.#clock.now();
    const { promise: done, resolve } = deferred<Settled>();
    const statement: Statement = {
      id,
      session,
      request,
      startedAt,
      abort,
      done,
      settled: undefined,
      isQueued: false,
    };
    this.#byId.set(id, statement);
    this.#forget();
    this.#logStart(statement);
    this.#run(statement).then(resolve, (cause: unknown) => {
      this.#log.error(
        { cause: toError(cause).message, queryId: id },
        'settling a statement failed',
      );
      resolve(this.#settle(statement, internalFailure(), freeUsage(startedAt)));
    });
    return statement;
  }

  /** A statement that `session`'s user started, in whatever session; undefined for unknown ids and other users'. */
  find(session: Session, id: string): Statement | undefined {
    const statement = this.#byId.get(id);
    return statement !== undefined && mayRead(session, statement) ? statement : undefined;
  }

  /** Any statement, for those who may see all of them. */
  findAny(id: string): Statement | undefined {
    return this.#byId.get(id);
  }

  /** Cancels by request id; a request that has not arrived yet is cancelled when it does. */
  abortRequest(session: Session, requestId: string): boolean {
    const statement = this.#byRequest.get(session.id)?.get(requestId);
    if (statement !== undefined) return this.abort(statement);
    const early = this.#abortedRequests.get(session.id) ?? new Set<string>();
    early.add(requestId);
    if (early.size > 100) early.delete([...early][0] ?? '');
    this.#abortedRequests.set(session.id, early);
    return false;
  }

  /** Asks a statement to end; false when it has ended. */
  abort(statement: Statement): boolean {
    if (statement.settled !== undefined) return false;
    statement.abort.abort();
    return true;
  }

  /** Statements that have not ended. */
  running(sessionId?: number): readonly Statement[] {
    return [...this.#byId.values()].filter(
      (statement) =>
        statement.settled === undefined &&
        (sessionId === undefined || statement.session.id === sessionId),
    );
  }

  /** Cancels what a closing session still runs in the foreground and forgets its request ids. */
  async closeSession(session: Session): Promise<void> {
    this.#byRequest.delete(session.id);
    this.#abortedRequests.delete(session.id);
    const running = this.running(session.id);
    for (const statement of running) if (!statement.request.isAsync) this.abort(statement);
    await Promise.all(running.map((statement) => statement.done));
  }

  async #run(statement: Statement): Promise<Settled> {
    let result: { readonly outcome: Outcome; readonly usage: Usage };
    try {
      result = await this.#execute(statement);
    } catch (cause) {
      this.#log.error(
        { cause: toError(cause).message, queryId: statement.id },
        'a statement failed unexpectedly',
      );
      result = { outcome: internalFailure(), usage: freeUsage(statement.startedAt) };
    }
    const settled = this.#settle(statement, result.outcome, result.usage);
    const written = this.#events.append(endOf(statement, settled));
    if (result.usage.warehouse !== null) await written;
    else written.catch((cause: unknown) => this.#logUnwritten(cause));
    rememberQuery(statement.session, statement.id);
    this.#keep(statement, settled);
    return settled;
  }

  #settle(statement: Statement, outcome: Outcome, usage: Usage): Settled {
    const { session } = statement;
    const settled: Settled = {
      outcome,
      usage,
      parameters: clientParameters(session.parameters),
      database: session.database,
      schema: session.schema,
      warehouse: session.warehouse,
      role: session.role,
    };
    statement.settled = settled;
    return settled;
  }

  #logStart(statement: Statement): void {
    const { session, request } = statement;
    const tag =
      request.parameters.get('QUERY_TAG') ?? parameterValue(session.parameters, 'QUERY_TAG');
    this.#events
      .append({
        type: 'started',
        at: statement.startedAt,
        id: statement.id,
        text: keptText(withoutPasswords(request.sql)),
        queryType: queryType(request.sql),
        tag: String(tag ?? ''),
        user: session.user.name,
        role: session.role,
        sessionId: session.id,
        ...clientOf(session),
        database: session.database,
        schema: session.schema,
      })
      .catch((cause: unknown) => this.#logUnwritten(cause));
  }

  #logUnwritten(cause: unknown): void {
    this.#log.error({ cause: toError(cause).message }, 'the event log cannot be written');
  }

  #keep(statement: Statement, settled: Settled): void {
    const bytes = keptBytes(settled);
    this.#kept.set(statement.id, bytes);
    this.#keptBytes += bytes;
    this.#useStored(settled.outcome, 1);
    for (const id of this.#kept.keys()) {
      if (this.#keptBytes <= this.#keptMaxBytes || id === statement.id) break;
      this.#giveUp(id);
    }
  }

  #forget(): void {
    if (this.#byId.size <= STATEMENTS_MAX) return;
    for (const [id, statement] of this.#byId) {
      if (statement.settled === undefined) continue;
      this.#giveUp(id);
      return;
    }
  }

  #useStored(outcome: Outcome, change: 1 | -1): void {
    const id = outcome.kind === 'rows' ? outcome.stored?.id : undefined;
    if (id === undefined) return;
    const uses = (this.#storedUses.get(id) ?? 0) + change;
    if (uses > 0) this.#storedUses.set(id, uses);
    else {
      this.#storedUses.delete(id);
      this.#dropResult(id);
    }
  }

  /** Forgets a result. Its request id stays taken: a repeat of the request must not run it again. */
  #giveUp(id: string): void {
    const statement = this.#byId.get(id);
    this.#byId.delete(id);
    this.#keptBytes -= this.#kept.get(id) ?? 0;
    this.#kept.delete(id);
    const settled = statement?.settled;
    if (statement === undefined || settled === undefined) return;
    this.#useStored(settled.outcome, -1);
    const own = this.#byRequest.get(statement.session.id);
    const { requestId } = statement.request;
    if (own?.get(requestId) !== statement) return;
    const gone: Settled = { ...settled, outcome: notKept(id) };
    own.set(requestId, { ...statement, settled: gone, done: Promise.resolve(gone) });
  }
}

/** A statement that used no warehouse and ended after `elapsedMs`. */
export function freeUsage(startedAt: number, elapsedMs = 0): Usage {
  return {
    warehouse: null,
    size: null,
    cluster: null,
    runningSince: startedAt,
    endedAt: startedAt + elapsedMs,
    compileMs: elapsedMs,
    executionMs: 0,
  };
}

/** First word of a statement, as QUERY_TYPE names it; several statements are one that contains them. */
export function queryType(sql: string): string {
  if (sql.includes(';') && splitRequest(sql).length > 1) return 'MULTI_STATEMENT';
  const [first, second] = readTokens(sql.slice(0, 2000));
  if (first?.kind !== 'word') return 'UNKNOWN';
  if (first.value === 'WITH') return 'SELECT';
  if (first.value === 'DESC') return 'DESCRIBE';
  const twoWords = first.value === 'CREATE' || first.value === 'ALTER' || first.value === 'DROP';
  return twoWords && second?.kind === 'word' ? `${first.value}_${second.value}` : first.value;
}

function mayRead(session: Session, statement: Statement): boolean {
  return statement.session.user.name === session.user.name;
}

function endOf(statement: Statement, settled: Settled): StatementEnded {
  const { outcome, usage } = settled;
  const scan = scanOf(settled);
  const failed = outcome.kind === 'failed' ? outcome : undefined;
  return {
    type: 'ended',
    at: usage.endedAt,
    id: statement.id,
    status: failed === undefined ? 'SUCCESS' : 'FAIL',
    warehouse: usage.warehouse,
    ...(usage.warehouseId === undefined ? {} : { warehouseId: usage.warehouseId }),
    size: usage.size,
    ...(usage.make === undefined ? {} : { make: usage.make }),
    cluster: usage.cluster,
    runningSince: usage.runningSince,
    compileMs: usage.compileMs,
    executionMs: usage.executionMs,
    queuedMs: Math.max(0, usage.runningSince - statement.startedAt),
    ...(usage.provisioningMs === undefined ? {} : { provisioningMs: usage.provisioningMs }),
    bytesScanned: scan.bytesScanned,
    bytesWritten: scan.bytesWritten,
    partitionsScanned: scan.partitionsScanned,
    partitionsTotal: scan.partitionsTotal,
    rowsProduced: rowCountOf(outcome),
    ...changedRows(outcome),
    errorCode: failed?.code ?? null,
    errorMessage: failed?.message ?? null,
  };
}

function internalFailure(): Outcome {
  return failure(
    WIRE_CODES.internalError,
    'XX000',
    'SQL execution internal error: processing aborted by an incident.',
  );
}

function notKept(id: string): Outcome {
  return failure(
    WIRE_CODES.queryUnknown,
    '02000',
    `Statement ${id} has ended; its result is not kept any more.`,
  );
}

function dropOldest(map: Map<string, Statement>): void {
  for (const [key, statement] of map) {
    if (statement.settled === undefined) continue;
    map.delete(key);
    return;
  }
}

/** As CLIENT_APPLICATION_ID shows it: `JavaScript 3.2.0`. */
function clientOf({
  clientApp,
  clientVersion,
  application,
}: Session): Pick<StatementStarted, 'client' | 'application'> {
  const client = `${clientApp} ${clientVersion}`.trim();
  return {
    ...(client === '' ? {} : { client }),
    ...(application === undefined ? {} : { application }),
  };
}
