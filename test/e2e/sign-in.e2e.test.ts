/** Terminated sign-in with the real Node driver against the real listeners: who gets in, as whom, and who does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRsaKeyPair, type NewKeyPair } from '../../base/key-pairs.js';
import { editControl } from '../../admin/stores/control-store.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { eventually } from './support/eventually.js';
import { issue, issuedIn, post } from './support/issue.js';
import { connectNode, type Client, type ClientOptions } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

let system: System;
let pair: NewKeyPair;

beforeAll(async () => {
  system = await startSystem({ sessionFreshMs: 50 });
  pair = await newRsaKeyPair();
});

afterAll(async () => {
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
  await system?.stop();
});

const TOKEN = { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN' } as const;

async function as<T>(options: ClientOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectNode(system.proxyUrl, options);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Team, upstream user and rows of one statement of a new session. */
function identity(options: ClientOptions): Promise<unknown> {
  return as(options, async (client) => [
    await client.rows('SELECT CURRENT_USER() AS U, CURRENT_ROLE() AS R'),
    await client.rows('SELECT TEAM FROM TOLLGATE.MY_BUDGET'),
  ]);
}

const MARKETING = [[{ U: 'TOLLGATE_MARKETING', R: 'MARKETING_ROLE' }], [{ TEAM: 'marketing' }]];

describe('each kind of credential signs in, as the service user of its team', () => {
  test('a password, by the name of the principal in any case', async () => {
    const { secret } = await issue(system, 'marketing_analyst', 'password');
    const login = { username: 'marketing_analyst', password: secret };
    expect(await identity(login)).toEqual(MARKETING);
    expect(await identity({ ...login, username: 'MARKETING_Analyst' })).toEqual(MARKETING);
  });
});
