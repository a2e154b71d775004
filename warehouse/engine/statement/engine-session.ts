/** A session inside the engine process: a DuckDB connection, its temporary tables, and the statement it runs. */
import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import { toError } from '#base/errors.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import type { RowType } from '#base/wire/row-type.js';
import type { EngineFailure, EnginePlan } from '../engine.js';
import type { ResultSpool, WrittenResult } from '../../results/spool.js';
import { cancelled, resultTooLarge, StatementFailed, syntaxError } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { textNames } from '../sql/column-names.js';
import { quoteDuckText, type Piece } from '../sql/pieces.js';
import { dotted } from '../sql/resolve.js';
import { refuseMissingBinds, timezoneOf } from '../sql/substitute.js';
import { duckName, translate, type Names } from '../sql/translate.js';
import type { ResolvedMention } from '../sql/table-names.js';
import type { SessionStages } from '../stages/catalogue.js';
import { compiledReads, stageAnswer, withStagedReads } from '../stages/dispatch.js';
import { STAGE_VERBS } from '../stages/stage-verbs.js';
import { withZonedItems } from '../sql/zoned-items.js';
import type { Transpiler } from '../sql/transpiler.js';
import type { AssignedScan, Statistics } from '../statistics/statistics.js';
import { isVariantType, measuredColumns, rowsSql } from './cells.js';
import { setRoles } from './defaults.js';
import { ExactNames } from './exact-names.js';
import { runDdl } from './ddl.js';
import { describedColumns } from './described-columns.js';
import { runDml } from './dml.js';
import { fromDuckError } from './duck-errors.js';
import { EarlierResults } from './earlier-results.js';
import { withPivotValues } from './pivot-values.js';
import { readStatement, typeOfVerb, verbOf, type Running } from './reading.js';
import type { Session } from './session.js';
import { tableFunction } from './table-functions.js';
import { commitOpen, inOwnTransaction, runTransaction } from './transaction.js';

export interface SessionParts {
  readonly connection: DuckDBConnection;
  readonly transpiler: Transpiler;
  readonly statistics: Statistics;
  readonly spool: ResultSpool;
  readonly stages: SessionStages;
}

const INTERRUPT_EVERY_MS = 100;

