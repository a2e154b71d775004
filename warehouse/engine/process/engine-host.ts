/** What the engine process holds: the database, its sessions, the transpiler; and the answer to each request. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { must } from '#base/assert.js';
import type { TableAmendment } from '../engine.js';
import { openDatabase, type Database } from '../database.js';
import { Transpiler } from '../sql/transpiler.js';
import { SessionStages, type StageWorld } from '../stages/catalogue.js';
import { FileEngine } from '../stages/file-engine.js';
import { StageFiles } from '../stages/stage-files.js';
import { EngineSession } from '../statement/engine-session.js';
import {
  listColumns,
  listDatabases,
  listSchemas,
  listSequences,
  listTables,
} from '../statistics/catalogue.js';
import { amendTable, replaceTable, type ProvidedTable } from '../statistics/provided.js';
import { Statistics } from '../statistics/statistics.js';
import { ResultSpool } from '../../results/spool.js';
import type { ChildReplies, ChildRequest, StartOptions } from './messages.js';

const LEAVE_AFTER_MS = 250;
const SWEEP_EVERY_MS = 60_000;

interface Opened {
  readonly database: Database;
  readonly statistics: Statistics;
  readonly spool: ResultSpool;
  readonly stages: StageWorld;
}

export class EngineHost {
  readonly #transpiler = new Transpiler();
  readonly #sessions = new Map<number, EngineSession>();
  /** Statement id → its session, while it waits or runs. */
  readonly #running = new Map<number, EngineSession>();
  readonly #cancelled = new Set<number>();
  #opened: Opened | undefined;
  #writer: DuckDBConnection | undefined;
  #lastReplaced: Promise<void> = Promise.resolve();

  /** The reply to one request; rejects only for what no statement can cause. */
  async answer(id: number, request: ChildRequest): Promise<ChildReplies[keyof ChildReplies]> {
    switch (request.op) {
      case 'start':
        await this.#start(request.options);
        return null;
      case 'open':
        await this.#openSession(request.session);
        return null;
      case 'close':
        this.#sessions.get(request.session)?.close();
        this.#sessions.delete(request.session);
        return null;
      case 'execute': {
        const session = this.#session(request.session);
        this.#running.set(id, session);
        try {
          return await session.execute(request.request, id, () => this.#cancelled.has(id));
        } finally {
          this.#running.delete(id);
          this.#cancelled.delete(id);
        }
      }
      case 'plan':
        return await this.#session(request.session).plan(request.request, id);
      case 'interrupt': {
        const session = this.#running.get(request.statement);
        if (session === undefined) return null;
        this.#cancelled.add(request.statement);
        session.interrupt(request.statement);
        return null;
      }
      case 'databases':
        return await listDatabases(this.#open().database.service);
      case 'schemas':
        return await listSchemas(this.#open().database.service, request.database);
      case 'tables':
        return await listTables(this.#open().database.service, request.database, request.schema);
      case 'sequences':
        return await listSequences(this.#open().database.service, request.database, request.schema);
      case 'columns':
        return await listColumns(
          this.#open().database.service,
          request.database,
          request.schema,
          request.table,
        );
      case 'replaceTable':
        return await this.#provide(request, request.amendment);
      case 'dropResult':
        this.#open().spool.drop(request.result);
        return null;
      case 'stop':
        this.#close();
        return null;
    }
  }

  /**
   * The parent is gone: ends the process. A running query holds a thread that an orderly exit would wait for, so it
   * is interrupted and given a moment; what is committed is safe in the write-ahead log either way.
   */
  leave(): void {
    // After an orderly stop no query can hold a thread. Before it, one may have begun a moment ago that is counted as
    // running nowhere yet, and an exit would wait for it: only a kill surely ends.
    if (this.#opened === undefined) process.exit(0);
    for (const session of this.#sessions.values()) session.connection.interrupt();
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LEAVE_AFTER_MS);
  }

  async #start(options: StartOptions): Promise<void> {
    this.#transpiler.warm();
    const database = await openDatabase(options);
    const statistics = new Statistics(database.service, options.demoWorld);
    // Only now: whoever has the database open has the folders, too.
    const spool = new ResultSpool(join(options.dataDir, 'results'), options.results, Date.now);
    setInterval(() => spool.sweep(), SWEEP_EVERY_MS).unref();
    const files = new StageFiles(join(options.dataDir, 'stages'), options.stageLimits);
    await files.open();
    const stages = { files, engine: new FileEngine(files.root) };
    this.#opened = { database, statistics, spool, stages };
  }

  /** One at a time, on a connection of its own: the transaction must not take in what others ask meanwhile. */
  #provide(table: ProvidedTable, amendment: TableAmendment | undefined): Promise<boolean> {
    const { database, statistics } = this.#open();
    const mine = this.#lastReplaced.then(async () => {
      this.#writer ??= await database.connect();
      const isDone =
        amendment === undefined
          ? await replaceTable(this.#writer, table).then(() => true)
          : await amendTable(this.#writer, table, amendment);
      statistics.changed();
      return isDone;
    });
    this.#lastReplaced = mine.then(
      () => undefined,
      () => undefined,
    );
    return mine;
  }

  async #openSession(session: number): Promise<void> {
    const { database, statistics, spool, stages: world } = this.#open();
    const connection = await database.connect();
    this.#sessions.set(
      session,
      new EngineSession({
        connection,
        transpiler: this.#transpiler,
        statistics,
        stages: new SessionStages(world),
        spool,
      }),
    );
  }

  #session(session: number): EngineSession {
    return must(this.#sessions.get(session), 'a statement for a session that is not open');
  }

  #open(): Opened {
    return must(this.#opened, 'a request before the database was opened');
  }

  #close(): void {
    for (const session of this.#sessions.values()) session.connection.interrupt();
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#writer?.closeSync();
    this.#writer = undefined;
    this.#opened?.stages.engine.close();
    this.#opened?.database.close();
    this.#opened = undefined;
  }
}
