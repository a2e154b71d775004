/**
 * CREATE, ALTER and DROP USER (Snowflake's pages of these names). ACCOUNTADMIN may all; everybody may change their
 * own password and defaults, their session parameters, and their own programmatic access tokens.
 */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import type { EngineFailure } from '../engine/engine.js';
import { ACCOUNT } from '../statement/context.js';
import {
  failure,
  missingObject,
  statusRow,
  syntaxFailure,
  unsupported,
} from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import { PARAMETERS } from '../statement/parameter-table.js';
import type { Statement } from '../statement/statement.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import {
  alreadyExists,
  isAdministrator,
  nameTaken,
  notPrivileged,
  objectStatement,
  settleSessions,
} from './administration.js';
import { nameTooLong, readNames, readProperties } from './properties.js';
import { OWN_PROPERTIES, withoutProperty, withProperty } from './user-properties.js';
import { newUser } from './user-records.js';
import type { UserRecord } from './user-records.js';
import { tokenStatement } from './token-statements.js';

const USERS_MAX = 10_000;
const DONE = 'Statement executed successfully.';

/** The answer, or undefined when the statement is not about a user. */
export function userStatement(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<Outcome> | Outcome | undefined {
  const reader = new TokenReader(tokens);
  return objectStatement('USER', reader, {
    create: (isReplacing) => create(world, statement, reader, isReplacing),
    alter: () => alter(world, statement, reader),
    drop: () => drop(world, statement, reader),
  });
}

async function create(
  world: OwnWorld,
  statement: Statement,
  reader: TokenReader,
  isReplacing: boolean,
): Promise<Outcome> {
  const isOptional = reader.accept('IF', 'NOT', 'EXISTS');
  const name = reader.acceptName();
  const [userName] = name ?? [];
  if (userName === undefined || name?.length !== 1)
    return syntaxFailure(reader.peek()?.value ?? 'USER');
  if (!isAdministrator(world, statement.session)) return notPrivileged('account', ACCOUNT);
  const long = nameTooLong(userName);
  if (long !== undefined) return long;
  const known = world.users.get(userName);
  if (known !== undefined && !isReplacing) return nameTaken(userName, isOptional);
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  let user: UserRecord | EngineFailure = newUser(userName, world.clock.now());
  for (const property of properties) {
    user = await withProperty(user, property, world.realNow());
    if ('kind' in user) return user;
  }
  const refused = clash(world, user) ?? tooMany(world);
  if (refused !== undefined) return refused;
  const made = user;
  await world.users.change((table) => ({
    ...table,
    users: new Map([...table.users, [made.name, made]]),
  }));
  if (known !== undefined) await settleSessions(world, statement.session);
  return statusRow(`User ${userName} successfully created.`, STATEMENT_TYPES.ddl);
}

async function alter(world: OwnWorld, statement: Statement, reader: TokenReader): Promise<Outcome> {
  const ifExists = reader.accept('IF', 'EXISTS');
  const first = reader.peek()?.value ?? '';
  const isOwn = /^(?:SET|UNSET|ADD|REMOVE|ROTATE|MODIFY)$/.test(first);
  const userName = isOwn ? statement.session.user.name : reader.acceptName()?.[0];
  if (userName === undefined) return syntaxFailure(first);
  const user = world.users.get(userName);
  const isSelf = userName === statement.session.user.name;
  const isAdmin = isAdministrator(world, statement.session);
  // Whether a user exists is told to administrators only.
  if (!isAdmin && !isSelf) return notPrivileged('user', userName);
  if (user === undefined)
    return ifExists ? statusRow(DONE, STATEMENT_TYPES.ddl) : missingObject('User', userName);
  const aboutToken = tokenStatement(world, statement, user, reader, isAdmin);
  if (aboutToken !== undefined) return aboutToken;
  if (reader.accept('SET')) return set(world, statement, user, reader, isAdmin);
  if (reader.accept('UNSET')) return unset(world, statement, user, reader, isAdmin);
  if (!isAdmin) return notPrivileged('user', userName);
  if (reader.accept('ABORT', 'ALL', 'QUERIES')) {
    const statements = world.statements();
    for (const running of statements.running())
      if (running.session.user.name === userName && running.id !== statement.id)
        statements.abort(running);
    return statusRow(DONE, STATEMENT_TYPES.ddl);
  }
  if (reader.accept('RENAME', 'TO')) return rename(world, statement, user, reader);
  const word = reader.acceptOne('RESET', 'ADD', 'REMOVE', 'MODIFY', 'ENROLL');
  return word === undefined
    ? syntaxFailure(reader.peek()?.value ?? 'ALTER')
    : unsupported(`ALTER USER … ${word} of anything but a programmatic access token`);
}

async function set(
  world: OwnWorld,
  statement: Statement,
  user: UserRecord,
  reader: TokenReader,
  isAdmin: boolean,
): Promise<Outcome> {
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  if (properties.length === 0) return syntaxFailure('SET');
  let changed: UserRecord | EngineFailure = user;
  for (const property of properties) {
    if (!isAdmin && !isOwnProperty(property.name)) return notPrivileged('user', user.name);
    // A session that a token limits must not open itself a wider door.
    const isDoor = property.name === 'PASSWORD' && statement.session.roleLimit !== null;
    if (!isAdmin && isDoor) return notPrivileged('user', user.name);
    // Any number unlocks at once: a lock lasts a minute here.
    if (property.name === 'MINS_TO_UNLOCK') world.lockout.clear(user.loginName);
    else changed = await withProperty(changed, property, world.realNow());
    if ('kind' in changed) return changed;
  }
  return keep(world, statement, user, changed);
}

async function unset(
  world: OwnWorld,
  statement: Statement,
  user: UserRecord,
  reader: TokenReader,
  isAdmin: boolean,
): Promise<Outcome> {
  const names = readNames(reader);
  if ('kind' in names) return names;
  let changed: UserRecord | EngineFailure = user;
  for (const name of names) {
    if (!isAdmin && !isOwnProperty(name)) return notPrivileged('user', user.name);
    changed = withoutProperty(changed, name);
    if ('kind' in changed) return changed;
  }
  return keep(world, statement, user, changed);
}

async function keep(
  world: OwnWorld,
  statement: Statement,
  user: UserRecord,
  changed: UserRecord,
): Promise<Outcome> {
  const refused = clash(world, changed);
  if (refused !== undefined) return refused;
  // What another statement changed meanwhile stays: only fields that this one changed are written.
  await world.users.change((table) => {
    const now = table.users.get(user.name);
    if (now === undefined) return table;
    const merged = { ...now, ...differences(user, changed) };
    return { ...table, users: new Map([...table.users, [user.name, merged]]) };
  });
  await settleSessions(world, statement.session);
  return statusRow(DONE, STATEMENT_TYPES.ddl);
}

async function rename(
  world: OwnWorld,
  statement: Statement,
  user: UserRecord,
  reader: TokenReader,
): Promise<Outcome> {
  const name = reader.acceptName()?.[0];
  if (name === undefined || !reader.atEnd) return syntaxFailure(reader.peek()?.value ?? 'RENAME');
  if (world.users.get(name) !== undefined) return alreadyExists(name);
  const long = nameTooLong(name);
  if (long !== undefined) return long;
  await world.users.change((table) => {
    const users = new Map(table.users);
    users.delete(user.name);
    return { ...table, users: users.set(name, { ...user, name }) };
  });
  await settleSessions(world, statement.session);
  return statusRow(DONE, STATEMENT_TYPES.ddl);
}

async function drop(world: OwnWorld, statement: Statement, reader: TokenReader): Promise<Outcome> {
  const ifExists = reader.accept('IF', 'EXISTS');
  const userName = reader.acceptName()?.[0];
  if (userName === undefined || !reader.atEnd) return syntaxFailure(reader.peek()?.value ?? 'USER');
  if (!isAdministrator(world, statement.session)) return notPrivileged('user', userName);
  if (world.users.get(userName) === undefined)
    return ifExists
      ? statusRow(
          `Drop statement executed successfully (${userName} already dropped).`,
          STATEMENT_TYPES.ddl,
        )
      : missingObject('User', userName);
  if (userName === statement.session.user.name)
    return failure(
      WIRE_CODES.insufficientPrivileges,
      '42501',
      'SQL access control error:\nA user cannot drop itself.',
    );
  await world.users.change((table) => {
    const users = new Map(table.users);
    users.delete(userName);
    return { ...table, users };
  });
  await settleSessions(world, statement.session);
  return statusRow(`${userName} successfully dropped.`, STATEMENT_TYPES.ddl);
}

function isOwnProperty(name: string): boolean {
  return OWN_PROPERTIES.has(name) || PARAMETERS.has(name);
}

/** Two users must not answer to one login name. */
function clash(world: OwnWorld, user: UserRecord): EngineFailure | undefined {
  const other = world.users
    .list()
    .find(
      (one) =>
        one.name !== user.name && one.loginName.toUpperCase() === user.loginName.toUpperCase(),
    );
  return other === undefined ? undefined : alreadyExists(user.loginName);
}

function tooMany(world: OwnWorld): EngineFailure | undefined {
  return world.users.list().length < USERS_MAX
    ? undefined
    : failure('000002', '0A000', `The account may hold at most ${USERS_MAX} users.`);
}

function differences(before: UserRecord, after: UserRecord): Partial<UserRecord> {
  const old: Readonly<Record<string, unknown>> = { ...before };
  return Object.fromEntries(Object.entries(after).filter(([field, value]) => old[field] !== value));
}
