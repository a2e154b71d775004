/** Checks of the service users by which terminated sign-ins run: each team has a key, it opens here, it signs in. */
import { randomBytes } from 'node:crypto';
import { toError } from '../../base/errors.js';
import type { Queryable } from '../../base/postgres/pool.js';
import { createSealer, type SealKey } from '../../base/sealing.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '../../base/service-keys.js';
import { within } from '../../base/in-time.js';
import type { AccountDocument } from '../../policies/control/document.js';
import { finderOf, type Finding } from './finding.js';

const SIGN_IN_TIMEOUT_MS = 10_000;
/** More are counted and not tried: each is a real sign-in. */
const SIGN_INS_MAX = 20;
const TEAMS_NAMED_MAX = 10;
const { ok, note, failed } = finderOf('Service users');

interface KeyRow {
  account: string;
  team_id: string;
  id: string;
  snowflake_user: string;
  sealed_private_key: string;
}

export interface TeamUsersOptions {
  readonly db: Queryable;
  /** Empty: this process has none, so no key can be opened. */
  readonly sealKeys: readonly SealKey[];
  /** Keys are made when a team first signs in: nothing is missing before. */
  readonly areKeysMadeOnDemand: boolean;
  /** Signs in at an account and out again; rejects in words. */
  readonly trySignIn: (account: string, user: string, privateKeyPem: string) => Promise<void>;
}

/** One finding a team whose sign-ins run as a service user; none for accounts that only pass through. */
export async function checkTeamUsers(
  accounts: readonly AccountDocument[],
  options: TeamUsersOptions,
): Promise<readonly Finding[]> {
  const wanted = accounts
    .filter(({ signIn }) => signIn === 'terminated' || signIn === 'both')
    .flatMap(({ id, signIn, serviceUsers = [] }) =>
      serviceUsers.map((user) => ({ account: id, isOnlyWay: signIn === 'terminated', ...user })),
    );
  const active = await activeKeys(options.db);
  const keyOf = ({ account, team }: TeamUser): KeyRow | undefined =>
    active.get(`${account}/${team}`);
  const keyless = wanted.filter((one) => keyOf(one) === undefined);
  const findings = options.areKeysMadeOnDemand ? onDemand(keyless) : missing(keyless);
  const keyed = wanted.flatMap((one) => {
    const key = keyOf(one);
    return key === undefined ? [] : [{ one, key }];
  });
  for (const { one, key } of keyed.slice(0, SIGN_INS_MAX))
    findings.push(await checkTeamUser(one, key, options));
  const rest = keyed.length - SIGN_INS_MAX;
  if (rest > 0) findings.push(note('other teams', `${rest} more service users were not tried`));
  return findings;
}

interface TeamUser {
  readonly account: string;
  readonly team: string;
  readonly snowflakeUser: string;
  /** The account takes nothing but credentials of ours. */
  readonly isOnlyWay: boolean;
}

async function activeKeys(db: Queryable): Promise<ReadonlyMap<string, KeyRow>> {
  const { rows } = await db.query<KeyRow & Record<string, unknown>>(
    `SELECT account, team_id, id, snowflake_user, sealed_private_key FROM service_key WHERE state = 'active'`,
  );
  return new Map(rows.map((row) => [`${row.account}/${row.team_id}`, row]));
}

function onDemand(keyless: readonly TeamUser[]): Finding[] {
  if (keyless.length === 0) return [];
  const teams = keyless.length === 1 ? '1 team has' : `${keyless.length} teams have`;
  return [ok('keys', `${teams} none yet; each is made when the team first signs in`)];
}

/** One finding an account: what is missing for twenty teams is one thing to do. */
function missing(keyless: readonly TeamUser[]): Finding[] {
  const accounts = [...new Set(keyless.map(({ account }) => account))];
  return accounts.map((account) => {
    const users = keyless.filter((one) => one.account === account);
    const names = users.slice(0, TEAMS_NAMED_MAX).map(({ team }) => team);
    const more = users.length > names.length ? ` and ${users.length - names.length} more` : '';
    const says = `no active key for ${names.join(', ')}${more}: credentials of Tollgate do not sign in there`;
    const fix = `Make one by POST /api/v1/accounts/${account}/service-keys, run the SQL that it answers, then activate it.`;
    const isFailed = users.some(({ isOnlyWay }) => isOnlyWay);
    return (isFailed ? failed : note)(`keys of ${account}`, says, fix);
  });
}

async function checkTeamUser(
  { account, team, snowflakeUser }: TeamUser,
  key: KeyRow,
  { sealKeys, trySignIn }: TeamUsersOptions,
): Promise<Finding> {
  const check = `${account}/${team}`;
  if (key.snowflake_user.toUpperCase() !== snowflakeUser.toUpperCase()) {
    const says = `the active key is of ${key.snowflake_user}, the document names ${snowflakeUser}`;
    return failed(check, says, 'Make a new key pair for the user of the document.');
  }
  const pem = open(key, account, team, sealKeys);
  if (pem === undefined) {
    const sealedBy = key.sealed_private_key.split('.')[1] ?? '';
    const says = `the key was sealed under "${sealedBy.slice(0, 16)}", which this process cannot open`;
    return failed(check, says, 'Give this process the TOLLGATE_SEAL_KEYS of the others.');
  }
  try {
    await within(SIGN_IN_TIMEOUT_MS, trySignIn(account, snowflakeUser, pem));
    return ok(check, `${snowflakeUser} signs in by its key`);
  } catch (thrown) {
    const says = `${snowflakeUser} does not sign in: ${toError(thrown).message.slice(0, 200)}`;
    return failed(check, says, 'See that the Snowflake user exists and has the public key.');
  }
}

function open(
  key: KeyRow,
  account: string,
  team: string,
  sealKeys: readonly SealKey[],
): string | undefined {
  if (sealKeys.length === 0) return undefined;
  const sealer = createSealer(SERVICE_KEY_PREFIX, sealKeys, randomBytes);
  return sealer.open(key.sealed_private_key, serviceKeyContext(account, team, key.id));
}
