/**
 * CREATE, ALTER and DROP ROLE, GRANT and REVOKE ROLE (Snowflake's pages of these names), for ACCOUNTADMIN. Roles say
 * who may take which role and who administers; privileges on objects are not kept, because nothing would enforce
 * them, so granting or revoking one is refused.
 */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { ACCOUNT } from '../statement/context.js';
import { missingObject, statusRow, syntaxFailure, unsupported } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
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
import { invalidProperty, nameTooLong, readNames, readProperties, textOf } from './properties.js';
import { isSystemRole } from './system-roles.js';
import type { RoleRecord } from './user-records.js';
import type { UserTable } from './users.js';

const ROLES_MAX = 10_000;
const DONE = 'Statement executed successfully.';

/** The answer, or undefined when the statement is about no role and no grant. */
export function roleStatement(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<Outcome> | Outcome | undefined {
  const reader = new TokenReader(tokens);
  if (reader.accept('GRANT')) return grant(world, statement, reader, 'GRANT');
  if (reader.accept('REVOKE')) return grant(world, statement, reader, 'REVOKE');
  return objectStatement('ROLE', reader, {
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
  const name = reader.acceptName()?.[0];
  if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'ROLE');
  if (!isAdministrator(world, statement.session)) return notPrivileged('account', ACCOUNT);
  const long = nameTooLong(name);
  if (long !== undefined) return long;
  const known = hasRole(world, name);
  if (known && (!isReplacing || isSystemRole(name))) return nameTaken(name, isOptional);
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  let comment = '';
  for (const property of properties) {
    if (property.name !== 'COMMENT') return invalidProperty(property.name, 'ROLE');
    comment = textOf(property).slice(0, 1000);
  }
  if (world.users.table.roles.size >= ROLES_MAX) return unsupported(`more than ${ROLES_MAX} roles`);
  const owner = statement.session.role;
  const role: RoleRecord = { name, comment, owner, createdAtMs: world.clock.now(), roles: [] };
  await world.users.change((table) => {
    const cleared = known ? withoutRole(table, name) : table;
    return { ...cleared, roles: new Map([...cleared.roles, [name, role]]) };
  });
  if (known) await settleSessions(world, statement.session);
  return statusRow(`Role ${name} successfully created.`, STATEMENT_TYPES.ddl);
}

async function alter(world: OwnWorld, statement: Statement, reader: TokenReader): Promise<Outcome> {
  const ifExists = reader.accept('IF', 'EXISTS');
  const name = reader.acceptName()?.[0];
  if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'ROLE');
  const refused = mayNotChange(world, statement, name);
  if (refused !== undefined)
    return refused.kind === 'missing' && ifExists
      ? statusRow(DONE, STATEMENT_TYPES.ddl)
      : refused.outcome;
  if (reader.accept('RENAME', 'TO')) {
    const renamed = reader.acceptName()?.[0];
    if (renamed === undefined || !reader.atEnd) return syntaxFailure('RENAME');
    if (hasRole(world, renamed)) return alreadyExists(renamed);
    const long = nameTooLong(renamed);
    if (long !== undefined) return long;
    await world.users.change((table) => renamedRole(table, ownRecord(world, name), renamed));
    for (const session of world.sessions.all()) if (session.role === name) session.role = renamed;
    return statusRow(DONE, STATEMENT_TYPES.ddl);
  }
  const comment = readComment(reader);
  if (typeof comment !== 'string') return comment;
  await world.users.change((table) => ({
    ...table,
    roles: new Map([...table.roles, [name, { ...ownRecord(world, name), comment }]]),
  }));
  return statusRow(DONE, STATEMENT_TYPES.ddl);
}

function readComment(reader: TokenReader): string | Outcome {
  if (reader.accept('UNSET')) {
    const names = readNames(reader);
    if ('kind' in names) return names;
    const other = names.find((one) => one !== 'COMMENT');
    return other === undefined ? '' : invalidProperty(other, 'ROLE');
  }
  if (!reader.accept('SET')) return syntaxFailure(reader.peek()?.value ?? 'ALTER');
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  const other = properties.find((one) => one.name !== 'COMMENT');
  if (other !== undefined) return invalidProperty(other.name, 'ROLE');
  const [property] = properties;
  return property === undefined ? syntaxFailure('SET') : textOf(property).slice(0, 1000);
}

async function drop(world: OwnWorld, statement: Statement, reader: TokenReader): Promise<Outcome> {
  const ifExists = reader.accept('IF', 'EXISTS');
  const name = reader.acceptName()?.[0];
  if (name === undefined || !reader.atEnd) return syntaxFailure(reader.peek()?.value ?? 'ROLE');
  const refused = mayNotChange(world, statement, name);
  if (refused !== undefined)
    return refused.kind === 'missing' && ifExists
      ? statusRow(
          `Drop statement executed successfully (${name} already dropped).`,
          STATEMENT_TYPES.ddl,
        )
      : refused.outcome;
  await world.users.change((table) => withoutRole(table, name));
  await settleSessions(world, statement.session);
  return statusRow(`${name} successfully dropped.`, STATEMENT_TYPES.ddl);
}

function mayNotChange(
  world: OwnWorld,
  statement: Statement,
  name: string,
): { readonly kind: 'missing' | 'refused'; readonly outcome: Outcome } | undefined {
  if (!isAdministrator(world, statement.session) || isSystemRole(name))
    return { kind: 'refused', outcome: notPrivileged('role', name) };
  return hasRole(world, name)
    ? undefined
    : { kind: 'missing', outcome: missingObject('Role', name) };
}

/** `GRANT ROLE r TO USER|ROLE x` and `REVOKE ROLE r FROM USER|ROLE x`. */
async function grant(
  world: OwnWorld,
  statement: Statement,
  reader: TokenReader,
  verb: 'GRANT' | 'REVOKE',
): Promise<Outcome> {
  if (!reader.accept('ROLE'))
    return unsupported(
      `${verb} of anything but a role; every role may read and write every object, and ACCOUNTADMIN administers`,
    );
  const role = reader.acceptName()?.[0];
  const isDirected = reader.accept(verb === 'GRANT' ? 'TO' : 'FROM');
  const kind = reader.acceptOne('USER', 'ROLE');
  const target = reader.acceptName()?.[0];
  if (role === undefined || !isDirected || kind === undefined || target === undefined)
    return syntaxFailure(reader.peek()?.value ?? verb);
  if (!reader.atEnd) return syntaxFailure(reader.peek()?.value ?? verb);
  if (!isAdministrator(world, statement.session)) return notPrivileged('role', role);
  if (!hasRole(world, role)) return missingObject('Role', role);
  if (kind === 'USER' && world.users.get(target) === undefined)
    return missingObject('User', target);
  if (kind === 'ROLE' && !hasRole(world, target)) return missingObject('Role', target);
  if (kind === 'ROLE' && verb === 'GRANT' && world.users.inheritedRoles(role).has(target))
    return {
      kind: 'failed',
      code: '003080',
      sqlState: '42501',
      message: `SQL compilation error:\nCannot grant role '${role}' to role '${target}': the grants would form a circle.`,
      line: -1,
      pos: -1,
    };
  const change = (roles: readonly string[]): string[] =>
    verb === 'GRANT' ? [...new Set([...roles, role])] : roles.filter((one) => one !== role);
  await world.users.change((table) => {
    const user = table.users.get(target);
    if (kind === 'USER')
      return user === undefined
        ? table
        : {
            ...table,
            users: new Map([...table.users, [target, { ...user, roles: change(user.roles) }]]),
          };
    const record = ownRecord(world, target);
    return {
      ...table,
      roles: new Map([...table.roles, [target, { ...record, roles: change(record.roles) }]]),
    };
  });
  await settleSessions(world, statement.session);
  return statusRow(DONE, STATEMENT_TYPES.ddl);
}

function hasRole(world: OwnWorld, name: string): boolean {
  return world.users.roles().some((role) => role.name === name);
}

/** What the table itself keeps of a role: for a system role only what was granted to it later. */
function ownRecord(world: OwnWorld, name: string): RoleRecord {
  return (
    world.users.table.roles.get(name) ?? {
      name,
      comment: '',
      owner: isSystemRole(name) ? '' : 'ACCOUNTADMIN',
      createdAtMs: world.clock.now(),
      roles: [],
    }
  );
}

function withoutRole(table: UserTable, name: string): UserTable {
  const without = (roles: readonly string[]): string[] => roles.filter((one) => one !== name);
  const kept = [...table.roles].filter(([one]) => one !== name);
  return {
    ...table,
    users: new Map(
      [...table.users].map(([key, user]) => [key, { ...user, roles: without(user.roles) }]),
    ),
    roles: new Map(kept.map(([key, role]) => [key, { ...role, roles: without(role.roles) }])),
  };
}

function renamedRole(table: UserTable, role: RoleRecord, name: string): UserTable {
  const renamed = (roles: readonly string[]): string[] =>
    roles.map((one) => (one === role.name ? name : one));
  const others = [...table.roles].filter(([one]) => one !== role.name);
  return {
    ...table,
    users: new Map(
      [...table.users].map(([key, user]) => [
        key,
        {
          ...user,
          roles: renamed(user.roles),
          defaultRole: user.defaultRole === role.name ? name : user.defaultRole,
        },
      ]),
    ),
    roles: new Map([
      ...others.map(([key, one]) => [key, { ...one, roles: renamed(one.roles) }] as const),
      [name, { ...role, name }] as const,
    ]),
  };
}
