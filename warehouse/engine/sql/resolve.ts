/** Names in full: `T`, `S.T`, `D.S.T`, `D..T` by the request's database and schema. */
import { noCurrentDatabase, StatementFailed, unsupported } from '../failures.js';

export interface Scope {
  readonly database: string | null;
  readonly schema: string | null;
}

export interface FullName {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
}

/** The full name of a table; fails with 090105 when it needs a current database that is not set. */
export function fullName(parts: readonly string[], scope: Scope): FullName {
  const name = parts.at(-1) ?? '';
  const schema = parts.at(-2) ?? scope.schema ?? '';
  const database = parts.at(-3) ?? scope.database;
  if (database === null || parts.length > 3) throw new StatementFailed(noCurrentDatabase());
  return checked({ database, schema: schema === '' ? 'PUBLIC' : schema, name });
}

/** The full name of a schema: `S` or `D.S`. */
export function fullSchema(
  parts: readonly string[],
  scope: Scope,
): { readonly database: string; readonly name: string } {
  const database = parts.at(-2) ?? scope.database;
  if (database === null) throw new StatementFailed(noCurrentDatabase());
  const { schema } = checked({ database, schema: parts.at(-1) ?? '', name: '' });
  return { database, name: schema };
}

/** Schemas are stored as `DATABASE.SCHEMA`, so neither name may carry a dot. */
function checked(name: FullName): FullName {
  if (name.database.includes('.') || name.schema.includes('.'))
    throw new StatementFailed(unsupported('a dot inside a database or schema name'));
  return name;
}

/** `DB.SCHEMA.TABLE`. */
export function dotted(name: FullName): string {
  return `${name.database}.${name.schema}.${name.name}`;
}
