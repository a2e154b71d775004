/** Login, renewal of tokens, and how they refuse: HTTP 200 with Snowflake's codes, as drivers expect. */
import { failureEnvelope, successEnvelope } from '#base/wire/envelope.js';
import type { Envelope } from '#base/wire/envelope.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { SERVER_VERSION } from '../statement/context.js';
import { asRecord } from '../protocol/http-io.js';
import { clientParameters } from '../statement/parameters.js';
import { authenticate } from './authenticate.js';
import { openSession } from './open-session.js';
import type { LoginWorld } from './open-session.js';
import type { IssuedTokens, Session, Sessions } from './sessions.js';

/** Longest name of a tool that is kept. */
const APPLICATION_LENGTH_MAX = 100;

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
  const opened = await openSession(world, answer, {
    role: identifier(query.get('roleName')),
    warehouse: identifier(query.get('warehouse')),
    database: identifier(query.get('databaseName')),
    schema: identifier(query.get('schemaName')),
    secondaryRoles: textOf(data['SECONDARY_ROLES']),
    parameters: data['SESSION_PARAMETERS'],
    clientApp: textOf(data['CLIENT_APP_ID']),
    clientVersion: textOf(data['CLIENT_APP_VERSION']),
    ...applicationOf(asRecord(data['CLIENT_ENVIRONMENT'])['APPLICATION']),
    isStrict: false,
  });
  if (opened.kind === 'missing')
    return refusal(
      '390201',
      `The requested ${opened.what} does not exist or not authorized.`,
      '08004',
    );
  if (opened.kind === 'refused') return refusal(opened.code, opened.message, opened.sqlState);
  return successEnvelope(loginData(world.sessions, opened.session, opened));
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

/** Tools name themselves in the environment that their driver sends: `DBeaver_DBeaver`, `AIRFLOW`. */
function applicationOf(said: unknown): { readonly application?: string } {
  const application = textOf(said).slice(0, APPLICATION_LENGTH_MAX);
  return application === '' ? {} : { application };
}
