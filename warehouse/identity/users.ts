/**
 * Who may log in and in which roles: a table in the data directory, made at first start with one analyst for every
 * demo team and one service user. Every change is on disk before anybody sees it; changes come one after the other.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#base/errors.js';
import { writeFileDurably } from '../durable-file.js';
import { hashResidentPassword } from './passwords.js';
import { SYSTEM_ROLES, systemRoles } from './system-roles.js';
import { parseUserTable, residentUser } from './user-records.js';
import type {
  IntegrationRecord,
  RoleRecord,
  TokenRecord,
  UserRecord,
  UserTableFile,
} from './user-records.js';

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

/** Who a session belongs to. */
export interface User {
  readonly name: string;
  /** Roles that a session of the user may take now. */
  readonly roles: readonly string[];
}

/** The account's users, roles and integrations at one moment. */
export interface UserTable {
  readonly users: ReadonlyMap<string, UserRecord>;
  /** Without the roles that every account has. */
  readonly roles: ReadonlyMap<string, RoleRecord>;
  readonly integrations: ReadonlyMap<string, IntegrationRecord>;
  readonly accountParameters: Readonly<Record<string, string | number | boolean>>;
}

/** Opens the table kept in `dataDir`, creating it at first use; `extra` users are added to it in memory only. */
export async function openUsers(dataDir: string, extra: readonly UserInput[] = []): Promise<Users> {
  await mkdir(dataDir, { recursive: true });
  const now = Date.now();
  const path = join(dataDir, USERS_FILE);
  const stored = (await readUsers(path, now)) ?? (await createUsers(dataDir, now));
  const guests = extra.map(({ name, roles, password }) =>
    residentUser(name, roles, hashResidentPassword(password), now),
  );
  return new Users(path, stored, guests, now);
}

export class Users {
  readonly #path: string;
  readonly #guests: ReadonlySet<string>;
  /** Users of the file that a guest of the same name stands before; they stay in the file as they are. */
  readonly #hidden: readonly UserRecord[];
  readonly #openedAtMs: number;
  #table: UserTable;
  #byToken: ReadonlyMap<string, { readonly user: string; readonly token: string }>;
  #last: Promise<unknown> = Promise.resolve();

