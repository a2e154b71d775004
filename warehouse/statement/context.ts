import type { EpochMs } from '#base/time.js';
import { formatInstant } from '#base/time.js';
import type { Session } from '../identity/sessions.js';

/** The version that CURRENT_VERSION() and the login answer with; JDBC reads major and minor. */
export const SERVER_VERSION = '9.21.0';
/** Account and region of the embedded warehouse. */
export const ACCOUNT = 'DEMO';
export const REGION = 'EMBEDDED';

/** Values of the context functions and of session variables for one statement. */
export function contextOf(
  session: Session,
  now: EpochMs,
  sql: string,
): Readonly<Record<string, string | null>> {
  return {
    ...Object.fromEntries([...session.variables].map(([name, value]) => [`$${name}`, value])),
    CURRENT_USER: session.user.name,
    CURRENT_ROLE: session.role,
    CURRENT_ROLE_TYPE: 'ROLE',
    CURRENT_SECONDARY_ROLES: secondaryRoles(session),
    CURRENT_AVAILABLE_ROLES: JSON.stringify(session.user.roles),
    CURRENT_WAREHOUSE: session.warehouse,
    CURRENT_DATABASE: session.database,
    CURRENT_SCHEMA: session.schema,
    CURRENT_SCHEMAS: JSON.stringify(
      session.database === null ? [] : [`${session.database}.${session.schema ?? 'PUBLIC'}`],
    ),
    CURRENT_SESSION: String(session.id),
    CURRENT_ACCOUNT: ACCOUNT,
    CURRENT_ACCOUNT_NAME: ACCOUNT,
    CURRENT_ORGANIZATION_NAME: ACCOUNT,
    CURRENT_REGION: REGION,
    CURRENT_VERSION: SERVER_VERSION,
    CURRENT_CLIENT: `${session.clientApp} ${session.clientVersion}`,
    CURRENT_IP_ADDRESS: '127.0.0.1',
    CURRENT_STATEMENT: sql,
    CURRENT_TRANSACTION: null,
    CURRENT_TIMESTAMP: formatInstant(now),
    LAST_QUERY_ID: session.lastQueryIds.at(-1) ?? null,
    LAST_QUERY_IDS: JSON.stringify(session.lastQueryIds),
  };
}

/** `{"roles":"A,B","value":"ALL"}`, both empty without secondary roles (Snowflake, CURRENT_SECONDARY_ROLES). */
function secondaryRoles({ secondaryRoles: value, user, role }: Session): string {
  if (value !== 'ALL') return '{"roles":"","value":""}';
  const roles = user.roles.filter((one) => one !== role && one !== 'PUBLIC');
  return JSON.stringify({ roles: roles.join(','), value });
}
