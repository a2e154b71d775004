/** Statements of a few teams by the real Node driver, so that the pages have something to show. */
import sdk, { type Connection } from 'snowflake-sdk';
import { callerOf, type CallApi } from './calls.js';

sdk.configure({ logLevel: 'OFF' });

/** Who sends how many of the statements below. */
const SENT: readonly (readonly [team: string, count: number])[] = [
  ['marketing', 7],
  ['sales', 5],
  ['product', 3],
  ['research', 4],
];

const LIMITS: readonly (readonly [team: string, limitCredits: string])[] = [
  ['product', '0.0006'],
  ['research', '0.002'],
];

const STATEMENTS: readonly string[] = [
  'SELECT COUNT(*) AS ORDERS FROM ORDERS',
  "SELECT O_ORDERPRIORITY, SUM(O_TOTALPRICE) AS TOTAL FROM ORDERS WHERE O_ORDERDATE >= '1996-01-01' GROUP BY 1 ORDER BY 2 DESC",
  'SELECT C_MKTSEGMENT, COUNT(*) AS CUSTOMERS FROM CUSTOMER GROUP BY 1',
  'SELECT N_NAME, SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT)) AS REVENUE FROM LINEITEM JOIN ORDERS ON L_ORDERKEY = O_ORDERKEY JOIN CUSTOMER ON O_CUSTKEY = C_CUSTKEY JOIN NATION ON C_NATIONKEY = N_NATIONKEY GROUP BY 1 ORDER BY 2 DESC',
  'SELECT L_SHIPMODE, AVG(L_QUANTITY) FROM LINEITEM GROUP BY 1',
  'SELECT P_BRAND, COUNT(*) FROM PART GROUP BY 1 ORDER BY 2 DESC LIMIT 10',
  'SELECT 1',
];

export interface Traffic {
  /** The ticket of a statement that marketing's budget refused. */
  readonly refusedTicket: string;
  /** Ends the statement that still runs. */
  stop(): Promise<void>;
}

/**
 * Sends one statement by the real driver, in a session of its own.
 * @returns null where it ran; what the driver says where it was refused.
 */
export async function sendOne(
  proxyPort: number,
  { user, text }: { readonly user: string; readonly text: string },
): Promise<string | null> {
  const connection = await connect(proxyPort, user);
  try {
    return await run(connection, text).then(
      () => null,
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
    );
  } finally {
    await ended(connection);
  }
}

/** Sends them; leaves one refused, and one that runs until it is stopped. */
export async function sendTraffic(
  proxyPort: number,
  adminUrl: string,
  token: string,
): Promise<Traffic> {
  const call = callerOf(adminUrl, token);
  for (const [team, count] of SENT) {
    const connection = await connect(proxyPort, `${team}_analyst`);
    for (const text of STATEMENTS.slice(0, count)) await run(connection, text);
    await ended(connection);
  }
  for (const [team, limitCredits] of LIMITS)
    await call('PUT', `/budgets/${team}`, { limitCredits, reason: 'to show a bar' });
  const running = await connect(proxyPort, 'sales_analyst');
  const slow = run(running, 'SELECT SYSTEM$WAIT(900)').catch(() => undefined);
  const refusedTicket = await refuse(proxyPort, call);
  return {
    refusedTicket,
    async stop() {
      running.destroy(() => undefined);
      await slow;
    },
  };
}

async function refuse(proxyPort: number, call: CallApi): Promise<string> {
  await call('PUT', '/budgets/marketing', {
    limitCredits: '0.000001',
    reason: 'to show a refusal',
  });
  const connection = await connect(proxyPort, 'marketing_analyst');
  const end = Date.now() + 10_000;
  // The proxy reads the new version a moment later.
  while (Date.now() < end) {
    try {
      await run(connection, 'SELECT L_SHIPMODE, SUM(L_TAX) FROM LINEITEM GROUP BY 1');
    } catch {
      break;
    }
  }
  await ended(connection);
  const { tickets } = (await call('GET', '/tickets?team=marketing&state=VOID')) as {
    readonly tickets: readonly { readonly ticketId: string; readonly refusal: object | null }[];
  };
  const refused = tickets.find(({ refusal }) => refusal !== null);
  if (refused === undefined) throw new Error('the budget refused nothing');
  return refused.ticketId;
}

function connect(port: number, username: string): Promise<Connection> {
  // Named first, because the driver's types do not know the port that it reads.
  const options = {
    account: 'demo',
    username,
    password: 'demo',
    host: '127.0.0.1',
    port,
    protocol: 'http',
    database: 'ANALYTICS',
    schema: 'TPCH',
    warehouse: 'STANDARD_WH',
  };
  const connection = sdk.createConnection(options);
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
  });
}

function run(connection: Connection, sqlText: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.execute({
      sqlText,
      complete: (error, _statement, rows) => (error ? reject(error) : resolve(rows)),
    });
  });
}

function ended(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.destroy(() => resolve());
  });
}
