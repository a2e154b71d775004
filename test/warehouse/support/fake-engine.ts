/**
 * An engine of a few fixed answers, for tests of the server alone: `SELECT <literal>`, `SELECT CURRENT_…()`,
 * `SELECT * FROM BIG …` (reads `GB` gigabytes), `INSERT …`, `SELECT ?`, `BROKEN`. Counts what it ran.
 */
import type {
  Engine,
  EngineFailure,
  EnginePlan,
  EngineRequest,
  EngineRows,
  EngineSession,
} from '../../../warehouse/engine/engine.js';
import { columnType } from '#base/wire/row-type.js';
import type { Cell } from '#base/wire/row-type.js';

export interface FakeEngine extends Engine {
  /** Texts that were executed, in order. */
  readonly executed: string[];
  readonly provided: Map<string, readonly (readonly Cell[])[]>;
  /** Ids of results that were given up. */
  readonly dropped: string[];
  /** What `SELECT PLANTED` answers. */
  planted: EngineRows | undefined;
  /** When set, statements wait for it before they answer. */
  gate: Promise<void> | undefined;
}

const NOTHING = {
  bytesScanned: 0,
  partitionsScanned: 0,
  partitionsTotal: 0,
  rowsScanned: 0,
  bytesWritten: 0,
};

function rows(
  names: readonly string[],
  cells: readonly (readonly Cell[])[],
  bytesScanned = 0,
): EngineRows {
  return {
    kind: 'rows',
    columns: names.map((name) => columnType(name, 'text')),
    rows: cells,
    statementTypeId: 0x1000,
    scan: {
      ...NOTHING,
      bytesScanned,
      partitionsScanned: bytesScanned > 0 ? 3 : 0,
      partitionsTotal: bytesScanned > 0 ? 9 : 0,
    },
  };
}

function failed(code: string, sqlState: string, message: string): EngineFailure {
  return { kind: 'failed', code, sqlState, message, line: 1, pos: 0 };
}

function answer(request: EngineRequest): EngineRows | EngineFailure {
  const big = /FROM BIG (\d+)/i.exec(request.sql);
  if (big !== null) return rows(['GB'], [[big[1] ?? '']], Number(big[1]) * 1e9);
  const context = /^SELECT\s+(\w+)\(\)$/i.exec(request.sql);
  if (context !== null)
    return rows([context[1] ?? ''], [[request.context[(context[1] ?? '').toUpperCase()] ?? null]]);
  const variable = /^SELECT\s+(\$\w+)$/i.exec(request.sql);
  if (variable !== null)
    return rows(['V'], [[request.context[(variable[1] ?? '').toUpperCase()] ?? null]]);
  if (/RESULT_SCAN/i.test(request.sql)) {
    const earlier = request.result(/'([^']+)'/.exec(request.sql)?.[1] ?? '');
    return earlier === undefined
      ? failed('000709', '02000', 'Statement not found')
      : {
          ...rows([], []),
          columns: earlier.columns,
          rows: earlier.rows.slice(0, request.rowsMax || earlier.rows.length),
        };
  }
  if (/^SELECT\s+\?/i.test(request.sql))
    return rows(['B'], [request.binds.map((bind) => String(bind.value))]);
  if (/^BROKEN/i.test(request.sql))
    return failed('001003', '42000', "SQL compilation error: syntax error unexpected 'BROKEN'.");
  if (/^INSERT/i.test(request.sql))
    return {
      ...rows(['number of rows inserted'], [['2']]),
      statementTypeId: 0x3100,
      scan: { ...NOTHING, bytesWritten: 64 },
    };
  const literal = /^SELECT\s+(?:'([^']*)'|(\d+))/i.exec(request.sql);
  return rows(['X'], [[literal?.[1] ?? literal?.[2] ?? null]]);
}

