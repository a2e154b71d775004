/** What parent and child say to each other. Every request has an id and gets exactly one reply; rows travel as JSON texts. */
import type { ResultLimits } from '../../results/spool.js';
import type {
  CatalogueColumn,
  CatalogueSequence,
  CatalogueTable,
  EarlierResult,
  EngineBind,
  EngineFailure,
  EnginePlan,
  EngineRows,
  ProvidedColumn,
  TableAmendment,
} from '../engine.js';
import type { ParameterScalar } from '../session-parameters.js';
import type { EncodedRows } from '../statistics/encoded-rows.js';
import type { StageLimits } from '../stages/stage-files.js';

/** An EngineRequest without its callback: earlier results that the text may name travel along. */
export interface StatementRequest {
  readonly sql: string;
  readonly database: string | null;
  readonly schema: string | null;
  readonly binds: readonly EngineBind[];
  readonly context: Readonly<Record<string, string | null>>;
  readonly isAutocommit: boolean;
  /** 0 = all. */
  readonly rowsMax: number;
  readonly bindStage?: string;
  readonly parameters: Readonly<Record<string, ParameterScalar>>;
  readonly results: Readonly<Record<string, EarlierResult>>;
}

export interface StartOptions {
  readonly dataDir: string;
  readonly demoWorld: boolean;
  readonly scaleFactor: number;
  readonly memoryLimitMb: number;
  readonly results: ResultLimits;
  readonly stageLimits: StageLimits;
}

export type ChildRequest =
  | { readonly op: 'start'; readonly options: StartOptions }
  | { readonly op: 'open'; readonly session: number }
  | { readonly op: 'close'; readonly session: number }
  | { readonly op: 'execute'; readonly session: number; readonly request: StatementRequest }
  | { readonly op: 'plan'; readonly session: number; readonly request: StatementRequest }
  | { readonly op: 'interrupt'; readonly statement: number }
  | { readonly op: 'databases' }
  | { readonly op: 'schemas'; readonly database: string | null }
  | { readonly op: 'tables'; readonly database: string | null; readonly schema: string | null }
  | { readonly op: 'sequences'; readonly database: string | null; readonly schema: string | null }
  | {
      readonly op: 'columns';
      readonly database: string | null;
      readonly schema: string | null;
      readonly table: string | null;
    }
  | {
      readonly op: 'replaceTable';
      readonly database: string;
      readonly schema: string;
      readonly name: string;
      readonly columns: readonly ProvidedColumn[];
      readonly rows: EncodedRows;
      /** The table is replaced when left out. */
      readonly amendment?: TableAmendment;
    }
  | { readonly op: 'dropResult'; readonly result: string }
  | { readonly op: 'stop' };

/** Rows as JSON array texts, built inside DuckDB: turning values into JavaScript there is four times as slow. */
export type RowsAsText = Omit<EngineRows, 'rows'> & { readonly rowTexts: readonly string[] };

export interface SchemaName {
  readonly database: string;
  readonly name: string;
}

/** What each operation answers. */
export interface ChildReplies {
  readonly start: null;
  readonly open: null;
  readonly close: null;
  readonly execute: RowsAsText | EngineFailure;
  readonly plan: EnginePlan | EngineFailure;
  readonly interrupt: null;
  readonly databases: readonly string[];
  readonly schemas: readonly SchemaName[];
  readonly tables: readonly CatalogueTable[];
  readonly sequences: readonly CatalogueSequence[];
  readonly columns: readonly CatalogueColumn[];
  /** False: an amendment that did not fit. */
  readonly replaceTable: boolean;
  readonly dropResult: null;
  readonly stop: null;
}

export interface Envelope {
  readonly id: number;
  readonly request: ChildRequest;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: ChildReplies[keyof ChildReplies] }
  | { readonly id: number; readonly ok: false; readonly error: string };
