/** Checks of the service users by which terminated sign-ins run: each team has a key, it opens here, it signs in. */
import { randomBytes } from 'node:crypto';
import { toError } from '../../base/errors.js';
import type { Queryable } from '../../base/postgres/pool.js';
import { createSealer, type SealKey } from '../../base/sealing.js';
import { SERVICE_KEY_PREFIX, serviceKeyContext } from '../../base/service-keys.js';
import type { AccountDocument } from '../../policies/control/document.js';
import { finderOf, within, type Finding } from './finding.js';

const SIGN_IN_TIMEOUT_MS = 10_000;
/** More are counted and not tried: each is a real sign-in. */
const SIGN_INS_MAX = 20;
const { ok, note, failed } = finderOf('Service users');

interface KeyRow {
  id: string;
  snowflake_user: string;
  sealed_private_key: string;
}

export interface TeamUsersOptions {
  readonly db: Queryable;
  /** Empty: this process has none, so no key can be opened. */
  readonly sealKeys: readonly SealKey[];
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
    .flatMap(({ id, serviceUsers = [] }) => serviceUsers.map((user) => ({ account: id, ...user })));
  const findings: Finding[] = [];
  for (const [index, one] of wanted.entries()) {
    if (index >= SIGN_INS_MAX) break;
    findings.push(await checkTeamUser(one, options));
  }
  const rest = wanted.length - findings.length;
  if (rest > 0) findings.push(note('other teams', `${rest} more service users were not tried`));
  return findings;
}

async function checkTeamUser(
  { account, team, snowflakeUser }: { account: string; team: string; snowflakeUser: string },
  { db, sealKeys, trySignIn }: TeamUsersOptions,
): Promise<Finding> {
  const check = `${account}/${team}`;
  const { rows } = await db.query<KeyRow>(
    `SELECT id, snowflake_user, sealed_private_key FROM service_key
      WHERE account = $1 AND team_id = $2 AND state = 'active'`,
    [account, team],
  );
  const key = rows[0];
  if (key === undefined) {
    const fix =
      'Make a key pair for it by the API, and give its public half to the Snowflake user.';
    return failed(check, `${snowflakeUser} has no active key, so the team cannot sign in`, fix);
  }
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
