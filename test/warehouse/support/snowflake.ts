/** The real Node driver, quiet and promise-shaped. Its switches must be set before it is loaded. */
import type * as SnowflakeSdk from 'snowflake-sdk';
import type { Connection, RowStatement } from 'snowflake-sdk';

export interface Answer {
  readonly rows: readonly Record<string, unknown>[];
  readonly statement: RowStatement;
}

export interface Client {
  readonly connection: Connection;
  query(sqlText: string, options?: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

type Sdk = typeof SnowflakeSdk;
let loaded: Promise<Sdk> | undefined;

/** Loads the driver once, with platform probes, telemetry and logging off. */
export function snowflake(): Promise<Sdk> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Sdk> {
  process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] = 'true';
  process.env['SF_TELEMETRY_DISABLE_CONNECTION_SHAPE'] = '1';
  process.env['SNOWFLAKE_DISABLE_MINICORE'] = '1';
  const imported = (await import('snowflake-sdk')) as unknown as { readonly default: Sdk };
  const sdk = imported.default;
  sdk.configure({ logLevel: 'ERROR', logFilePath: 'STDOUT', additionalLogToConsole: false });
  return sdk;
}

/** Logs in at the warehouse on `port`. */
export async function connect(
  port: number,
  options: Record<string, unknown> = {},
): Promise<Client> {
  const sdk = await snowflake();
  const connection = sdk.createConnection({
    account: 'demo',
    username: 'marketing_analyst',
    password: 'demo',
    accessUrl: `http://127.0.0.1:${port}`,
    ...options,
  });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) =>
      error === undefined || error === null ? resolve() : reject(error),
    );
  });
  return {
    connection,
    query: (sqlText, more = {}) =>
      new Promise((resolve, reject) => {
        connection.execute({
          sqlText,
          ...more,
          complete(error, statement, rows) {
            if (error === undefined || error === null)
              resolve({
                rows: (rows ?? []) as Record<string, unknown>[],
                statement: statement as RowStatement,
              });
            else reject(error);
          },
        });
      }),
    close: () => new Promise((resolve) => connection.destroy(() => resolve())),
  };
}
