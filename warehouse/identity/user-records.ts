/** What the account keeps of users, roles and integrations, and the form of its file. */
import { z } from 'zod';

type ParameterValues = Readonly<Record<string, string | number | boolean>>;

/** A hashed password: scrypt with `cost` as N, r = 8, p = 1. */
export interface PasswordRecord {
  readonly salt: string;
  readonly hash: string;
  readonly cost: number;
}

/** A programmatic access token; of its secret only the SHA-256 is kept. Times are real time, like every credential's. */
export interface TokenRecord {
  readonly name: string;
  readonly hash: string;
  readonly roleRestriction: string | null;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly isDisabled: boolean;
  readonly rotatedTo: string | null;
}

/** A public key: its DER form in base64 and Snowflake's fingerprint of it. */
export interface KeyRecord {
  readonly key: string;
  readonly fingerprint: string;
  readonly setAtMs: number;
}

export interface UserRecord {
  readonly name: string;
  readonly loginName: string;
  readonly displayName: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly comment: string;
  readonly type: 'PERSON' | 'SERVICE' | 'LEGACY_SERVICE' | null;
  readonly password: PasswordRecord | null;
  readonly publicKey: KeyRecord | null;
  readonly publicKey2: KeyRecord | null;
  /** Granted to the user itself, in the order of the grants. */
  readonly roles: readonly string[];
  readonly defaultRole: string | null;
  readonly defaultWarehouse: string | null;
  /** Database, or database and schema; names as they are stored. */
  readonly defaultNamespace: readonly string[] | null;
  readonly defaultSecondaryRoles: 'ALL' | 'NONE';
  readonly isDisabled: boolean;
  readonly parameters: ParameterValues;
  readonly tokens: readonly TokenRecord[];
  readonly owner: string;
  /** By the warehouse clock, like everything that SHOW prints of an object. */
  readonly createdAtMs: number;
}

export interface RoleRecord {
  readonly name: string;
  readonly comment: string;
  readonly owner: string;
  readonly createdAtMs: number;
  /** Roles whose rights this role has, too. */
  readonly roles: readonly string[];
}

/** A security integration of type EXTERNAL_OAUTH: who signs tokens that this account accepts, and whom they mean. */
export interface IntegrationRecord {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly provider: 'OKTA' | 'AZURE' | 'PING_FEDERATE' | 'CUSTOM';
  readonly issuer: string;
  readonly keys: readonly KeyRecord[];
  readonly audiences: readonly string[];
  readonly userClaims: readonly string[];
  readonly userAttribute: 'LOGIN_NAME' | 'EMAIL_ADDRESS';
  readonly anyRoleMode: 'DISABLE' | 'ENABLE';
  readonly scopeClaim: 'scp' | 'scope';
  readonly scopeDelimiter: string;
  readonly comment: string;
  readonly createdAtMs: number;
}

export interface UserTableFile {
  readonly version: 2;
  readonly users: readonly UserRecord[];
  readonly roles: readonly RoleRecord[];
  readonly integrations: readonly IntegrationRecord[];
  readonly accountParameters: ParameterValues;
}

const parameterValue = z.union([z.string(), z.number(), z.boolean()]);

const passwordRecord: z.ZodType<PasswordRecord> = z.object({
  salt: z.string(),
  hash: z.string(),
  cost: z.number().int().positive().default(1024),
});