  /** Made by {@link openUsers}. */
  constructor(path: string, stored: UserTableFile, guests: readonly UserRecord[], now: number) {
    this.#path = path;
    this.#guests = new Set(guests.map((user) => user.name));
    this.#hidden = stored.users.filter((user) => this.#guests.has(user.name));
    this.#openedAtMs = now;
    this.#table = {
      users: byName([...stored.users, ...guests]),
      roles: byName(stored.roles),
      integrations: byName(stored.integrations),
      accountParameters: stored.accountParameters,
    };
    this.#byToken = tokensOf(this.#table);
  }

  /** The table as it is now. */
  get table(): UserTable {
    return this.#table;
  }

  /** A user by its name, exactly. */
  get(name: string): UserRecord | undefined {
    return this.#table.users.get(name);
  }

  /** A user by login name, or by name where no login name is that; both without case. */
  byLogin(loginName: string): UserRecord | undefined {
    const wanted = loginName.toUpperCase();
    const users = [...this.#table.users.values()];
    return (
      users.find((user) => user.loginName.toUpperCase() === wanted) ??
      users.find((user) => user.name.toUpperCase() === wanted)
    );
  }

  /** The user and token whose secret has this SHA-256; undefined when there is none. */
  byTokenHash(
    hash: string,
  ): { readonly user: UserRecord; readonly token: TokenRecord } | undefined {
    const found = this.#byToken.get(hash);
    const user = found === undefined ? undefined : this.get(found.user);
    const token = user?.tokens.find((one) => one.name === found?.token);
    return user === undefined || token === undefined ? undefined : { user, token };
  }

  /** Every user, by name. */
  list(): readonly UserRecord[] {
    return [...this.#table.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Every role: those of all accounts, those that were created, and those that users of old files name. */
  roles(): readonly RoleRecord[] {
    const all = byName(systemRoles(this.#openedAtMs));
    for (const role of this.#table.roles.values()) {
      const system = all.get(role.name);
      all.set(
        role.name,
        system === undefined ? role : { ...system, roles: [...system.roles, ...role.roles] },
      );
    }
    for (const user of this.#table.users.values()) {
      for (const name of user.roles)
        if (!all.has(name))
          all.set(name, {
            name,
            comment: '',
            owner: 'ACCOUNTADMIN',
            createdAtMs: user.createdAtMs,
            roles: [],
          });
    }
    return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Roles that a user may take: its own, those they were granted, theirs, and PUBLIC; none for an unknown user. */
  availableRoles(name: string): readonly string[] {
    const user = this.get(name);
    if (user === undefined) return [];
    return [...this.#reach([...user.roles, SYSTEM_ROLES.public])];
  }

  /** Roles whose rights `role` has, itself among them. */
  inheritedRoles(role: string): ReadonlySet<string> {
    return this.#reach([role]);
  }

  /**
   * Replaces the table by what `change` makes of it, after earlier changes and once it is on disk.
   *
   * @throws Fault when the file cannot be written; the table is then the old one.
   */
  change(change: (table: UserTable) => UserTable): Promise<void> {
    const mine = this.#last.then(async () => {
      const next = change(this.#table);
      if (next === this.#table) return;
      await this.#write(next);
      this.#table = next;
      this.#byToken = tokensOf(next);
    });
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  #reach(start: readonly string[]): ReadonlySet<string> {
    const roles = byName(this.roles());
    const reached = new Set<string>();
    const open = [...start];
    for (let name = open.shift(); name !== undefined; name = open.shift()) {
      if (reached.has(name)) continue;
      reached.add(name);
      open.push(...(roles.get(name)?.roles ?? []));
    }
    return reached;
  }

  async #write(table: UserTable): Promise<void> {
    const file: UserTableFile = {
      version: 2,
      users: [
        ...[...table.users.values()].filter((user) => !this.#guests.has(user.name)),
        ...this.#hidden,
      ],
      roles: [...table.roles.values()],
      integrations: [...table.integrations.values()],
      accountParameters: { ...table.accountParameters },
    };
    try {
      await writeFileDurably(this.#path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
    } catch (cause) {
      throw new Fault('internal', `cannot write the users of the warehouse to ${this.#path}`, {
        cause,
      });
    }
  }
}

/** Role of a demo team: `data-science` → `DATA_SCIENCE_ROLE`. */
export function teamRole(team: string): string {
  return `${team.toUpperCase().replaceAll('-', '_')}_ROLE`;
}

function byName<Named extends { readonly name: string }>(
  all: readonly Named[],
): Map<string, Named> {
  return new Map(all.map((one) => [one.name, one]));
}

function tokensOf(
  table: UserTable,
): ReadonlyMap<string, { readonly user: string; readonly token: string }> {
  const found = new Map<string, { readonly user: string; readonly token: string }>();
  for (const user of table.users.values())
    for (const token of user.tokens) found.set(token.hash, { user: user.name, token: token.name });
  return found;
}

async function createUsers(dataDir: string, now: number): Promise<UserTableFile> {
  const password = randomBytes(24).toString('base64url');
  const users = [
    ...TEAMS.map((team) =>
      residentUser(
        `${team}_analyst`,
        [teamRole(team), 'PUBLIC'],
        hashResidentPassword(DEMO_PASSWORD),
        now,
      ),
    ),
    residentUser(SERVICE_USER, ['ACCOUNTADMIN', 'PUBLIC'], hashResidentPassword(password), now),
  ];
  const roles = TEAMS.map((team) => ({
    name: teamRole(team),
    comment: '',
    owner: 'ACCOUNTADMIN',
    createdAtMs: now,
    roles: [],
  }));
  const file: UserTableFile = { version: 2, users, roles, integrations: [], accountParameters: {} };
  await writeFileDurably(join(dataDir, SERVICE_PASSWORD_FILE), `${password}\n`, 0o600);
  await writeFileDurably(join(dataDir, USERS_FILE), `${JSON.stringify(file, null, 2)}\n`, 0o600);
  return file;
}

async function readUsers(path: string, now: number): Promise<UserTableFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Fault('internal', `cannot read the users of the warehouse in ${path}`, { cause });
  }
  const table = parseUserTable(jsonOf(text), now);
  if (table === undefined) throw new Fault('internal', `${path} is not a table of warehouse users`);
  return table;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
