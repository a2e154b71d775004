/**
 * Who may log in: a table in the data directory, made at first start with one analyst for every demo team and one
 * service user. Passwords are kept as salted scrypt hashes, the service user's password also in a file of mode 0600.
 */
import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Fault } from '#base/errors.js';
import { writeFileDurably } from '../durable-file.js';

const TEAMS = [
  'marketing',
  'sales',
  'finance',
  'product',
  'growth',
  'support',
  'operations',
  'logistics',
  'risk',
  'legal',
  'people',
  'platform',
  'research',
  'ml',
  'data-science',
] as const;
const DEMO_PASSWORD = 'demo';
const USERS_FILE = 'warehouse-users.json';
const SERVICE_PASSWORD_FILE = 'service-user-password';

/** Login name of the user that imports metering and statistics. */
export const SERVICE_USER = 'TOLLGATE_SERVICE';

/** A user whose password somebody chose, for {@link openUsers}. */
export interface UserInput {
  readonly name: string;
  readonly password: string;
  /** The first is the default. */
  readonly roles: readonly string[];
}

export interface User {
  /** Upper case. */
  readonly name: string;
  readonly roles: readonly string[];
}

export interface Users {
  /** The user, or undefined when name or password is wrong. Names are compared without case. */
  authenticate(name: string, password: string): User | undefined;
  list(): readonly User[];
}

const userRow = z.object({
  name: z.string().min(1),
  roles: z.array(z.string().min(1)).min(1),
  salt: z.string(),
  hash: z.string(),
});
type UserRow = z.infer<typeof userRow>;

/** Opens the table kept in `dataDir`, creating it at first use; `extra` users are added to it in memory only. */
export async function openUsers(dataDir: string, extra: readonly UserInput[] = []): Promise<Users> {
  await mkdir(dataDir, { recursive: true });
  const stored = (await readUsers(join(dataDir, USERS_FILE))) ?? (await createUsers(dataDir));
  const rows = new Map(
    [...stored, ...extra.map(hashUser)].map((row) => [row.name.toUpperCase(), row]),
  );
  const verified = new Map<string, string>();
  return {
    authenticate(name, password) {
      const row = rows.get(name.toUpperCase());
      if (row === undefined) return undefined;
      // scrypt is slow by design; a digest of the proven password spares pools of connections from paying it again.
      const digest = createHash('sha256').update(row.salt).update(password).digest('hex');
      if (verified.get(row.name) !== digest) {
        if (!timingSafeEqual(hashPassword(password, row.salt), Buffer.from(row.hash, 'hex')))
          return undefined;
        verified.set(row.name, digest);
      }
      return { name: row.name.toUpperCase(), roles: row.roles };
    },
    list: () =>
      [...rows.values()].map((row) => ({ name: row.name.toUpperCase(), roles: row.roles })),
  };
}

/** Role of a demo team: `data-science` → `DATA_SCIENCE_ROLE`. */
export function teamRole(team: string): string {
  return `${team.toUpperCase().replaceAll('-', '_')}_ROLE`;
}

async function createUsers(dataDir: string): Promise<readonly UserRow[]> {
  const password = randomBytes(24).toString('base64url');
  const rows = [
    ...TEAMS.map((team) =>
      hashUser({
        name: `${team}_analyst`,
        password: DEMO_PASSWORD,
        roles: [teamRole(team), 'PUBLIC'],
      }),
    ),
    hashUser({ name: SERVICE_USER, password, roles: ['ACCOUNTADMIN', 'PUBLIC'] }),
  ];
  await writeFileDurably(join(dataDir, SERVICE_PASSWORD_FILE), `${password}\n`, 0o600);
  await writeFileDurably(join(dataDir, USERS_FILE), `${JSON.stringify(rows, null, 2)}\n`, 0o600);
  return rows;
}

async function readUsers(path: string): Promise<readonly UserRow[] | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Fault('internal', `cannot read the users of the warehouse in ${path}`, { cause });
  }
  const parsed = z.array(userRow).safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new Fault('internal', `${path} is not a table of warehouse users`, {
      cause: parsed.error,
    });
  return parsed.data;
}

function hashUser(input: UserInput): UserRow {
  const salt = randomBytes(16).toString('hex');
  return {
    name: input.name,
    roles: [...input.roles],
    salt,
    hash: hashPassword(input.password, salt).toString('hex'),
  };
}

/** N = 1024 keeps the fifteen demo hashes and every first login in the low milliseconds. */
function hashPassword(password: string, salt: string): Buffer {
  return scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
}
