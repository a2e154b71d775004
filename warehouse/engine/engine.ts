/**
 * The port between the warehouse's server (protocol, sessions, virtual warehouses, metering) and its SQL engine
 * (DuckDB in a child process, translation, demo data, statistics). The server owns everything about sessions and
 * time; the engine owns data and says how much of it a statement reads.
 */
import type { Cell, RowType } from '#base/wire/row-type.js';
import type { StoredResult } from '../results/stored-result.js';
import type { ParameterScalar } from './session-parameters.js';

/** A bind as it came on the wire: Snowflake type name and text, or an array of texts for array binds. */
export interface EngineBind {
  readonly type: string;
  readonly value: string | null | readonly (string | null)[];
}

export interface EngineRequest {
  /** One Snowflake statement without a trailing semicolon. */
  readonly sql: string;
  readonly database: string | null;
  readonly schema: string | null;
  /** In positional order. */
  readonly binds: readonly EngineBind[];
  /** Values of context functions and session variables, by upper-case name: CURRENT_USER, CURRENT_ROLE, CURRENT_WAREHOUSE, LAST_QUERY_ID, … */
  readonly context: Readonly<Record<string, string | null>>;
  /** `@stage/path` of CSV files that hold the values of an array bind, one record a row; instead of `binds`. */
  readonly bindStage?: string;
  /** Most rows of a query's result (Snowflake, "Parameters", ROWS_PER_RESULTSET); 0 or left out = all. */
  readonly rowsMax?: number;
  /** False: a DML statement opens a transaction that lasts until COMMIT, ROLLBACK or a definition. True when left out. */
  readonly isAutocommit?: boolean;
  /** Session parameters that change what SQL means, by name: every one of ENGINE_HONOURED, with a value it honours, and ROWS_PER_RESULTSET. Defaults when left out. */
  readonly parameters?: Readonly<Record<string, ParameterScalar>>;
  /** Earlier results that RESULT_SCAN may name: query id → columns and rows. */
  result(queryId: string): EarlierResult | undefined;
}

