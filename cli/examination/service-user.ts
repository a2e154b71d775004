/** Checks as the service user of an account: that it signs in, and each right it needs with the grant that gives it. */
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import { finderOf, type Finding } from './finding.js';
import { ask, identifier, short } from './service-statements.js';
import { checkWarehouses } from './warehouse-rights.js';

const finder = finderOf('Service users');
const { ok, note, failed } = finder;

interface Context {
  readonly user: string;
  readonly role: string;
  readonly secondaryRoles: readonly string[];
  readonly warehouse: string | null;
  readonly database: string | null;
}

export interface ServiceUserOptions {
  /** Names the account where there are several; begins with a blank. */
  readonly suffix: string;
  /** Warehouses of the control document; null: it is not known. */
  readonly warehouses: readonly string[] | null;
  readonly isEmbedded: boolean;
}

/**
 * Every right of an open connection; each is tried by the statement that needs it, but for that to end what others run,
 * which is looked up.
 */
export async function checkServiceUser(
  connection: ServiceConnection,
  options: ServiceUserOptions,
): Promise<readonly Finding[]> {
  const context = await readContext(connection);
  const { suffix } = options;
  const signedIn = ok(`sign-in${suffix}`, `${context.user} signs in with role ${context.role}`);
  return [
    signedIn,
    checkDefaults(context, suffix),
    await checkHistory(connection, context, suffix),
    await checkView(connection, context, suffix, VIEWS.history),
    await checkView(connection, context, suffix, VIEWS.metering),
    ...(await checkWarehouses(connection, { ...options, ...context, finder })),
    await checkDatabases(connection, context, suffix),
    await checkNetworkPolicy(connection, options),
  ];
}

async function readContext(connection: ServiceConnection): Promise<Context> {
  const [row] = await ask(
    connection,
    `SELECT CURRENT_USER() AS U, CURRENT_ROLE() AS R, CURRENT_SECONDARY_ROLES() AS S, CURRENT_WAREHOUSE() AS W,
            CURRENT_DATABASE() AS D`,
  );
  return {
    user: row?.['U'] ?? 'the service user',
    role: row?.['R'] ?? 'PUBLIC',
    secondaryRoles: secondaryRolesOf(row?.['S'] ?? ''),
    warehouse: row?.['W'] ?? null,
    database: row?.['D'] ?? null,
  };
}

/** Snowflake, "CURRENT_SECONDARY_ROLES": `{"roles":"A,B","value":"ALL"}`, without any both empty. */
function secondaryRolesOf(told: string): readonly string[] {
  const names = /"roles"\s*:\s*"([^"]*)"/.exec(told)?.[1] ?? '';
  return names.split(',').filter((name) => name !== '');
}

function checkDefaults({ user, role, warehouse }: Context, suffix: string): Finding {
  const check = `own warehouse${suffix}`;
  if (warehouse !== null) return ok(check, `${warehouse}, by default`);
  return note(check, 'none by default, so it reads from metadata only', 'Give it a small one:', [
    `GRANT USAGE ON WAREHOUSE <small warehouse> TO ROLE ${identifier(role)};`,
    `ALTER USER ${identifier(user)} SET DEFAULT_WAREHOUSE = <small warehouse>;`,
  ]);
}

/** Evidence on lost replies rests on this one. */
async function checkHistory(
  connection: ServiceConnection,
  { user, role }: Context,
  suffix: string,
): Promise<Finding> {
  const check = `query history${suffix}`;
  try {
    await ask(
      connection,
      'SELECT QUERY_ID FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 1))',
    );
    return ok(check, 'is read: lost replies are settled by evidence');
  } catch (thrown) {
    const says = `is not read (${short(thrown)}): lost replies stay in doubt`;
    return failed(check, says, 'Give it a database whose INFORMATION_SCHEMA it asks:', [
      `GRANT USAGE ON DATABASE <any database> TO ROLE ${identifier(role)};`,
      `ALTER USER ${identifier(user)} SET DEFAULT_NAMESPACE = <any database>;`,
    ]);
  }
}

