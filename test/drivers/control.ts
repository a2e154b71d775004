/** What the run changes in the demo world, by the admin API and as the warehouses' administrator would: see each function. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { newRsaKeyPair } from '../../base/key-pairs.js';
import type { ControlDocument, TierDocument } from '../../policies/control/document.js';
import type { Operator } from './operator.js';
import type { Credentials } from './sides.js';

/** Calls the admin API; the parsed answer, and a rejection with what it says when it refuses. */
export type CallApi = (method: string, path: string, body?: object) => Promise<unknown>;

export function callerOf(adminPort: number, token: string): CallApi {
  return async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  };
}

/** One at a time: a second statement waits for its turn. */
const NARROW = 'NARROW_WH';
/** A statement on it is stopped after about a second. */
const CHEAP = 'CHEAP_WH';

/**
 * Of the same team as the analyst, and not the analyst: a name that has a password of Tollgate's cannot sign in with
 * one of Snowflake's.
 */
const ISSUED_TO = 'marketing_programs';

/** Two more warehouses, which cases name. */
export function prepareWarehouse(operator: Operator): Promise<void> {
  return operator.run(
    [`${NARROW} WITH WAREHOUSE_SIZE = 'XSMALL'`, `${CHEAP} WITH WAREHOUSE_SIZE = 'LARGE'`].map(
      (what) =>
        `CREATE WAREHOUSE IF NOT EXISTS ${what} MAX_CONCURRENCY_LEVEL = 64 AUTO_SUSPEND = 60`,
    ),
  );
}

/**
 * Puts a document in force that has tiers for these warehouses, and the second account with the same analysts, whose
 * team has a service user there.
 */
export async function prepareControl(api: CallApi, second: string): Promise<void> {
  const { document } = (await api('GET', '/control')) as { readonly document: ControlDocument };
  const standard = document.tiers.find(({ id }) => id === 'standard');
  if (standard === undefined) throw new Error('the demo world has a tier called standard');
  const tier = (more: Partial<TierDocument>): TierDocument => ({ ...standard, ...more });
  await api('PUT', '/control', {
    reason: 'the run of the drivers',
    document: {
      ...document,
      accounts: [
        ...document.accounts,
        {
          id: second,
          upstream: second,
          signIn: 'both',
          serviceUsers: [{ team: 'marketing', snowflakeUser: 'TOLLGATE_MARKETING' }],
        },
      ],
      principals: [
        ...document.principals,
        {
          id: ISSUED_TO,
          team: 'marketing',
          kind: 'service',
          shared: false,
          owner: 'marketing-leads',
          status: 'active',
        },
      ],
      mapping: [
        ...document.mapping,
        {
          match: { account: second, snowflakeUser: 'MARKETING_ANALYST' },
          principal: 'marketing_analyst',
        },
      ],
      tiers: [
        ...document.tiers,
        tier({ id: 'narrow', warehouse: NARROW, concurrencyMax: 1, guessHoldCredits: '0.01' }),
        tier({
          id: 'cheap',
          warehouse: CHEAP,
          ceilingCredits: '0.002',
          guessHoldCredits: '0.0006',
          guessExpectedCredits: '0.0003',
        }),
      ],
      warehouses: [
        ...document.warehouses,
        { name: NARROW, size: 'XSMALL', kind: 'STANDARD', generation: '1' },
        { name: CHEAP, size: 'LARGE', kind: 'STANDARD', generation: '1' },
      ],
    } satisfies ControlDocument,
  });
}

/** Makes a team's service user and its key on an account that is not the embedded one, as docs/sign-in.md has it. */
export async function prepareTeamUser(
  api: CallApi,
  account: string,
  team: string,
  operator: Operator,
): Promise<void> {
  const path = `/accounts/${account}/service-keys`;
  const { serviceKey, sql } = (await api('POST', path, { team })) as {
    readonly serviceKey: { readonly id: string };
    readonly sql: readonly string[];
  };
  const name = team.toUpperCase();
  await operator.run([
    ...sql,
    `GRANT ROLE ${name}_ROLE TO USER TOLLGATE_${name}`,
    `ALTER USER TOLLGATE_${name} SET DEFAULT_ROLE = ${name}_ROLE DEFAULT_WAREHOUSE = STANDARD_WH`,
  ]);
  await api('POST', `${path}/${serviceKey.id}/activate`, {});
}

/** A password, an access token and a key pair of that principal; the private key is written to `keyFile`. */
export async function issueCredentials(
  api: CallApi,
  account: string,
  keyFile: string,
): Promise<Credentials> {
  const pair = await newRsaKeyPair();
  writeFileSync(keyFile, pair.privatePem, { mode: 0o600 });
  const issue = async (kind: string, more: object = {}): Promise<string> => {
    const body = { principal: ISSUED_TO, kind, name: 'the run of the drivers', ...more };
    const issued = await api('POST', `/accounts/${account}/credentials`, body);
    return String((issued as { readonly secret?: unknown }).secret);
  };
  await issue('key-pair', { publicKey: pair.publicKey.pem });
  return {
    user: ISSUED_TO,
    password: await issue('password'),
    issued: { token: await issue('token'), keyFile },
  };
}
