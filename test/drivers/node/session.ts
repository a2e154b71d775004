/** What the steps of snowflake-sdk share: its arguments, connections, and values shown with their types. */
import { parseArgs } from 'node:util';
import type { Connection, ConnectionOptions, SnowflakeError, RowStatement } from 'snowflake-sdk';

// It looks for a cloud's metadata service from the moment it is loaded, unless told before.
process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] = 'true';
process.env['SF_TELEMETRY_DISABLE_CONNECTION_SHAPE'] = '1';
const { default: sdk } = await import('snowflake-sdk');
sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });

const NAMES = [
  'side',
  'control',
  'token',
  'key-file',
  'host',
  'port',
  'protocol',
  'account',
  'user',
  'password',
  'database',
  'schema',
] as const;
const KINDS: readonly string[] = ['answer', 'error', 'steps'];
const parsed = parseArgs({
  tokens: true,
  options: {
    ...Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }])),
    ...Object.fromEntries(KINDS.map((kind) => [kind, { type: 'string' as const, multiple: true }])),
  },
});
/** Cases in the order in which they were given. */
export const asked: readonly {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}[] = parsed.tokens.flatMap((token) => {
  if (token.kind !== 'option' || !KINDS.includes(token.name)) return [];
  const [name = '', ...rest] = String(token.value).split('=');
  return [{ kind: token.name, name, text: rest.join('=') }];
});

export const given = (name: (typeof NAMES)[number]): string => String(parsed.values[name]);

export type Row = Readonly<Record<string, unknown>>;
export type Shown = string | null;
export type Binds = readonly (string | number | boolean | null)[];

/** What the run knows, and what it does for a program. */
export async function control(what: string): Promise<string> {
  const response = await fetch(`${given('control')}/${what}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

export const requests = async (): Promise<number> => Number(await control('requests'));

export const wait = (elapsedMs: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, elapsedMs));

export async function connect(more: Partial<ConnectionOptions> = {}): Promise<Connection> {
  // Named first, because the driver's types do not know the port that it reads.
  const options = {
    account: given('account'),
    host: given('host'),
    port: Number(given('port')),
    protocol: given('protocol'),
    username: given('user'),
    password: given('password'),
    database: given('database'),
    schema: given('schema'),
    ...more,
  };
  const connection = sdk.createConnection(options);
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  return connection;
}

/** Hands connections to a case and closes them after it. */
export async function withConnections<T>(
  count: number,
  use: (...connections: [Connection, Connection]) => Promise<T>,
  options: Partial<ConnectionOptions> = {},
): Promise<T> {
  const first = await connect(options);
  const second = count === 2 ? await connect() : first;
  try {
    return await use(first, second);
  } finally {
    for (const connection of new Set([first, second])) {
      await new Promise<void>((resolve) => connection.destroy(() => resolve()));
    }
  }
}

export function start(
  connection: Connection,
  sqlText: string,
  binds: Binds = [],
): { readonly statement: RowStatement; readonly rows: Promise<readonly Row[]> } {
  let statement: RowStatement | null = null;
  const rows = new Promise<readonly Row[]>((resolve, reject) => {
    statement = connection.execute({
      sqlText,
      // The driver's types know no null, though it sends one.
      binds: [...binds] as (string | number)[],
      complete: (error, _statement, found) => (error ? reject(error) : resolve(found ?? [])),
    });
  });
  if (statement === null) throw new Error('the driver returned no statement');
  return { statement, rows };
}

export const query = (
  connection: Connection,
  text: string,
  binds: Binds = [],
): Promise<readonly Row[]> => start(connection, text, binds).rows;

export async function table(
  connection: Connection,
  text: string,
  binds: Binds = [],
): Promise<Shown[][]> {
  const rows = await query(connection, text, binds);
  return rows.map((row) => Object.values(row).map(shown));
}

/** A value with its type, so that 1 and '1' are told apart. */
export function shown(value: unknown): Shown {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return `Date ${value.toISOString()} ${String(value)}`;
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString('hex')}`;
  return `${typeof value} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

export async function failure(connection: Connection, text: string): Promise<object> {
  let found: SnowflakeError | null = null;
  const before = await requests();
  try {
    await query(connection, text);
  } catch (thrown) {
    found = thrown as SnowflakeError;
  }
  if (found === null) throw new Error('the statement did not fail');
  const { sqlState, message } = found;
  const sent = (await requests()) - before;
  const afterwards = await table(connection, 'SELECT 1');
  return { code: String(found.code), sqlState, message, requests: sent, afterwards };
}
