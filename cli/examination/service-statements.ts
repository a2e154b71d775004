/** What checks by statements of a service user share: a bounded question, a name as statements take it, a short refusal. */
import { toError } from '../../base/errors.js';
import type { ServiceConnection, ServiceRow } from '../../base/snowflake/service-connection.js';
import { within } from '../../base/in-time.js';

const STATEMENT_TIMEOUT_MS = 15_000;

/** Rows of a statement; rejects with what Snowflake says, or when it takes too long. */
export function ask(connection: ServiceConnection, sql: string): Promise<readonly ServiceRow[]> {
  return within(STATEMENT_TIMEOUT_MS, connection.query(sql));
}

/** A name as a statement takes it. */
export function identifier(name: string): string {
  return /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A refusal in one line of at most 90 characters. */
export function short(thrown: unknown): string {
  const text = toError(thrown).message.replace(/^the service statement failed: /, '');
  const line = text.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}