/** The result of an earlier statement. */
export interface EarlierResult {
  readonly columns: readonly RowType[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows after `rows`. */
  readonly stored?: StoredResult;
}

/** How much work a statement is, by statistics; modelled durations and EXPLAIN rest on it. */
export interface ScanProfile {
  readonly bytesScanned: number;
  readonly partitionsScanned: number;
  readonly partitionsTotal: number;
  readonly rowsScanned: number;
  readonly bytesWritten: number;
}

/** A failure in Snowflake's words: numeric code, SQLSTATE, message; never DuckDB's text. */
export interface EngineFailure {
  readonly kind: 'failed';
  readonly code: string;
  readonly sqlState: string;
  readonly message: string;
  readonly line: number;
  readonly pos: number;
}

/** What a driver needs to copy files into or out of a stage by itself, which PUT and GET ask of it. */
export interface FileTransfer {
  readonly command: 'UPLOAD' | 'DOWNLOAD';
  /** UPLOAD: the client's own text of its files; DOWNLOAD: paths below `location`. */
  readonly sources: readonly string[];
  /** Absolute folder below the stages of this machine. */
  readonly location: string;
  /** DOWNLOAD: the client's own text of the folder on its side. */
  readonly localLocation: string | null;
  readonly parallel: number;
  readonly isCompressed: boolean;
  readonly isOverwriting: boolean;
  /** `auto_detect`, `none`, `gzip`, … */
  readonly sourceCompression: string;
}

export interface EngineRows {
  readonly kind: 'rows';
  readonly columns: readonly RowType[];
  /** All rows, or the first of them when there are `stored` ones. */
  readonly rows: readonly (readonly Cell[])[];
  /** Rows after `rows`, on disk; whoever drops the result says so with `Engine.dropResult`. */
  readonly stored?: StoredResult;
  /**
   * The most characters that a cell of each column has, for numbers whose type allows more digits than 64 bits hold
   * and 0 for others: Arrow has columns as narrow as their values. Absent when nobody measured.
   */
  readonly widths?: readonly number[];
  readonly statementTypeId: number;
  readonly scan: ScanProfile;
  /** Set when the statement itself changed the current database or schema (CREATE DATABASE, CREATE SCHEMA). */
  readonly database?: string;
  readonly schema?: string;
  /** PUT and GET: the driver moves the files and makes the rows. */
  readonly transfer?: FileTransfer;
}

export interface PlannedScan {
  /** `DB.SCHEMA.TABLE`. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly filters: readonly string[];
  readonly partitionsAssigned: number;
  readonly partitionsTotal: number;
  readonly bytesAssigned: number;
}

/** An operator of a plan. */
export interface PlannedOperator {
  /** Snowflake's name: TableScan, Filter, InnerJoin, Aggregate, Sort, … */
  readonly operation: string;
  /** Index of the operator that takes its rows; -1 for the result. */
  readonly parent: number;
  readonly expressions: readonly string[];
  /** Index in the plan's scans, of a TableScan. */
  readonly scan?: number;
}

export interface EnginePlan {
  readonly kind: 'plan';
  /** Parents before children; absent where nothing but the scans is known. */
  readonly operators?: readonly PlannedOperator[];
  readonly scans: readonly PlannedScan[];
  readonly columns: readonly RowType[];
  readonly statementTypeId: number;
}

/** One Snowflake session's connection: temporary objects, transaction and settings live here. */
export interface EngineSession {
  /** Runs a statement. Aborting the signal interrupts DuckDB and yields a `000604` failure. */
  execute(request: EngineRequest, signal: AbortSignal): Promise<EngineRows | EngineFailure>;
  /** Compiles without running: result columns, and what would be scanned after pruning. */
  plan(request: EngineRequest): Promise<EnginePlan | EngineFailure>;
  close(): Promise<void>;
}

export interface CatalogueColumn {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly position: number;
  /** Snowflake type text, e.g. `NUMBER(38,0)`. */
  readonly dataType: string;
  readonly nullable: boolean;
  /** As SQL; null for none. */
  readonly default: string | null;
  readonly comment: string | null;
}

/** A key of a table: kept and shown, not enforced. */
export interface CatalogueKey {
  readonly kind: 'PRIMARY KEY' | 'UNIQUE' | 'FOREIGN KEY';
  readonly name: string;
  readonly columns: readonly string[];
  /** Of foreign keys: the other table in full, and its columns; none stand for its primary key. */
  readonly references?: {
    readonly database: string;
    readonly schema: string;
    readonly table: string;
    readonly columns: readonly string[];
  };
}

export interface CatalogueSequence {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly nextValue: string;
  readonly increment: string;
}

export interface CatalogueTable {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'TABLE' | 'VIEW' | 'TEMPORARY';
  /** Rows and bytes by statistics (what they stand for, not what DuckDB stores). */
  readonly rows: number;
  readonly bytes: number;
  readonly clusteringKey: string | null;
  readonly createdAtMs: number;
  readonly comment: string | null;
  /** Of views: the statement that made them; null for tables. */
  readonly viewText: string | null;
  readonly isSecure: boolean;
  readonly keys: readonly CatalogueKey[];
}

/** A column of a table that the server provides. */
export interface ProvidedColumn {
  readonly name: string;
  /** Snowflake type text, e.g. `VARCHAR`, `NUMBER(38,9)`, `TIMESTAMP_LTZ`, `VARIANT`. */
  readonly type: string;
}

/** Which rows of a provided table stay when others are put in their place. */
export interface TableAmendment {
  /** Rows whose `column` is `cell` or later, or NULL, go; none when absent. The cell is in the encoding of a result. */
  readonly from: { readonly column: string; readonly cell: string } | undefined;
  /** How many rows stay, as the caller knows it. */
  readonly keptRows: number;
}

export interface Engine {
  openSession(): Promise<EngineSession>;
  databases(): Promise<readonly string[]>;
  schemas(
    database: string | null,
  ): Promise<readonly { readonly database: string; readonly name: string }[]>;
  tables(database: string | null, schema: string | null): Promise<readonly CatalogueTable[]>;
  sequences(database: string | null, schema: string | null): Promise<readonly CatalogueSequence[]>;
  columns(
    database: string | null,
    schema: string | null,
    table: string | null,
  ): Promise<readonly CatalogueColumn[]>;
  /**
   * Makes `database.schema.name` hold exactly `rows`, creating what is missing, in one transaction: readers see the
   * old rows or the new ones. Cells are texts in the encodings of a result (`Cell`). Such tables are read-only to
   * statements, cost no bytes to scan and are empty after a restart. The table function
   * `TABLE(<db>.INFORMATION_SCHEMA.F(…))` reads the provided table `SNOWFLAKE.TABLE_FUNCTIONS.F`.
   */
  replaceTable(
    database: string,
    schema: string,
    name: string,
    columns: readonly ProvidedColumn[],
    rows: readonly (readonly Cell[])[],
  ): Promise<void>;
  /** Deletes the pages of a result that nobody will ask for any more. */
  dropResult(id: string): void;
  /**
   * Puts `rows` in the place of the last rows of a provided table, in one transaction.
   *
   * @returns false, with nothing changed, when the table does not keep exactly as many rows as the caller expects: it
   *   was lost with an engine process, or is another one. It is then to be replaced as a whole.
   */
  amendTable(
    database: string,
    schema: string,
    name: string,
    columns: readonly ProvidedColumn[],
    amendment: TableAmendment,
    rows: readonly (readonly Cell[])[],
  ): Promise<boolean>;
  stop(): Promise<void>;
}
