/** Opens the session of somebody who has proven who they are: in which role, where, with which parameters. */
import type { Authenticated, LoginParts } from './authenticate.js';
import { loginParameters } from './login-parameters.js';
import type { IssuedTokens, Session, Sessions } from './sessions.js';
import type { UserRecord } from './user-records.js';
import type { User, Users } from './users.js';

/** Names that exist; a login naming others opens a session without them, as Snowflake does. */
export interface LoginWorld extends LoginParts {
  readonly sessions: Sessions;
  hasWarehouse(name: string): boolean;
  hasSchema(database: string, schema: string | null): Promise<boolean>;
}

/** What a new session is asked to be; names in the case in which they are kept. */
export interface SessionWish {
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly secondaryRoles: string;
  /** A JSON object of session parameters; anything else sets none. */
  readonly parameters: unknown;
  readonly clientApp: string;
  readonly clientVersion: string;
  /** What the tool above the driver calls itself. */
  readonly application?: string;
  /** A name that does not exist is refused; else only where CLIENT_VALIDATE_DEFAULT_PARAMETERS says so. */
  readonly isStrict: boolean;
}

export type OpenOutcome =
  | ({ readonly kind: 'opened'; readonly session: Session } & IssuedTokens)
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly sqlState: string;
      readonly message: string;
    }
  | { readonly kind: 'missing'; readonly what: 'warehouse' | 'database' | 'schema' };

/**
 * Opens a session. What is not wished for are the user's defaults. Refused: a role that the user or the token does not
 * have, a parameter with an illegal value or one without effect.
 */
export async function openSession(
  world: LoginWorld,
  answer: Extract<Authenticated, { kind: 'user' }>,
  wish: SessionWish,
): Promise<OpenOutcome> {
  const { user, roleLimit } = answer;
  const available = world.users.availableRoles(user.name);
  const role = roleOf(answer, available, wish.role);
  if (role.kind === 'refused') return { ...role, sqlState: '28000' };
  const parameters = loginParameters(world.users.table, user, wish.parameters);
  if (parameters.kind === 'failed')
    return {
      kind: 'refused',
      code: parameters.code,
      sqlState: parameters.sqlState,
      message: parameters.message,
    };
  const place = await placeOf(world, user, wish);
  if ((wish.isStrict || parameters.isValidating) && place.missing !== null)
    return { kind: 'missing', what: place.missing };
  const opened = world.sessions.open({
    user: userOf(world.users, user.name, roleLimit),
    role: role.name,
    roleLimit,
    secondaryRoles: secondaryRolesOf(answer, wish.secondaryRoles),
    warehouse: place.warehouse,
    database: place.database,
    schema: place.schema,
    parameters: parameters.values,
    inherited: parameters.inherited,
    clientApp: wish.clientApp,
    clientVersion: wish.clientVersion,
    ...(wish.application === undefined ? {} : { application: wish.application }),
  });
  return { kind: 'opened', ...opened };
}

/** The user of a session, whose roles are always those of today, within the limit of its token. */
function userOf(users: Users, name: string, roleLimit: readonly string[] | null): User {
  return {
    name,
    get roles() {
      const available = users.availableRoles(name);
      return roleLimit === null ? available : available.filter((role) => roleLimit.includes(role));
    },
  };
}

type RoleChoice =
  | { readonly kind: 'role'; readonly name: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

function roleOf(
  { user, roleLimit }: Extract<Authenticated, { kind: 'user' }>,
  available: readonly string[],
  wanted: string | undefined,
): RoleChoice {
  const fallback = roleLimit?.length === 1 ? roleLimit[0] : (user.defaultRole ?? undefined);
  const isDefaultGone =
    wanted === undefined && (fallback === undefined || !available.includes(fallback));
  const name = wanted ?? (isDefaultGone ? 'PUBLIC' : (fallback ?? 'PUBLIC'));
  if (roleLimit !== null && !roleLimit.includes(name))
    return {
      kind: 'refused',
      code: '390317',
      message: `The role requested in the connection, or the default role if none was requested in the connection ('${name}'), is not listed in the Access Token or was filtered. Please specify another role, or contact your OAuth Authorization server administrator.`,
    };
  if (!available.includes(name))
    return {
      kind: 'refused',
      code: '390189',
      message: `Role '${name}' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.`,
    };
  return { kind: 'role', name };
}

/** A token that limits roles gives no secondary ones. */
function secondaryRolesOf(
  { user, roleLimit }: Extract<Authenticated, { kind: 'user' }>,
  wanted: string,
): string {
  if (roleLimit !== null) return 'NONE';
  const word = wanted.toUpperCase();
  return word === 'ALL' || word === 'NONE' ? word : user.defaultSecondaryRoles;
}

interface SessionPlace {
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
  /** The kind of what the login named and is not there. */
  readonly missing: 'warehouse' | 'database' | 'schema' | null;
}

async function placeOf(
  world: LoginWorld,
  user: UserRecord,
  named: Pick<SessionWish, 'warehouse' | 'database' | 'schema'>,
): Promise<SessionPlace> {
  const [homeDatabase, homeSchema] = user.defaultNamespace ?? [];
  const warehouse = named.warehouse ?? user.defaultWarehouse;
  const database = named.database ?? homeDatabase ?? null;
  const isHome = database === homeDatabase;
  const schema = named.schema ?? (isHome ? homeSchema : undefined) ?? 'PUBLIC';
  const hasWarehouse = warehouse !== null && world.hasWarehouse(warehouse);
  const hasDatabase = database !== null && (await world.hasSchema(database, null));
  const hasSchema = hasDatabase && (await world.hasSchema(database, schema));
  const has = { warehouse: hasWarehouse, database: hasDatabase, schema: hasSchema };
  const kinds = ['warehouse', 'database', 'schema'] as const;
  return {
    warehouse: hasWarehouse ? warehouse : null,
    database: hasDatabase ? database : null,
    schema: hasSchema ? schema : null,
    missing: kinds.find((kind) => named[kind] !== undefined && !has[kind]) ?? null,
  };
}
