/** The engine as the server sees it: the port of engine.ts over the engine process. */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import type { Cell } from '#base/wire/row-type.js';
import type {
  EarlierResult,
  Engine,
  EngineFailure,
  EnginePlan,
  EngineRequest,
  EngineRows,
  EngineSession,
} from './engine.js';
import { DEFAULT_STAGE_LIMITS, type StageLimits } from './stages/stage-files.js';
import { ChildLink, ChildLost } from './process/child-link.js';
import { DEFAULT_RESULT_LIMITS } from '../results/spool.js';
import type { ResultLimits } from '../results/spool.js';
import { numberedIds } from './sql/earlier-queries.js';
import { encodeRows } from './statistics/encoded-rows.js';
import type { RowsAsText, StatementRequest } from './process/messages.js';

export interface EngineOptions {
  /** Directory of the database file; created when missing. One engine per directory. */
  readonly dataDir: string;
  readonly log: Log;
  /** Fill a new database with ANALYTICS (TPCH, WEB, PUBLIC). */
  readonly demoWorld: boolean;
  /** TPC-H scale factor of the demo world; 1 is six million line items. */
  readonly scaleFactor?: number;
  readonly memoryLimitMb?: number;
  /** How much of results travels inline and is kept on disk, where not as by default. */
  readonly results?: Partial<ResultLimits>;
  /** Most files and bytes of a stage, and most bytes of stages that one statement reads or writes. */
  readonly stageLimits?: Partial<StageLimits>;
}

/** Engine plus what supervision and tests need of its process. */
export interface RunningEngine extends Engine {
  /** Id of the engine process while one is running. */
  readonly pid: number | undefined;
}

/**
 * Opens the database in `dataDir` in a child process and returns when it answers. Throws a Fault when the directory
 * is in use by another engine or cannot be opened.
 */
export async function createEngine(options: EngineOptions): Promise<RunningEngine> {
  const link = new ChildLink(options.log, {
    dataDir: options.dataDir,
    demoWorld: options.demoWorld,
    scaleFactor: options.scaleFactor ?? 0.01,
    memoryLimitMb: options.memoryLimitMb ?? 1024,
    results: { ...DEFAULT_RESULT_LIMITS, ...options.results },
    stageLimits: { ...DEFAULT_STAGE_LIMITS, ...options.stageLimits },
  });
  await link.ready();
  let lastSession = 0;
  return {
    get pid() {
      return link.pid;
    },
    openSession: async () => {
      const session = new LinkedSession(link, ++lastSession);
      await session.open();
      return session;
    },
    databases: () => link.request({ op: 'databases' }),
    schemas: (database) => link.request({ op: 'schemas', database }),
    tables: (database, schema) => link.request({ op: 'tables', database, schema }),
    sequences: (database, schema) => link.request({ op: 'sequences', database, schema }),
    columns: (database, schema, table) => link.request({ op: 'columns', database, schema, table }),
    replaceTable: async (database, schema, name, columns, rows) => {
      const table = { database, schema, name, columns, rows: encodeRows(rows) };
      await link.request({ op: 'replaceTable', ...table });
    },
    amendTable: (database, schema, name, columns, amendment, rows) => {
      const table = { database, schema, name, columns, rows: encodeRows(rows) };
      return link.request({ op: 'replaceTable', ...table, amendment });
    },
    dropResult: (result) => {
      // A process that is gone has taken its results with it.
      link.send({ op: 'dropResult', result }).reply.catch(() => null);
    },
    stop: () => link.stop(),
  };
}

/** One session. After the engine process was lost it goes on with a new connection, without its temporary tables. */
class LinkedSession implements EngineSession {
  readonly #link: ChildLink;
  readonly #session: number;
  #epoch = 0;

  constructor(link: ChildLink, session: number) {
    this.#link = link;
    this.#session = session;
  }

  async open(): Promise<void> {
    await this.#link.ready();
    if (this.#epoch === this.#link.epoch) return;
    this.#epoch = this.#link.epoch;
    await this.#link.send({ op: 'open', session: this.#session }).reply;
  }

  async execute(request: EngineRequest, signal: AbortSignal): Promise<EngineRows | EngineFailure> {
    if (signal.aborted) return cancelled();
    try {
      await this.open();
      const { id, reply } = this.#link.send({
        op: 'execute',
        session: this.#session,
        request: statementRequest(request),
      });
      const interrupt = (): void => {
        this.#link.send({ op: 'interrupt', statement: id }).reply.catch(() => null);
      };
      signal.addEventListener('abort', interrupt, { once: true });
      if (signal.aborted) interrupt();
      try {
        const answer = await reply;
        return answer.kind === 'failed' ? answer : withCells(answer);
      } finally {
        signal.removeEventListener('abort', interrupt);
      }
    } catch (thrown) {
      return lost(thrown);
    }
  }

  async plan(request: EngineRequest): Promise<EnginePlan | EngineFailure> {
    try {
      await this.open();
      return await this.#link.send({
        op: 'plan',
        session: this.#session,
        request: statementRequest(request),
      }).reply;
    } catch (thrown) {
      return lost(thrown);
    }
  }

  async close(): Promise<void> {
    if (this.#epoch !== this.#link.epoch) return;
    await this.#link.send({ op: 'close', session: this.#session }).reply.catch(() => null);
  }
}

function withCells(answer: RowsAsText): EngineRows {
  const { rowTexts, ...rest } = answer;
  const rows = JSON.parse(`[${rowTexts.join(',')}]`) as Cell[][];
  return { ...rest, rows };
}

/** RESULT_SCAN's ids are literals, numbers or LAST_QUERY_ID(): the results they may name are looked up before the text travels. */
function statementRequest(request: EngineRequest): StatementRequest {
  const results: Record<string, EarlierResult> = {};
  if (/RESULT_SCAN/i.test(request.sql)) {
    const ids = [...request.sql.matchAll(/'([0-9a-zA-Z-]{8,64})'/g)].map((match) => match[1] ?? '');
    for (const bind of request.binds) if (typeof bind.value === 'string') ids.push(bind.value);
    ids.push(...numberedIds(request.sql, request.context));
    for (const value of Object.values(request.context)) if (value !== null) ids.push(value);
    for (const id of ids.slice(0, 64)) {
      const result = request.result(id);
      if (result === undefined) continue;
      const { columns, rows, stored } = result;
      results[id] = { columns, rows, ...(stored === undefined ? {} : { stored }) };
    }
  }
  const { sql, database, schema, binds, context, bindStage } = request;
  const { isAutocommit = true, parameters = {}, rowsMax = 0 } = request;
  const staged = bindStage === undefined ? {} : { bindStage };
  const settings = { isAutocommit, parameters, rowsMax };
  return { sql, database, schema, binds, context, ...settings, results, ...staged };
}

function cancelled(): EngineFailure {
  return {
    kind: 'failed',
    code: WIRE_CODES.queryCancelled,
    sqlState: '57014',
    message: 'SQL execution canceled',
    line: -1,
    pos: -1,
  };
}

function lost(thrown: unknown): EngineFailure {
  const why = thrown instanceof ChildLost ? 'the engine process ended' : toError(thrown).message;
  return {
    kind: 'failed',
    code: WIRE_CODES.internalError,
    sqlState: 'XX000',
    message: `SQL execution internal error: ${why}. Send the statement again.`,
    line: -1,
    pos: -1,
  };
}
