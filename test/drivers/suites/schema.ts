/** The schema that a suite works in, made by an ordinary session of the suite's own user. */
import { LOGIN } from './suite.js';

/** Makes the schema anew; rejects with the driver's error. */
export async function createSchema(port: number, name: string): Promise<void> {
  // It looks for a cloud's metadata service from the moment it is loaded, unless told before.
  process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] = 'true';
  process.env['SF_TELEMETRY_DISABLE_CONNECTION_SHAPE'] = '1';
  const { default: sdk } = await import('snowflake-sdk');
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  const connection = sdk.createConnection({
    account: LOGIN.account,
    username: LOGIN.user,
    password: LOGIN.password,
    role: LOGIN.role,
    warehouse: LOGIN.warehouse,
    database: LOGIN.database,
    accessUrl: `http://127.0.0.1:${port}`,
  });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  await new Promise<void>((resolve, reject) => {
    connection.execute({
      sqlText: `CREATE OR REPLACE SCHEMA ${name}`,
      complete: (error) => (error ? reject(error) : resolve()),
    });
  });
  await new Promise<void>((resolve) => {
    connection.destroy(() => resolve());
  });
}