export class EngineSession implements Session {
  readonly connection: DuckDBConnection;
  readonly statistics: Statistics;
  readonly stages: SessionStages;
  /** Full dotted names of this session's temporary tables. */
  readonly temporary: Set<string> = new Set<string>();
  isInTransaction = false;
  readonly #transpiler: Transpiler;
  readonly #spool: ResultSpool;
  readonly #earlier: EarlierResults;
  readonly #exactNames = new ExactNames();
  #timezone = 'UTC';
  #isInterrupted = false;
  #current: number | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SessionParts) {
    this.connection = parts.connection;
    this.statistics = parts.statistics;
    this.stages = parts.stages;
    this.#transpiler = parts.transpiler;
    this.#spool = parts.spool;
    this.#earlier = new EarlierResults(parts.connection);
  }

  /** Runs a statement after those before it; every ending is a value. `isCancelled` is asked before the first step. */
  execute(
    request: StatementRequest,
    id: number,
    isCancelled: () => boolean,
  ): Promise<RowsAsText | EngineFailure> {
    return this.#inTurn(request, id, (running) => {
      if (isCancelled()) throw new StatementFailed(cancelled());
      refuseMissingBinds(running.source, request);
      return withStagedReads(this, running, (read) => this.#dispatch(read));
    });
  }

  /** Compiles a statement. */
  plan(request: StatementRequest, id: number): Promise<EnginePlan | EngineFailure> {
    return this.#inTurn(request, id, async (running) =>
      this.#plan(await compiledReads(this, running)),
    );
  }

  /** The statement that runs now has been cancelled. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Stops statement `id` if it is the one that runs now; it ends with 000604. */
  interrupt(id: number): void {
    if (this.#current !== id) return;
    this.#isInterrupted = true;
    this.connection.interrupt();
  }

  close(): void {
    this.connection.interrupt();
    this.connection.closeSync();
    // What a failed removal leaves is removed when the engine starts again.
    this.stages.close().catch(() => undefined);
  }

  /** Text of a statement for DuckDB. */
  async translate(running: Running, pieces: readonly Piece[] = running.pieces): Promise<string> {
    const stage = pieces.find(({ kind }) => kind === 'stage' || kind === 'fileUrl');
    if (stage !== undefined)
      throw new StatementFailed(syntaxError(running.request.sql, stage.start, stage.text));
    await this.#earlier.load(running.request.results);
    const { duckSql, mentions } = await translate(
      await withPivotValues(this, running, pieces),
      running.request.sql,
      this.names(running),
      this.#transpiler,
    );
    running.mentions = mentions;
    await setRoles(this, running);
    await this.#exactNames.check(this.connection, this, pieces, mentions, running.request.sql);
    return duckSql;
  }

  names(running: Running): Names {
    const { database, schema } = running.request;
    return {
      database,
      schema,
      temporary: this.temporary,
      variantColumns: (mentions) => this.#variantColumns(mentions),
      tableFunction: (mention, pieces) => tableFunction(mention, pieces, running.request),
    };
  }

  async #variantColumns(mentions: readonly ResolvedMention[]): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    const tables = new Set(
      mentions.filter(({ use }) => use !== 'define').map(({ full }) => duckName(full, this)),
    );
    for (const table of tables) {
      try {
        const prepared = await this.connection.prepare(`SELECT * FROM ${table}`);
        for (let index = 0; index < prepared.columnCount; index += 1)
          if (isVariantType(prepared.columnType(index))) names.add(prepared.columnName(index));
        prepared.destroySync();
      } catch {
        // The statement itself says what is wrong with the table.
      }
    }
    return names;
  }

  #inTurn<Result>(
    request: StatementRequest,
    id: number,
    run: (running: Running) => Promise<Result>,
  ): Promise<Result | EngineFailure> {
    const mine = this.#last.then(() => {
      this.#current = id;
      return this.#guarded(request, run);
    });
    this.#last = mine;
    return mine;
  }

  async #guarded<Result>(
    request: StatementRequest,
    run: (running: Running) => Promise<Result>,
  ): Promise<Result | EngineFailure> {
    this.#isInterrupted = false;
    let running: Running | undefined;
    try {
      running = readStatement(request);
      await this.#useTimezone(timezoneOf(request));
      return await run(running);
    } catch (thrown) {
      if (thrown instanceof StatementFailed) return thrown.failure;
      if (this.#isInterrupted) return cancelled();
      const { sql } = request;
      return fromDuckError(toError(thrown).message, {
        sql,
        pieces: running?.source ?? [],
        mentions: running?.mentions ?? [],
      });
    } finally {
      await this.#earlier.release();
    }
  }

  /** What casts between TIMESTAMP_LTZ and other types go by. */
  async #useTimezone(timezone: string): Promise<void> {
    if (timezone === this.#timezone) return;
    await this.connection.run(`SET TimeZone = ${quoteDuckText(timezone)}`);
    this.#timezone = timezone;
  }

  #dispatch(running: Running): Promise<RowsAsText> {
    const staged = stageAnswer(this, running);
    if (staged !== undefined) return staged;
    switch (verbOf(running.pieces)) {
      case 'INSERT':
      case 'UPDATE':
      case 'DELETE':
      case 'MERGE':
        return inOwnTransaction(this, running.request.isAutocommit, () => runDml(this, running));
      case 'CREATE':
      case 'DROP':
      case 'ALTER':
      case 'TRUNCATE':
      case 'COMMENT':
      case 'UNDROP':
        return commitOpen(this).then(() => runDdl(this, running));
      case 'BEGIN':
      case 'START':
      case 'COMMIT':
      case 'ROLLBACK':
        return runTransaction(this, running);
      default:
        return this.query(running);
    }
  }

  /** Runs a SELECT: rows as JSON texts, columns, and what it scans by the statistics. */
  async query(running: Running): Promise<RowsAsText> {
    const duckSql = await this.translate(running, withZonedItems(running.pieces));
    const { columns, types } = await this.describe(running, duckSql);
    const scans = await this.#scans(running, duckSql);
    const { rowsMax } = running.request;
    const limit = rowsMax > 0 ? ` LIMIT ${Math.trunc(rowsMax)}` : '';
    const written = await this.#rows(rowsSql(duckSql, types) + limit, measuredColumns(types));
    return {
      kind: 'rows',
      columns,
      ...written,
      statementTypeId: STATEMENT_TYPES.select,
      scan: this.statistics.profile(scans, 0),
    };
  }

  async #plan(running: Running): Promise<EnginePlan> {
    const verb = verbOf(running.pieces);
    const statementTypeId = typeOfVerb(verb);
    if (STAGE_VERBS[verb] !== undefined || statementTypeId >= STATEMENT_TYPES.tcl)
      return { kind: 'plan', scans: [], columns: [], statementTypeId };
    const duckSql = await this.translate(running, withZonedItems(running.pieces));
    const scans = await this.#scans(running, duckSql);
    const columns =
      statementTypeId === STATEMENT_TYPES.select
        ? (await this.describe(running, duckSql)).columns
        : [];
    const operators = await this.statistics.operatorsOf(this.connection, duckSql);
    const hasAll = operators.filter(({ scan }) => scan !== undefined).length === scans.length;
    return {
      kind: 'plan',
      scans: this.statistics.planned(scans),
      columns,
      statementTypeId,
      ...(hasAll ? { operators } : {}),
    };
  }

  async #scans(running: Running, duckSql: string): Promise<readonly AssignedScan[]> {
    const scans = await this.statistics.scansOf(this.connection, duckSql);
    const tables = running.mentions
      .map(({ full }) => full)
      .filter((full) => !this.temporary.has(dotted(full)));
    return await this.statistics.withEmpty(this.connection, scans, tables);
  }

  /** Columns of a query in DuckDB's text, under the names that the statement's text gives them. */
  async describe(
    running: Running,
    duckSql: string,
  ): Promise<{ readonly columns: readonly RowType[]; readonly types: readonly DuckDBType[] }> {
    const prepared = await this.connection.prepare(duckSql);
    try {
      return describedColumns(prepared, textNames(running.source, running.request.sql));
    } finally {
      prepared.destroySync();
    }
  }

  async #rows(sql: string, measured: readonly number[]): Promise<Measured> {
    if (this.#isInterrupted) throw new StatementFailed(cancelled());
    // DuckDB forgets an interrupt that comes between two of its queries: it is said again until it is heard.
    const insist = setInterval(() => {
      if (this.#isInterrupted) this.connection.interrupt();
    }, INTERRUPT_EVERY_MS);
    const writer = this.#spool.begin();
    try {
      const widths: number[] = [];
      const result = await this.connection.stream(sql);
      for await (const chunk of result.yieldRows()) {
        if (this.#isInterrupted) throw new StatementFailed(cancelled());
        for (const [text, ...lengths] of chunk) {
          if (!writer.add(text as string)) throw new StatementFailed(resultTooLarge());
          for (const [at, column] of measured.entries())
            widths[column] = Math.max(widths[column] ?? 0, Number(lengths[at]));
        }
      }
      if (this.#isInterrupted) throw new StatementFailed(cancelled());
      const written = writer.finish();
      if (written === undefined) throw new StatementFailed(resultTooLarge());
      return { ...written, widths: Array.from(widths, (width) => width ?? 0) };
    } catch (cause) {
      writer.discard();
      throw cause;
    } finally {
      clearInterval(insist);
    }
  }
}

type Measured = WrittenResult & { readonly widths: readonly number[] };
