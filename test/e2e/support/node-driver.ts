/** The real Node driver, pointed at a listener by URL only. */
import type { Connection, SnowflakeError } from 'snowflake-sdk';

export type Row = Readonly<Record<string, unknown>>;
export type Result =
  | { readonly kind: 'rows'; readonly rows: readonly Row[]; readonly queryId: string }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly sqlState: string;
      readonly message: string;
    };

export interface Client {
  readonly connection: Connection;
  /** Runs a statement, or as many in one text as are told; errors are values so that tests can look at them. */
  run(sqlText: string, binds?: readonly (string | number)[], statements?: number): Promise<Result>;
  /** Rows of a statement that must succeed. */
  rows(sqlText: string, binds?: readonly (string | number)[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly username?: string;
  readonly password?: string;
  readonly account?: string;
  readonly warehouse?: string;
  readonly role?: string;
  readonly authenticator?: string;
  /** Of a programmatic access token. */
  readonly token?: string;
  readonly application?: string;
  readonly queryTag?: string;
  /** PEM, of a key pair. */
  readonly privateKey?: string;
}

/** Connects as `marketing_analyst` unless told otherwise; rejects with the driver's error. */
export async function connectNode(url: string, options: ClientOptions = {}): Promise<Client> {
  const { default: sdk } = await import('snowflake-sdk');
  sdk.configure({ logLevel: 'ERROR', logFilePath: 'STDOUT', additionalLogToConsole: false });
  const connection = sdk.createConnection({
    account: 'demo',
    username: 'marketing_analyst',
    password: 'demo',
    database: 'ANALYTICS',
    schema: 'TPCH',
    accessUrl: url,
    sfRetryMaxLoginRetries: 1,
    ...options,
  });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  const run = (
    sqlText: string,
    binds: readonly (string | number)[] = [],
    statements = 1,
  ): Promise<Result> =>
    new Promise((resolve) => {
      connection.execute({
        sqlText,
        binds: [...binds],
        ...(statements === 1 ? {} : { parameters: { MULTI_STATEMENT_COUNT: statements } }),
        complete: (error, statement, rows) => {
          if (error) resolve(toError(error));
          else resolve({ kind: 'rows', rows: rows ?? [], queryId: statement.getQueryId() });
        },
      });
    });
  return {
    connection,
    run,
    async rows(sqlText, binds) {
      const result = await run(sqlText, binds);
      if (result.kind === 'error') throw new Error(`${sqlText}: ${result.message}`);
      return result.rows;
    },
    close: () => new Promise((resolve) => connection.destroy(() => resolve())),
  };
}

function toError(error: SnowflakeError): Result {
  return {
    kind: 'error',
    code: String(error.code),
    sqlState: error.sqlState ?? '',
    message: error.message,
  };
}
