/** The two roles of an embedded server: the owner migrates, the application can only do what the grants allow. */
import pg from 'pg';

export const OWNER_ROLE = 'tollgate';
export const APP_ROLE = 'tollgate_app';

/**
 * Makes the application role (or renews its password) and the database, once the server accepts connections.
 * `appPassword` is hexadecimal, so that it needs no quoting. Repeating it changes nothing.
 */
export async function prepareRoles(
  ownerUrl: string,
  database: string,
  appPassword: string,
): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [APP_ROLE]);
    const verb = role.rowCount === 0 ? 'CREATE' : 'ALTER';
    await client.query(
      `${verb} ROLE ${APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${appPassword}'`,
    );
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0)
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
