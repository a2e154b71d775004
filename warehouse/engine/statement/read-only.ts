/** Schemas that statements may read only. */
import { WIRE_CODES } from '#base/wire/codes.js';
import { failure, StatementFailed } from '../failures.js';

/** What the server provides and what Snowflake itself owns is not for statements to change. */
export function refuseReadOnly(database: string, schema: string): void {
  if (database !== 'SNOWFLAKE' && schema !== 'INFORMATION_SCHEMA') return;
  throw new StatementFailed(
    failure(
      WIRE_CODES.insufficientPrivileges,
      '42501',
      `SQL access control error:\nInsufficient privileges to operate on schema '${schema}'`,
    ),
  );
}
