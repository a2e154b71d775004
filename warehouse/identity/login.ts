/** Login, renewal, heartbeat and logout. Refusals are HTTP 200 with Snowflake's codes, as drivers expect. */
import { failureEnvelope, successEnvelope } from '#base/wire/envelope.js';
import type { Envelope } from '#base/wire/envelope.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { SERVER_VERSION } from '../statement/context.js';
import { asRecord } from '../protocol/http-io.js';
import { clientParameters, readParameters } from '../statement/parameters.js';
import type { IssuedTokens, Session, Sessions } from './sessions.js';
import type { Users } from './users.js';

const DEFAULT_WAREHOUSE = 'STANDARD_WH';
const DEFAULT_DATABASE = 'ANALYTICS';
const DEFAULT_SCHEMA = 'PUBLIC';

/** Names that exist; a login naming others opens a session without them, as Snowflake does. */
export interface LoginWorld {
  readonly users: Users;
  readonly sessions: Sessions;
  hasWarehouse(name: string): boolean;
  hasSchema(database: string, schema: string | null): Promise<boolean>;
}

/** A refusal outside statements. */
export function refusal(code: string, message: string, sqlState = '08001'): Envelope<unknown> {
  return failureEnvelope({ code, sqlState, message, queryId: null, type: 'CLIENT' });
}

/** Answers `POST /session/v1/login-request`. */
export async function login(
  world: LoginWorld,
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): Promise<Envelope<unknown>> {
  const data = asRecord(body['data']);
  const authenticator = textOf(data['AUTHENTICATOR']).toUpperCase();
  if (
    authenticator !== '' &&
    authenticator !== 'SNOWFLAKE' &&
    authenticator !== 'USERNAME_PASSWORD_MFA'
  )
    return refusal(
      '390142',
      `This warehouse accepts passwords only, not the authenticator ${authenticator}.`,
      '28000',
    );
  const user = world.users.authenticate(textOf(data['LOGIN_NAME']), textOf(data['PASSWORD']));
  if (user === undefined)
    return refusal(
      WIRE_CODES.incorrectLogin,
      'Incorrect username or password was specified.',
      '28000',
    );
  const wantedRole = identifier(query.get('roleName'));
  const role = wantedRole ?? user.roles[0] ?? 'PUBLIC';
  if (!user.roles.includes(role))
    return refusal(
      '390189',
      `Role '${role}' specified in the connect string is not granted to this user.`,
      '28000',
    );
  const warehouse = identifier(query.get('warehouse')) ?? DEFAULT_WAREHOUSE;
  const database = identifier(query.get('databaseName')) ?? DEFAULT_DATABASE;
  const schema = identifier(query.get('schemaName')) ?? DEFAULT_SCHEMA;
  const hasDatabase = await world.hasSchema(database, null);
  const hasSchema = hasDatabase && (await world.hasSchema(database, schema));
  const opened = world.sessions.open({
    user,
    role,
    secondaryRoles: textOf(data['SECONDARY_ROLES']) || 'NONE',
    warehouse: world.hasWarehouse(warehouse) ? warehouse : null,
    database: hasDatabase ? database : null,
    schema: hasSchema ? schema : null,
    parameters: new Map(readParameters(data['SESSION_PARAMETERS'])),
    clientApp: textOf(data['CLIENT_APP_ID']),
    clientVersion: textOf(data['CLIENT_APP_VERSION']),
  });
  return successEnvelope(loginData(world.sessions, opened.session, opened));
}

/** Answers `POST /session/token-request`, with the master token in the Authorization header. */
export function renew(sessions: Sessions, master: string | undefined): Envelope<unknown> {
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
  const issued = sessions.renew(check.session);
  if (issued === undefined)
    return refusal(
      WIRE_CODES.sessionGone,
      'Session no longer exists.  New login required to access the service.',
    );
  return successEnvelope({
    sessionToken: issued.token,
    validityInSecondsST: sessions.validity.sessionSeconds,
    masterToken: issued.masterToken,
    validityInSecondsMT: sessions.validity.masterSeconds,
    sessionId: check.session.id,
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
