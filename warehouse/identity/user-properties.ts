/** The properties of a user: what SET and CREATE USER change, and how DESCRIBE USER prints them. */
import type { EngineFailure } from '../engine/engine.js';
import { failure, unsupported } from '../statement/outcome.js';
import { checkedParameter } from '../statement/parameters.js';
import { PARAMETERS } from '../statement/parameter-table.js';
import { readPublicKey } from './json-web-token.js';
import { hashPassword } from './passwords.js';
import {
  booleanOf,
  invalidProperty,
  invalidValue,
  nameOf,
  parameterOf,
  textOf,
} from './properties.js';
import type { Property } from './properties.js';
import { newUser } from './user-records.js';
import type { UserRecord } from './user-records.js';

/** Properties that users change of themselves (Snowflake, ALTER USER, "Usage notes"). */
export const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  'PASSWORD',
  'DEFAULT_ROLE',
  'DEFAULT_WAREHOUSE',
  'DEFAULT_NAMESPACE',
  'DEFAULT_SECONDARY_ROLES',
  'DISPLAY_NAME',
  'FIRST_NAME',
  'LAST_NAME',
]);

/** Snowflake's properties that this warehouse has no use for: setting one would have no effect, so it is refused. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  'MUST_CHANGE_PASSWORD',
  'DAYS_TO_EXPIRY',
  'MINS_TO_BYPASS_MFA',
  'DISABLE_MFA',
  'EXT_AUTHN_DUO',
  'NETWORK_POLICY',
  'PASSWORD_POLICY',
  'SESSION_POLICY',
  'AUTHENTICATION_POLICY',
  'WORKLOAD_IDENTITY',
  'ENABLE_UNREDACTED_QUERY_SYNTAX_ERROR',
]);
const PASSWORD_MAX = 256;
const TEXT_MAX = 1000;

/** A user with one property set; a failure for a property or value that cannot be. `now` is real time in ms. */
export async function withProperty(
  user: UserRecord,
  property: Property,
  now: number,
): Promise<UserRecord | EngineFailure> {
  const { name } = property;
  const text = textOf(property);
  const invalid = invalidValue(property);
  switch (name) {
    case 'PASSWORD':
      return withPassword(user, property);
    case 'RSA_PUBLIC_KEY':
    case 'RSA_PUBLIC_KEY_2':
      return withKey(user, property, now);
    case 'LOGIN_NAME':
      return text === '' ? invalid : { ...user, loginName: text.toUpperCase() };
    case 'DISPLAY_NAME':
    case 'FIRST_NAME':
    case 'LAST_NAME':
    case 'EMAIL':
    case 'COMMENT':
      return text.length > TEXT_MAX ? invalid : { ...user, [TEXT_FIELDS[name]]: text };
    case 'TYPE':
      return withType(user, property);
    case 'DISABLED': {
      const isDisabled = booleanOf(property);
      return isDisabled === undefined ? invalid : { ...user, isDisabled };
    }
    case 'DEFAULT_ROLE':
      return { ...user, defaultRole: nameOf(property).join('.') };
    case 'DEFAULT_WAREHOUSE':
      return { ...user, defaultWarehouse: nameOf(property).join('.') };
    case 'DEFAULT_NAMESPACE': {
      const parts = nameOf(property);
      return parts.length < 1 || parts.length > 2
        ? invalid
        : { ...user, defaultNamespace: [...parts] };
    }
    case 'DEFAULT_SECONDARY_ROLES': {
      const roles = property.kind === 'list' ? property.list.map((one) => one.toUpperCase()) : null;
      if (roles === null || roles.some((one) => one !== 'ALL') || roles.length > 1) return invalid;
      return { ...user, defaultSecondaryRoles: roles.length === 1 ? 'ALL' : 'NONE' };
    }
    default:
      return withParameter(user, property);
  }
}

/** A user with a property as CREATE USER leaves it; a failure for what is no property. */
export function withoutProperty(user: UserRecord, name: string): UserRecord | EngineFailure {
  const blank = newUser(user.name, user.createdAtMs);
  switch (name) {
    case 'PASSWORD':
      return { ...user, password: null };
    case 'RSA_PUBLIC_KEY':
      return { ...user, publicKey: null };
    case 'RSA_PUBLIC_KEY_2':
      return { ...user, publicKey2: null };
    case 'LOGIN_NAME':
      return { ...user, loginName: blank.loginName };
    case 'DISPLAY_NAME':
      return { ...user, displayName: blank.displayName };
    case 'FIRST_NAME':
    case 'LAST_NAME':
    case 'EMAIL':
    case 'COMMENT':
      return { ...user, [TEXT_FIELDS[name]]: '' };
    case 'TYPE':
      return { ...user, type: null };
    case 'DISABLED':
      return { ...user, isDisabled: false };
    case 'DEFAULT_ROLE':
      return { ...user, defaultRole: null };
    case 'DEFAULT_WAREHOUSE':
      return { ...user, defaultWarehouse: null };
    case 'DEFAULT_NAMESPACE':
      return { ...user, defaultNamespace: null };
    case 'DEFAULT_SECONDARY_ROLES':
      return { ...user, defaultSecondaryRoles: 'NONE' };
    default: {
      if (!PARAMETERS.has(name)) return invalidProperty(name, 'USER');
      const { [name]: _removed, ...parameters } = user.parameters;
      return { ...user, parameters };
    }
  }
}

const TEXT_FIELDS = {
  DISPLAY_NAME: 'displayName',
  FIRST_NAME: 'firstName',
  LAST_NAME: 'lastName',
  EMAIL: 'email',
  COMMENT: 'comment',
} as const;

async function withPassword(
  user: UserRecord,
  property: Property,
): Promise<UserRecord | EngineFailure> {
  const text = textOf(property);
  if (user.type === 'SERVICE')
    return failure('001423', '22023', 'Cannot set PASSWORD on a user of TYPE = SERVICE.');
  if (property.kind !== 'text' || text === '' || text.length > PASSWORD_MAX)
    return failure(
      '003002',
      '28P01',
      'SQL execution error: New password rejected by current password policy. Reason: a password is a text of 1 to 256 characters.',
    );
  return { ...user, password: await hashPassword(text) };
}

function withKey(user: UserRecord, property: Property, now: number): UserRecord | EngineFailure {
  const key = readPublicKey(textOf(property));
  if (key === undefined)
    return failure(
      '001008',
      '22023',
      "SQL execution error: New public key rejected by current policy. Reason: 'Invalid public key'",
    );
  const record = { ...key, setAtMs: now };
  return property.name === 'RSA_PUBLIC_KEY'
    ? { ...user, publicKey: record }
    : { ...user, publicKey2: record };
}

function withType(user: UserRecord, property: Property): UserRecord | EngineFailure {
  const word = textOf(property).toUpperCase();
  switch (word) {
    case 'PERSON':
    case 'LEGACY_SERVICE':
      return { ...user, type: word };
    case 'SERVICE':
      // A service has no password (Snowflake, "Types of users").
      return { ...user, type: word, password: null };
    case 'NULL':
      return { ...user, type: null };
    default:
      return invalidValue(property);
  }
}

function withParameter(user: UserRecord, property: Property): UserRecord | EngineFailure {
  const { name } = property;
  // False is how every user is, so that saying it has its effect.
  if (UNSUPPORTED.has(name))
    return booleanOf(property) === false ? user : unsupported(`the property ${name} of a user`);
  const checked = checkedParameter(name, parameterOf(property), 'USER');
  return checked.kind === 'failed'
    ? checked
    : { ...user, parameters: { ...user.parameters, [name]: checked.value } };
}