/** Database roles by Snowflake, "SNOWFLAKE database roles". */
const VIEWS = {
  history: { view: 'QUERY_HISTORY', role: 'GOVERNANCE_VIEWER', for: 'query view' },
  metering: { view: 'WAREHOUSE_METERING_HISTORY', role: 'USAGE_VIEWER', for: 'metering view' },
} as const;

async function checkView(
  connection: ServiceConnection,
  { role }: Context,
  suffix: string,
  view: (typeof VIEWS)[keyof typeof VIEWS],
): Promise<Finding> {
  const name = `ACCOUNT_USAGE.${view.view}`;
  const check = `${view.for}${suffix}`;
  try {
    await ask(connection, `SELECT 1 AS ONE FROM SNOWFLAKE.${name} LIMIT 0`);
    return ok(check, `${name} is read`);
  } catch (thrown) {
    const says = `${name} is not read (${short(thrown)})`;
    return failed(check, says, 'As ACCOUNTADMIN:', [
      `GRANT DATABASE ROLE SNOWFLAKE.${view.role} TO ROLE ${identifier(role)};`,
    ]);
  }
}

async function checkDatabases(
  connection: ServiceConnection,
  { role }: Context,
  suffix: string,
): Promise<Finding> {
  const check = `table sizes${suffix}`;
  try {
    const rows = await ask(connection, 'SHOW DATABASES');
    const count = rows.filter((row) => row['NAME'] !== 'SNOWFLAKE').length;
    if (count > 0) return ok(check, `databases seen: ${count}`);
    const grants = [
      `GRANT USAGE ON DATABASE <database> TO ROLE ${identifier(role)};`,
      `GRANT USAGE ON ALL SCHEMAS IN DATABASE <database> TO ROLE ${identifier(role)};`,
      `GRANT REFERENCES ON ALL TABLES IN DATABASE <database> TO ROLE ${identifier(role)};`,
    ];
    return note(check, 'no database is seen: first runs are guessed', 'For each database:', grants);
  } catch (thrown) {
    return failed(check, `SHOW DATABASES failed (${short(thrown)})`, 'Look at the default role.');
  }
}

const POLICY = [
  "CREATE NETWORK POLICY TOLLGATE_ONLY ALLOWED_IP_LIST = ('<each proxy>');",
  "CREATE NETWORK POLICY BREAK_GLASS ALLOWED_IP_LIST = ('<administrators>');",
  'ALTER USER <break-glass user> SET NETWORK_POLICY = BREAK_GLASS;',
  'ALTER ACCOUNT SET NETWORK_POLICY = TOLLGATE_ONLY;',
];

/**
 * This connection went straight to the account. Whether others can do the same, the account's network policy says;
 * where it has none, everybody with a password goes around budgets.
 */
async function checkNetworkPolicy(
  connection: ServiceConnection,
  { suffix, isEmbedded }: ServiceUserOptions,
): Promise<Finding> {
  const check = `way around${suffix}`;
  if (isEmbedded)
    return note(check, 'the embedded warehouse takes direct sign-ins: it is for trials');
  let policy: string | null = null;
  try {
    const rows = await ask(connection, "SHOW PARAMETERS LIKE 'NETWORK_POLICY' IN ACCOUNT");
    policy = rows[0]?.['VALUE'] ?? null;
  } catch {
    // Not every role may ask; then the note below is the careful answer.
  }
  if (policy !== null && policy !== '')
    return ok(check, `network policy ${policy} is in force; see that it names the proxies alone`);
  const says =
    'a direct sign-in works and no network policy is seen: analysts can go around Tollgate';
  return note(
    check,
    says,
    'Allow the proxies’ addresses alone, with a way in for emergencies:',
    POLICY,
  );
}