const tokenRecord: z.ZodType<TokenRecord> = z.object({
  name: z.string().min(1),
  hash: z.string(),
  roleRestriction: z.string().nullable(),
  expiresAtMs: z.number(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  comment: z.string(),
  isDisabled: z.boolean(),
  rotatedTo: z.string().nullable(),
});

const keyRecord: z.ZodType<KeyRecord> = z.object({
  key: z.string(),
  fingerprint: z.string(),
  setAtMs: z.number(),
});

const userRecord: z.ZodType<UserRecord> = z.object({
  name: z.string().min(1),
  loginName: z.string().min(1),
  displayName: z.string(),
  firstName: z.string().default(''),
  lastName: z.string().default(''),
  email: z.string().default(''),
  comment: z.string().default(''),
  type: z.enum(['PERSON', 'SERVICE', 'LEGACY_SERVICE']).nullable().default(null),
  password: passwordRecord.nullable(),
  publicKey: keyRecord.nullable().default(null),
  publicKey2: keyRecord.nullable().default(null),
  roles: z.array(z.string().min(1)),
  defaultRole: z.string().nullable(),
  defaultWarehouse: z.string().nullable(),
  defaultNamespace: z.array(z.string()).max(2).nullable(),
  defaultSecondaryRoles: z.enum(['ALL', 'NONE']).default('NONE'),
  isDisabled: z.boolean().default(false),
  parameters: z.record(z.string(), parameterValue).default({}),
  tokens: z.array(tokenRecord).default([]),
  owner: z.string().default('ACCOUNTADMIN'),
  createdAtMs: z.number(),
});

const roleRecord: z.ZodType<RoleRecord> = z.object({
  name: z.string().min(1),
  comment: z.string(),
  owner: z.string(),
  createdAtMs: z.number(),
  roles: z.array(z.string().min(1)),
});

const integrationRecord: z.ZodType<IntegrationRecord> = z.object({
  name: z.string().min(1),
  isEnabled: z.boolean(),
  provider: z.enum(['OKTA', 'AZURE', 'PING_FEDERATE', 'CUSTOM']),
  issuer: z.string().min(1),
  keys: z.array(keyRecord).max(2),
  audiences: z.array(z.string()),
  userClaims: z.array(z.string()).min(1),
  userAttribute: z.enum(['LOGIN_NAME', 'EMAIL_ADDRESS']),
  anyRoleMode: z.enum(['DISABLE', 'ENABLE']),
  scopeClaim: z.enum(['scp', 'scope']),
  scopeDelimiter: z.string().min(1).max(1),
  comment: z.string(),
  createdAtMs: z.number(),
});

const tableFile: z.ZodType<UserTableFile> = z.object({
  version: z.literal(2),
  users: z.array(userRecord),
  roles: z.array(roleRecord),
  integrations: z.array(integrationRecord),
  accountParameters: z.record(z.string(), parameterValue),
});

/** The first form of the file: a list of names with their roles and passwords. */
const firstFile = z.array(
  z.object({
    name: z.string().min(1),
    roles: z.array(z.string().min(1)).min(1),
    salt: z.string(),
    hash: z.string(),
  }),
);

/** Warehouse and namespace of users that the account came with. */
const HOME = { warehouse: 'STANDARD_WH', namespace: ['ANALYTICS', 'PUBLIC'] } as const;

/** Reads the content of the file, of either form; undefined when it is neither. `now` dates users that have no date. */
export function parseUserTable(content: unknown, now: number): UserTableFile | undefined {
  const current = tableFile.safeParse(content);
  if (current.success) return current.data;
  const first = firstFile.safeParse(content);
  if (!first.success) return undefined;
  const users = first.data.map(({ name, roles, salt, hash }) =>
    residentUser(name, roles, { salt, hash, cost: 1024 }, now),
  );
  return { version: 2, users, roles: [], integrations: [], accountParameters: {} };
}

/** A user that the account comes with: default role the first of `roles`, at home in the demo's warehouse and schema. */
export function residentUser(
  name: string,
  roles: readonly string[],
  password: PasswordRecord,
  now: number,
): UserRecord {
  return {
    ...newUser(name.toUpperCase(), now),
    password,
    roles: [...roles],
    defaultRole: roles[0] ?? null,
    defaultWarehouse: HOME.warehouse,
    defaultNamespace: [...HOME.namespace],
  };
}

/** A user as CREATE USER makes it without properties: no credentials, no defaults. */
export function newUser(name: string, now: number): UserRecord {
  return {
    name,
    loginName: name.toUpperCase(),
    displayName: name,
    firstName: '',
    lastName: '',
    email: '',
    comment: '',
    type: null,
    password: null,
    publicKey: null,
    publicKey2: null,
    roles: [],
    defaultRole: null,
    defaultWarehouse: null,
    defaultNamespace: null,
    defaultSecondaryRoles: 'NONE',
    isDisabled: false,
    parameters: {},
    tokens: [],
    owner: 'ACCOUNTADMIN',
    createdAtMs: now,
  };
}
