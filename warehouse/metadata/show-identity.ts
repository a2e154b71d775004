/** SHOW USERS, ROLES, GRANTS and INTEGRATIONS, and DESCRIBE USER. */
import type { Cell } from '#base/wire/row-type.js';
import { columnType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { isAdministrator, notPrivileged } from '../identity/administration.js';
import type { Session } from '../identity/sessions.js';
import type { UserRecord } from '../identity/user-records.js';
import { missingObject, rowsOf, syntaxFailure } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { TokenReader } from '../statement/tokens.js';
import { instant, listingOf, yesNo } from './listing.js';
import type { Listing } from './listing.js';

const USER_COLUMNS =
  'name created_on login_name display_name first_name last_name email mins_to_unlock days_to_expiry comment ' +
  'disabled must_change_password snowflake_lock default_warehouse default_namespace default_role ' +
  'default_secondary_roles ext_authn_duo ext_authn_uid mins_to_bypass_mfa owner last_success_login ' +
  'expires_at_time locked_until_time has_password has_rsa_public_key type has_mfa has_pat';

/** Users in the columns of SHOW USERS; of others than itself a session that does not administer sees the names only. */
export function listUsers(world: OwnWorld, session: Session): Listing {
  const isAdmin = isAdministrator(world, session);
  const rows = world.users
    .list()
    .map((user) =>
      isAdmin || user.name === session.user.name
        ? userRow(user)
        : { name: user.name, created_on: instant(user.createdAtMs) },
    );
  return listingOf(USER_COLUMNS, rows);
}

function userRow(user: UserRecord): Readonly<Record<string, Cell>> {
  return {
    name: user.name,
    created_on: instant(user.createdAtMs),
    login_name: user.loginName,
    display_name: user.displayName,
    first_name: user.firstName,
    last_name: user.lastName,
    email: user.email,
    comment: user.comment,
    disabled: String(user.isDisabled),
    must_change_password: 'false',
    snowflake_lock: 'false',
    default_warehouse: user.defaultWarehouse ?? '',
    default_namespace: user.defaultNamespace?.join('.') ?? '',
    default_role: user.defaultRole ?? '',
    default_secondary_roles: user.defaultSecondaryRoles === 'ALL' ? '["ALL"]' : '[]',
    ext_authn_duo: 'false',
    owner: user.owner,
    has_password: String(user.password !== null),
    has_rsa_public_key: String(user.publicKey !== null || user.publicKey2 !== null),
    type: user.type,
    has_mfa: 'false',
    has_pat: String(user.tokens.length > 0),
  };
}

/** Roles in the columns of SHOW ROLES. */
export function listRoles(world: OwnWorld, session: Session): Listing {
  const roles = world.users.roles();
  const users = world.users.list();
  const mine = session.user.roles;
  const defaultRole = world.users.get(session.user.name)?.defaultRole;
  const inherited = world.users.inheritedRoles(session.role);
  const rows = roles
    .filter((role) => isAdministrator(world, session) || mine.includes(role.name))
    .map((role) => ({
      created_on: instant(role.createdAtMs),
      name: role.name,
      is_default: yesNo(role.name === defaultRole),
      is_current: yesNo(role.name === session.role),
      is_inherited: yesNo(role.name !== session.role && inherited.has(role.name)),
      assigned_to_users: String(users.filter((user) => user.roles.includes(role.name)).length),
      granted_to_roles: String(roles.filter((one) => one.roles.includes(role.name)).length),
      granted_roles: String(role.roles.length),
      owner: role.owner,
      comment: role.comment,
    }));
  return listingOf(
    'created_on name is_default is_current is_inherited assigned_to_users granted_to_roles granted_roles owner comment',
    rows,
  );
}

/** Security integrations in the columns of SHOW INTEGRATIONS, for ACCOUNTADMIN; nobody else sees one. */
export function listIntegrations(world: OwnWorld, session: Session): Listing {
  const all = isAdministrator(world, session) ? [...world.users.table.integrations.values()] : [];
  const rows = all.map((one) => ({
    name: one.name,
    type: `EXTERNAL_OAUTH - ${one.provider}`,
    category: 'SECURITY',
    enabled: String(one.isEnabled),
    comment: one.comment,
    created_on: instant(one.createdAtMs),
  }));
  return listingOf('name type category enabled comment created_on', rows);
}

const HELD = 'created_on role granted_to grantee_name granted_by';
const PRIVILEGES =
  'created_on privilege granted_on name granted_to grantee_name grant_option granted_by';

/**
 * `SHOW GRANTS`, its forms `TO USER`, `TO ROLE`, `OF ROLE` and `ON <kind> <name>`, and `SHOW FUTURE GRANTS`, of which
 * there are none. Every object is owned by ACCOUNTADMIN; no other privilege is kept.
 */
export function showGrants(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): Listing | Outcome {
  if (reader.atEnd) return grantsToUser(world, session.user.name);
  if (reader.accept('TO', 'USER')) {
    const name = reader.acceptName()?.[0] ?? '';
    return name === session.user.name || isAdministrator(world, session)
      ? grantsToUser(world, name)
      : notPrivileged('user', name);
  }
  if (reader.accept('TO', 'ROLE')) return grantsToRole(world, reader.acceptName()?.[0] ?? '');
  if (reader.accept('OF', 'ROLE')) return grantsOfRole(world, reader.acceptName()?.[0] ?? '');
  if (!reader.accept('ON')) return syntaxFailure(reader.peek()?.value ?? 'GRANTS');
  const words: string[] = [];
  for (let token = reader.next(); token !== undefined; token = reader.next())
    words.push(token.value);
  const isAccount = words[0] === 'ACCOUNT';
  const at = words.findIndex((_, index) => words[index + 1] === '.');
  const start = at < 0 ? words.length - 1 : at;
  const name = words.slice(start).join('');
  const kind = words.slice(0, start).join(' ') || 'TABLE';
  if (isAccount || name === '') return listingOf(PRIVILEGES, []);
  return listingOf(PRIVILEGES, [
    {
      created_on: instant(0),
      privilege: 'OWNERSHIP',
      granted_on: kind,
      name,
      granted_to: 'ROLE',
      grantee_name: 'ACCOUNTADMIN',
      grant_option: 'true',
      granted_by: 'ACCOUNTADMIN',
    },
  ]);
}

function grantsToUser(world: OwnWorld, name: string): Listing | Outcome {
  const user = world.users.get(name);
  if (user === undefined) return missingObject('User', name);
  const rows = user.roles.map((role) => ({
    created_on: instant(user.createdAtMs),
    role,
    granted_to: 'USER',
    grantee_name: name,
    granted_by: 'ACCOUNTADMIN',
  }));
  return listingOf(HELD, rows, 'role');
}

function grantsToRole(world: OwnWorld, name: string): Listing | Outcome {
  const role = world.users.roles().find((one) => one.name === name);
  if (role === undefined) return missingObject('Role', name);
  const rows = role.roles.map((granted) => ({
    created_on: instant(role.createdAtMs),
    privilege: 'USAGE',
    granted_on: 'ROLE',
    name: granted,
    granted_to: 'ROLE',
    grantee_name: name,
    grant_option: 'false',
    granted_by: 'ACCOUNTADMIN',
  }));
  return listingOf(PRIVILEGES, rows);
}

function grantsOfRole(world: OwnWorld, name: string): Listing | Outcome {
  const roles = world.users.roles();
  if (!roles.some((one) => one.name === name)) return missingObject('Role', name);
  const row = (kind: string, grantee: string, atMs: number): Readonly<Record<string, Cell>> => ({
    created_on: instant(atMs),
    role: name,
    granted_to: kind,
    grantee_name: grantee,
    granted_by: 'ACCOUNTADMIN',
  });
  const users = world.users.list().filter((user) => user.roles.includes(name));
  return listingOf(
    HELD,
    [
      ...roles
        .filter((role) => role.roles.includes(name))
        .map((role) => row('ROLE', role.name, role.createdAtMs)),
      ...users.map((user) => row('USER', user.name, user.createdAtMs)),
    ],
    'role',
  );
}

/** `DESC[RIBE] USER name`: property, value, default, description; its own for everybody, others' for ACCOUNTADMIN. */
export function describeUser(world: OwnWorld, session: Session, name: string): Outcome {
  if (name !== session.user.name && !isAdministrator(world, session))
    return notPrivileged('user', name);
  const user = world.users.get(name);
  if (user === undefined) return missingObject('User', name);
  const time = (atMs: number | undefined): Cell =>
    atMs === undefined ? null : new Date(atMs).toISOString().replace('T', ' ').replace('Z', '');
  const rows: readonly (readonly [string, Cell, Cell, string])[] = [
    ['NAME', user.name, null, 'Name'],
    ['COMMENT', user.comment || null, null, 'Comment of the user'],
    ['DISPLAY_NAME', user.displayName, null, 'Display name of the user'],
    ['TYPE', user.type, null, 'Type of the user'],
    ['LOGIN_NAME', user.loginName, null, 'Name with which the user logs in'],
    ['FIRST_NAME', user.firstName || null, null, 'First name of the user'],
    ['LAST_NAME', user.lastName || null, null, 'Last name of the user'],
    ['EMAIL', user.email || null, null, 'Address of the user'],
    ['PASSWORD', user.password === null ? null : '********', null, 'Password of the user'],
    ['MUST_CHANGE_PASSWORD', 'false', 'false', 'A new password is due at the next login'],
    ['DISABLED', String(user.isDisabled), 'false', 'The user may not log in'],
    ['DEFAULT_WAREHOUSE', user.defaultWarehouse, null, 'Warehouse of a new session'],
    ['DEFAULT_NAMESPACE', user.defaultNamespace?.join('.') ?? null, null, 'Place of a new session'],
    ['DEFAULT_ROLE', user.defaultRole, null, 'Role of a new session'],
    [
      'DEFAULT_SECONDARY_ROLES',
      user.defaultSecondaryRoles === 'ALL' ? '["ALL"]' : '[]',
      '[]',
      'Secondary roles of a new session',
    ],
    ['RSA_PUBLIC_KEY', user.publicKey?.key ?? null, null, 'Public key'],
    ['RSA_PUBLIC_KEY_FP', user.publicKey?.fingerprint ?? null, null, 'Fingerprint of the key'],
    ['RSA_PUBLIC_KEY_LAST_SET_TIME', time(user.publicKey?.setAtMs), null, 'When it was set'],
    ['RSA_PUBLIC_KEY_2', user.publicKey2?.key ?? null, null, 'Second public key'],
    ['RSA_PUBLIC_KEY_2_FP', user.publicKey2?.fingerprint ?? null, null, 'Its fingerprint'],
    ['RSA_PUBLIC_KEY_2_LAST_SET_TIME', time(user.publicKey2?.setAtMs), null, 'When it was set'],
  ];
  return rowsOf(
    ['property', 'value', 'default', 'description'].map((column) => columnType(column, 'text')),
    rows,
    STATEMENT_TYPES.describe,
  );
}
