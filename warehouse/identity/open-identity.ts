import type { LoginParts } from './authenticate.js';
import { Lockout } from './lockout.js';
import { LoginFailures } from './login-failures.js';
import { PasswordCheck } from './passwords.js';
import { openUsers } from './users.js';
import type { UserInput } from './users.js';

/** Opens the users kept in `dataDir` and what their logins share; `extra` users are added in memory only. */
export async function openIdentity(
  dataDir: string,
  extra: readonly UserInput[] = [],
): Promise<LoginParts> {
  return {
    users: await openUsers(dataDir, extra),
    passwords: new PasswordCheck(),
    lockout: new Lockout(Date.now),
    failures: new LoginFailures(),
    realNow: Date.now,
  };
}
