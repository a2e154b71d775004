/**
 * A second DuckDB that alone may touch files, and only those below the stages' folder. It never sees a client's text:
 * the DuckDB that runs statements keeps no access to files at all.
 */
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import { quoteDuckText, quoteName } from '../sql/pieces.js';
import type { ParquetColumn } from './parquet-columns.js';

export class FileEngine {
  readonly #root: string;
  #opened: Promise<DuckDBConnection> | undefined;
  #instance: DuckDBInstance | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** `root` is the only folder it can read and write below. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The columns of a Parquet file, in its order. */
  columnsOf(file: string): Promise<readonly ParquetColumn[]> {
    return this.#inTurn(async (connection) => {
      const known = await connection.runAndReadAll(
        `DESCRIBE SELECT * FROM read_parquet(${quoteDuckText(file)})`,
      );
      const written = await connection.runAndReadAll(
        `SELECT name, coalesce(num_children, 0)::INTEGER, coalesce(repetition_type, ''), coalesce(logical_type, '')
         FROM parquet_schema(${quoteDuckText(file)})`,
      );
      const described = known.getRows();
      // The first is the row itself; what is nested comes after what holds it.
      const own = topLevel(written.getRows().slice(1));
      return own.map(([name, , repetition, logical], at) => ({
        name: String(name),
        duckName: String(described[at]?.[0]),
        duckType: String(described[at]?.[1]),
        isNullable: repetition !== 'REQUIRED',
        isNanoseconds: /NANOS=Nano/.test(String(logical)),
        isUntyped: logical === 'NullType()',
      }));
    });
  }

  /** Values of the expression `row` over the columns of a Parquet file, for each of its rows, in order. */
  rowsOf(file: string, row: string, onRow: (json: string) => void): Promise<void> {
    return this.#inTurn(async (connection) => {
      const result = await connection.stream(
        `SELECT (${row})::VARCHAR FROM read_parquet(${quoteDuckText(file)})`,
      );
      for await (const rows of result.yieldRows()) for (const [json] of rows) onRow(json as string);
    });
  }

  /** Writes a Parquet file; `fill` appends the rows to a table of `columns`. */
  write(
    file: string,
    columns: readonly { readonly name: string; readonly type: string }[],
    compression: 'snappy' | 'uncompressed',
    fill: (connection: DuckDBConnection, table: string) => Promise<void>,
  ): Promise<void> {
    return this.#inTurn(async (connection) => {
      const list = columns.map(({ name, type }) => `${quoteName(name)} ${type}`).join(', ');
      await connection.run(`CREATE OR REPLACE TEMP TABLE unload (${list})`);
      try {
        await fill(connection, 'unload');
        await connection.run(
          `COPY temp.main.unload TO ${quoteDuckText(file)} (FORMAT parquet, COMPRESSION ${compression})`,
        );
      } finally {
        await connection.run('DROP TABLE IF EXISTS temp.main.unload');
      }
    });
  }

  close(): void {
    this.#isClosed = true;
    void this.#opened?.then((connection) => {
      connection.closeSync();
      this.#instance?.closeSync();
    });
  }

  #inTurn<Result>(work: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(async () => {
      if (this.#isClosed) throw new Error('the engine has stopped');
      this.#opened ??= this.#open();
      return await work(await this.#opened);
    });
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #open(): Promise<DuckDBConnection> {
    this.#instance = await DuckDBInstance.create(':memory:', {
      memory_limit: '256MB',
      threads: '1',
      temp_directory: '',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await this.#instance.connect();
    await connection.run(`SET GLOBAL TimeZone = 'UTC'`);
    await connection.run(`SET allowed_directories = [${quoteDuckText(this.#root)}]`);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
    return connection;
  }
}

/** The rows of `parquet_schema` that are columns, without what is inside of these. */
function topLevel(rows: readonly (readonly DuckDBValue[])[]): readonly (readonly DuckDBValue[])[] {
  const found: (readonly DuckDBValue[])[] = [];
  let at = 0;
  const past = (): void => {
    const children = Number(rows[at]?.[1] ?? 0);
    at += 1;
    for (let child = 0; child < children; child += 1) past();
  };
  while (at < rows.length) {
    const row = rows[at];
    if (row !== undefined) found.push(row);
    past();
  }
  return found;
}
