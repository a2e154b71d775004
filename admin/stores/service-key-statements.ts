/**
 * The statements by which an administrator of Snowflake makes a service user and its public keys (Snowflake, CREATE
 * USER, ALTER USER, "Key-pair rotation"). A user has two places for keys, so that one signs in while the other changes.
 */

/** 1 is `RSA_PUBLIC_KEY`, 2 is `RSA_PUBLIC_KEY_2`. */
export type KeySlot = 1 | 2;

/** Makes the user unless it exists; it has no password and can have none. */
export function createUserSql(snowflakeUser: string, teamId: string): string {
  return `CREATE USER IF NOT EXISTS ${identifierOf(snowflakeUser)} TYPE = SERVICE COMMENT = ${literalOf(`Tollgate, team ${teamId}`)};`;
}

/** Registers a public key, given as base64 DER. */
export function setKeySql(snowflakeUser: string, slot: KeySlot, base64: string): string {
  return `ALTER USER ${identifierOf(snowflakeUser)} SET ${propertyOf(slot)} = ${literalOf(base64)};`;
}

/** Takes a public key away. */
export function unsetKeySql(snowflakeUser: string, slot: KeySlot): string {
  return `ALTER USER ${identifierOf(snowflakeUser)} UNSET ${propertyOf(slot)};`;
}

function propertyOf(slot: KeySlot): string {
  return slot === 1 ? 'RSA_PUBLIC_KEY' : 'RSA_PUBLIC_KEY_2';
}

/** Plain where Snowflake reads it the same, else in quotes. */
export function identifierOf(name: string): string {
  return /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function literalOf(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
