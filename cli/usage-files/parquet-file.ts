/** An export in Parquet, read by DuckDB in this process; every value comes as text, so that no amount loses digits. */
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { toError } from '../../base/errors.js';
import type { ServiceRow } from '../../base/snowflake/service-connection.js';
import { UsageFileError } from '../../billing/usage/usage-files.js';
import type { UsageFile } from '../../billing/usage/usage-files.js';

const MEMORY = '600MB';

interface TypedColumn {
  readonly name: string;
  readonly type: string;
}

/** The file at `path`. Throws UsageFileError in DuckDB's words when it is no whole Parquet file. */
export async function openParquet(path: string): Promise<UsageFile> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  const close = (): Promise<void> => {
    connection.closeSync();
    instance.closeSync();
    return Promise.resolve();
  };
  const from = `read_parquet('${path.replaceAll("'", "''")}', binary_as_string = true)`;
  try {
    const typed = await described(connection, from);
    const columns = typed.map(({ name }) => name.toUpperCase());
    return {
      columns,
      batches: (wanted) => {
        const kept = typed.filter(({ name }) => wanted.has(name.toUpperCase()));
        const values = kept.map((column) => textOf(column)).join(', ');
        return batchesOf(
          connection,
          `SELECT ${values} FROM ${from}`,
          kept.map(({ name }) => name.toUpperCase()),
        );
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw unreadable(thrown);
  }
}

async function described(
  connection: DuckDBConnection,
  from: string,
): Promise<readonly TypedColumn[]> {
  await connection.run(`SET TimeZone = 'UTC'`);
  const reply = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  return reply.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
}

/** Instants as milliseconds since 1970, so that no zone is lost on the way. */
function textOf({ name, type }: TypedColumn): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  if (type.startsWith('TIMESTAMP WITH TIME ZONE')) return `epoch_ms(${column})::VARCHAR`;
  if (type.startsWith('TIMESTAMP')) return `epoch_ms(${column}::TIMESTAMP)::VARCHAR`;
  // A column of numbers with gaps is often written as floats, the gaps as NaN.
  if (/^(?:DOUBLE|FLOAT)/.test(type))
    return `CASE WHEN NOT isnan(${column}) THEN ${column}::VARCHAR END`;
  return `${column}::VARCHAR`;
}

async function* batchesOf(
  connection: DuckDBConnection,
  sql: string,
  columns: readonly string[],
): AsyncGenerator<readonly ServiceRow[]> {
  try {
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield chunk
        .getRows()
        .map((row) =>
          Object.fromEntries(
            columns.map((name, index) => [
              name,
              typeof row[index] === 'string' ? row[index] : null,
            ]),
          ),
        );
    }
  } catch (thrown) {
    throw thrown instanceof UsageFileError ? thrown : unreadable(thrown);
  }
}

function unreadable(thrown: unknown): UsageFileError {
  const [reason = ''] = toError(thrown).message.split('\n');
  return new UsageFileError(
    null,
    `the file cannot be read as Parquet: ${reason.replace(/'[^']*'|"[^"]*"/g, 'it').slice(0, 200)}`,
  );
}
