/** Login, renewal of tokens, and how they refuse: HTTP 200 with Snowflake's codes, as drivers expect. */
import { failureEnvelope, successEnvelope } from '#base/wire/envelope.js';
import type { Envelope } from '#base/wire/envelope.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { SERVER_VERSION } from '../statement/context.js';
import { asRecord } from '../protocol/http-io.js';
import { clientParameters } from '../statement/parameters.js';
import { authenticate } from './authenticate.js';
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

/** A refusal outside statements. */
export function refusal(code: string, message: string, sqlState = '08001'): Envelope<unknown> {
  return failureEnvelope({ code, sqlState, message, queryId: null, type: 'CLIENT' });
}

/**
 * Answers `POST /session/v1/login-request`: who it is, in which role, where, with which parameters. What the URL
 * names goes before the user's defaults; with CLIENT_VALIDATE_DEFAULT_PARAMETERS a name that does not exist is
 * refused with 390201, else the session opens without it.
 */
export async function login(
  world: LoginWorld,
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
  clientAddress = '',
): Promise<Envelope<unknown>> {
  const data = asRecord(body['data']);
  const answer = await authenticate(world, {
    authenticator: textOf(data['AUTHENTICATOR']),
    account: textOf(data['ACCOUNT_NAME']),
    loginName: textOf(data['LOGIN_NAME']),
    password: textOf(data['PASSWORD']),
    token: textOf(data['TOKEN']),
    clientAddress,
    clientApp: textOf(data['CLIENT_APP_ID']),
    clientVersion: textOf(data['CLIENT_APP_VERSION']),
  });
  if (answer.kind === 'refused') return refusal(answer.code, answer.message, '28000');
  const { user, roleLimit } = answer;
  const available = world.users.availableRoles(user.name);
  const role = roleOf(answer, available, identifier(query.get('roleName')));
  if (role.kind === 'refused') return refusal(role.code, role.message, '28000');
  const parameters = loginParameters(world.users.table, user, data['SESSION_PARAMETERS']);
  if (parameters.kind === 'failed')
    return refusal(parameters.code, parameters.message, parameters.sqlState);
  const place = await placeOf(world, user, query);
  if (parameters.isValidating && place.missing !== null)
    return refusal(
      '390201',
      `The requested ${place.missing} does not exist or not authorized.`,
      '08004',
    );
  const opened = world.sessions.open({
    user: userOf(world.users, user.name, roleLimit),
    role: role.name,
    roleLimit,
    secondaryRoles: secondaryRolesOf(answer, textOf(data['SECONDARY_ROLES'])),
    warehouse: place.warehouse,
    database: place.database,
    schema: place.schema,
    parameters: parameters.values,
    inherited: parameters.inherited,
    clientApp: textOf(data['CLIENT_APP_ID']),
    clientVersion: textOf(data['CLIENT_APP_VERSION']),
  });
  return successEnvelope(loginData(world.sessions, opened.session, opened));
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
  query: URLSearchParams,
): Promise<SessionPlace> {
  const [homeDatabase, homeSchema] = user.defaultNamespace ?? [];
  const named = {
    warehouse: identifier(query.get('warehouse')),
    database: identifier(query.get('databaseName')),
    schema: identifier(query.get('schemaName')),
  };
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

/**
 * Answers `POST /session/token-request`, with the master token in the Authorization header. RENEW and CLONE give new
 * tokens to the same session; ISSUE opens another session of the same user, in the state of the first.
 */
export function renew(
  world: Pick<LoginWorld, 'sessions' | 'users'>,
  master: string | undefined,
  body: Readonly<Record<string, unknown>> = {},
): Envelope<unknown> {
  const { sessions } = world;
  if (master === undefined)
    return refusal(WIRE_CODES.masterTokenMissing, 'Master token is missing.');
  const check = sessions.checkMaster(master);
  if (check.kind === 'unknown')
    return refusal(WIRE_CODES.masterTokenInvalid, 'Master token is invalid.');
  if (check.kind === 'expired')
    return refusal(
      WIRE_CODES.masterTokenExpired,
      'Authentication token has expired.  The user must authenticate again.',
    );
  const { session } = check;
  const isIssue = textOf(body['requestType']).toUpperCase() === 'ISSUE';
  const answer = isIssue ? sessions.openLike(session) : sessions.renew(session);
  if (answer === undefined)
    return refusal(
      WIRE_CODES.sessionGone,
      'Session no longer exists.  New login required to access the service.',
    );
  return successEnvelope({
    sessionToken: answer.token,
    validityInSecondsST: sessions.validity.sessionSeconds,
    masterToken: answer.masterToken,
    validityInSecondsMT: sessions.validity.masterSeconds,
    sessionId: answer.session.id,
  });
}

function loginData(
  sessions: Sessions,
  session: Session,
  tokens: IssuedTokens,
): Readonly<Record<string, unknown>> {
  return {
    masterToken: tokens.masterToken,
    token: tokens.token,
    validityInSeconds: sessions.validity.sessionSeconds,
    masterValidityInSeconds: sessions.validity.masterSeconds,
    displayUserName: session.user.name,
    serverVersion: SERVER_VERSION,
    firstLogin: false,
    remMeToken: null,
    remMeValidityInSeconds: 0,
    healthCheckInterval: 45,
    newClientForUpgrade: null,
    sessionId: session.id,
    parameters: clientParameters(session.parameters),
    sessionInfo: {
      databaseName: session.database,
      schemaName: session.schema,
      warehouseName: session.warehouse,
      roleName: session.role,
    },
    idToken: null,
    idTokenValidityInSeconds: 0,
    mfaToken: null,
    mfaTokenValidityInSeconds: 0,
    responseData: null,
  };
}

/** A name of the login URL: unquoted ones in upper case, quoted ones as they are; undefined when empty. */
function identifier(text: string | null): string | undefined {
  if (text === null || text === '') return undefined;
  return text.startsWith('"') && text.endsWith('"') && text.length > 2
    ? text.slice(1, -1).replaceAll('""', '"')
    : text.toUpperCase();
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