export function fakeEngine(): FakeEngine {
  const executed: string[] = [];
  const provided = new Map<string, readonly (readonly Cell[])[]>();
  const engine: FakeEngine = {
    executed,
    provided,
    dropped: [],
    planted: undefined,
    gate: undefined,
    openSession: () => Promise.resolve(session()),
    databases: () => Promise.resolve(['ANALYTICS', 'SNOWFLAKE']),
    schemas: () =>
      Promise.resolve([
        { database: 'ANALYTICS', name: 'PUBLIC' },
        { database: 'ANALYTICS', name: 'TPCH' },
      ]),
    tables: (database, schema) =>
      Promise.resolve(
        [
          {
            database: 'ANALYTICS',
            schema: 'TPCH',
            name: 'ORDERS',
            kind: 'TABLE' as const,
            rows: 10,
            bytes: 100,
            clusteringKey: null,
            createdAtMs: 0,
            comment: null,
            viewText: null,
            isSecure: false,
            keys: [],
          },
          {
            database: 'ANALYTICS',
            schema: 'PUBLIC',
            name: 'NOTES',
            kind: 'VIEW' as const,
            rows: 0,
            bytes: 0,
            clusteringKey: null,
            createdAtMs: 0,
            comment: null,
            viewText: null,
            isSecure: false,
            keys: [],
          },
        ].filter(
          (table) =>
            (database ?? table.database) === table.database &&
            (schema ?? table.schema) === table.schema,
        ),
      ),
    sequences: () => Promise.resolve([]),
    columns: (_database, _schema, table) =>
      Promise.resolve(
        table === null || table === 'ORDERS'
          ? [
              {
                database: 'ANALYTICS',
                schema: 'TPCH',
                table: 'ORDERS',
                name: 'O_KEY',
                position: 1,
                dataType: 'NUMBER(38,0)',
                nullable: false,
                default: null,
                comment: null,
              },
            ]
          : [],
      ),
    replaceTable(database, schema, name, _columns, cells) {
      provided.set(`${database}.${schema}.${name}`, cells);
      return Promise.resolve();
    },
    dropResult: (id) => void engine.dropped.push(id),
    amendTable(database, schema, name, columns, { from, keptRows }, cells) {
      const key = `${database}.${schema}.${name}`;
      const at = columns.findIndex((column) => column.name === from?.column);
      const isTail = (cell: Cell): boolean => cell === null || Number(cell) >= Number(from?.cell);
      const kept = provided.get(key)?.filter((row) => at < 0 || !isTail(row[at] ?? null));
      if (kept?.length !== keptRows) return Promise.resolve(false);
      provided.set(key, [...kept, ...cells]);
      return Promise.resolve(true);
    },
    stop: () => Promise.resolve(),
  };
  function session(): EngineSession {
    return {
      async execute(request, signal) {
        executed.push(request.sql);
        if (engine.planted !== undefined && /^SELECT PLANTED/i.test(request.sql))
          return engine.planted;
        if (engine.gate !== undefined) {
          await Promise.race([
            engine.gate,
            new Promise<void>((resolve) =>
              signal.addEventListener('abort', () => resolve(), { once: true }),
            ),
          ]);
          if (signal.aborted) return failed('000604', '57014', 'SQL execution canceled');
        }
        const view = /(SNOWFLAKE\.)?(ACCOUNT_USAGE|ORGANIZATION_USAGE|TABLE_FUNCTIONS)\.(\w+)/.exec(
          request.sql,
        );
        const cells =
          view === null ? undefined : provided.get(`SNOWFLAKE.${view[2] ?? ''}.${view[3] ?? ''}`);
        return cells === undefined
          ? answer(request)
          : rows(
              Array.from({ length: cells[0]?.length ?? 0 }, (_, at) => `C${at}`),
              cells,
            );
      },
      plan(request): Promise<EnginePlan | EngineFailure> {
        const result = answer(request);
        return Promise.resolve(
          result.kind === 'failed'
            ? result
            : {
                kind: 'plan',
                scans: [
                  {
                    table: 'ANALYTICS.TPCH.ORDERS',
                    columns: ['O_KEY'],
                    filters: ['O_KEY > 3'],
                    partitionsAssigned: 3,
                    partitionsTotal: 9,
                    bytesAssigned: result.scan.bytesScanned,
                  },
                ],
                columns: result.columns,
                statementTypeId: result.statementTypeId,
              },
        );
      },
      close: () => Promise.resolve(),
    };
  }
  return engine;
}
