/** What stands on the pages: what `npm run demo` leaves, budgets that are nearly used up, and a statement that still runs. */
import sdk, { type Connection } from 'snowflake-sdk';
import { must as mustBe } from '../../base/assert.js';
import { type Credits, formatAmount, mulDiv, parseCredits } from '../../base/units.js';
import type { Served } from '../drivers/served.js';
import { runTollgate } from '../support/tollgate-command.js';
import type { CallApi } from './calls.js';

sdk.configure({ logLevel: 'OFF' });

/** Whose lead and analyst do the tasks: the demo's analyst of it is refused a full scan. */
export const OWN_TEAM = 'growth';
export const OWN_LEAD: string = `${OWN_TEAM}_lead`;
/** Refused the same, so that the platform has something to decide too. */
export const OTHER_TEAM = 'research';
/** A full scan needs less: at this a lead grants one, and the next is for administrators. */
const LEADS_GRANT_CREDITS = '600';

/** Teams that are shown near their limit, and what they have spent in percent of it. */
const NEAR_THE_LIMIT: readonly (readonly [team: string, percent: bigint])[] = [
  ['product', 104n],
  ['logistics', 86n],
  ['legal', 55n],
];

/** The month and the fifteen teams as the documents have them, with fewer statements; the shares of teams are the same. */
const DEMO = ['demo', '--seconds', '3', '--statements-per-day', '60', '--json'] as const;

export interface Traffic {
  /** The ticket of a statement that the budget of {@link OWN_TEAM} refused. */
  readonly refusedTicket: string;
  /** One of another team, which asks for it. */
  readonly otherRefusedTicket: string;
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

/**
 * Plays the demo on a system that has just started, gives {@link OWN_TEAM} a lead who decides, and leaves a statement that
 * runs until it is stopped. @param token of the administrator.
 */
export async function playDemo(served: Served, call: CallApi, token: string): Promise<Traffic> {
  await runTollgate(served, DEMO, { TOLLGATE_ADMIN_TOKEN: token });
  await appointLead(call);
  await limitSome(call);
  const running = await connect(served.proxyPort, 'sales_analyst');
  const slow = run(running, 'SELECT SYSTEM$WAIT(900)').catch(() => undefined);
  return {
    refusedTicket: await refusedOf(call, OWN_TEAM),
    otherRefusedTicket: await refusedOf(call, OTHER_TEAM),
    async stop() {
      running.destroy(() => undefined);
      await slow;
    },
  };
}

interface Document {
  readonly teams: readonly { readonly id: string }[];
  readonly principals: readonly object[];
}

/** A lead with a principal of their own, and how much leads of the team may grant. */
async function appointLead(call: CallApi): Promise<void> {
  const { document } = (await call('GET', '/control')) as { readonly document: Document };
  const lead = { id: OWN_LEAD, team: OWN_TEAM, kind: 'person', shared: false, status: 'active' };
  await call('PUT', '/control', {
    document: {
      ...document,
      teams: document.teams.map((team) =>
        team.id === OWN_TEAM ? { ...team, leadsGrantCredits: LEADS_GRANT_CREDITS } : team,
      ),
      principals: [...document.principals, { ...lead, owner: `${OWN_TEAM}-leads` }],
    },
    reason: 'the lead decides what the team asks for',
  });
}

async function limitSome(call: CallApi): Promise<void> {
  const { budgets } = (await call('GET', '/budgets?limit=100')) as {
    readonly budgets: readonly {
      readonly node: string;
      readonly standing: { readonly spentCredits: string };
    }[];
  };
  for (const [team, percent] of NEAR_THE_LIMIT) {
    const { standing } = mustBe(
      budgets.find(({ node }) => node === team),
      `${team} has a budget`,
    );
    const spent: Credits = parseCredits(standing.spentCredits);
    const limitCredits = formatAmount(mulDiv(spent, 100n, percent, 'up') as Credits);
    await call('PUT', `/budgets/${team}`, { limitCredits, reason: 'half a month is enough' });
  }
}

async function refusedOf(call: CallApi, team: string): Promise<string> {
  const { tickets } = (await call('GET', `/tickets?team=${team}&state=VOID`)) as {
    readonly tickets: readonly { readonly ticketId: string; readonly refusal: object | null }[];
  };
  const refused = tickets.find(({ refusal }) => refusal !== null);
  return mustBe(refused, `the demo has a statement of ${team} that was refused`).ticketId;
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
