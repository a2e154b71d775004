/**
 * A connection of Tollgate's own service user, for the control plane only: statistics, metering, evidence, doctor.
 * `snowflake-sdk` is loaded when the first connection is made, because loading costs half a second and 60 MB. Its
 * platform detection and telemetry must be off before that (bin/tollgate.js sets the environment).
 */
import { Fault, toError } from '../errors.js';

/** What a user signs in with: a password, or the private half of its key pair as PEM text (PKCS#8, no passphrase). */
export type ServiceSecret = { readonly password: string } | { readonly privateKeyPem: string };

export type ServiceCredentials = ServiceSecret & {
  /** `http://127.0.0.1:8082` or the account's https origin. */
  readonly origin: string;
  /** As Snowflake names it: a key pair's token carries it. */
  readonly account: string;
  readonly user: string;
  /** Named by the application column of Snowflake's history; `Tollgate` unless given. */
  readonly application?: string;
};

/** A row by upper-case column name; every value as text, so that no number loses digits. */
export type ServiceRow = Readonly<Record<string, string | null>>;

export interface ServiceConnection {
  /** Runs one statement. Fault `upstreamUnreachable` when it fails for any reason. */
  query(sql: string, binds?: readonly (string | number)[]): Promise<readonly ServiceRow[]>;
  close(): Promise<void>;
}

interface SdkStatementOptions {
  readonly sqlText: string;
  readonly binds: readonly (string | number)[];
  readonly fetchAsString: readonly string[];
  complete(
    error: Error | undefined,
    statement: unknown,
    rows: readonly Record<string, unknown>[] | undefined,
  ): void;
}

interface SdkConnection {
  connect(done: (error: Error | undefined | null) => void): void;
  execute(options: SdkStatementOptions): void;
  destroy(done: (error: Error | undefined) => void): void;
}

interface Sdk {
  configure(options: Readonly<Record<string, unknown>>): void;
  createConnection(options: Readonly<Record<string, unknown>>): SdkConnection;
}

let sdk: Promise<Sdk> | undefined;

async function loadSdk(): Promise<Sdk> {
  const module = (await import('snowflake-sdk')) as unknown as { default: Sdk };
  // Every failure becomes a Fault with the driver's words; its own lines would stand in the output of verbs.
  module.default.configure({
    logLevel: 'OFF',
    logFilePath: 'STDOUT',
    additionalLogToConsole: false,
  });
  return module.default;
}

/**
 * Signs in, by password or by key pair (authenticator SNOWFLAKE_JWT; Snowflake, "Key-pair authentication").
 * Fault `upstreamUnreachable` with the driver's words, which never hold the secret, when that fails.
 */
export async function connectService(credentials: ServiceCredentials): Promise<ServiceConnection> {
  sdk ??= loadSdk();
  const connection = (await sdk).createConnection({
    account: credentials.account,
    accessUrl: credentials.origin,
    username: credentials.user,
    ...signInOf(credentials),
    application: credentials.application ?? 'Tollgate',
    sfRetryMaxLoginRetries: 1,
    // What is fetched as text would have the word NULL in place of a null.
    representNullAsStringNull: false,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) =>
        error === undefined || error === null ? resolve() : reject(error),
      );
    });
  } catch (cause) {
    throw new Fault(
      'upstreamUnreachable',
      `the service user ${credentials.user} could not sign in at ${credentials.origin}: ${toError(cause).message}`,
      { cause },
    );
  }
  return {
    query: (sql, binds = []) => run(connection, sql, binds),
    close: () => new Promise((resolve) => connection.destroy(() => resolve())),
  };
}

function signInOf(secret: ServiceSecret): Readonly<Record<string, string>> {
  if ('password' in secret) return { password: secret.password };
  return { authenticator: 'SNOWFLAKE_JWT', privateKey: secret.privateKeyPem };
}

function run(
  connection: SdkConnection,
  sql: string,
  binds: readonly (string | number)[],
): Promise<ServiceRow[]> {
  return new Promise((resolve, reject) => {
    connection.execute({
      sqlText: sql,
      binds,
      fetchAsString: ['Number', 'Boolean', 'Date', 'JSON', 'Buffer'],
      complete: (error, _statement, rows) => {
        if (!error) resolve((rows ?? []).map(toText));
        else
          reject(
            new Fault('upstreamUnreachable', `the service statement failed: ${error.message}`, {
              cause: error,
            }),
          );
      },
    });
  });
}

function toText(row: Record<string, unknown>): ServiceRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.toUpperCase(),
      value === null || value === undefined ? null : textOf(value),
    ]),
  );
}

/** Values come as text where asked for; what the driver still converts has a text form of its own. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
