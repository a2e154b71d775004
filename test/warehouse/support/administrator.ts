import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { RawClient } from './raw-client.js';
import type { Reply } from './raw-client.js';

/** A client that is logged in as the service user, whose role is ACCOUNTADMIN. */
export async function administrator(world: {
  readonly dataDir: string;
  readonly port: number;
}): Promise<RawClient> {
  const client = new RawClient(world.port);
  const password = await readFile(join(world.dataDir, 'service-user-password'), 'utf8');
  await client.login('TOLLGATE_SERVICE', password.trim());
  return client;
}

/** Rows of a reply as objects by column name. */
export function rowsOf(reply: Reply): readonly Record<string, string | null>[] {
  expect(reply.body.message).toBeNull();
  const names = namesOf(reply);
  return (reply.body.data.rowset as (string | null)[][]).map((row) =>
    Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])),
  );
}

/** Column names of a reply, in their order. */
export function namesOf(reply: Reply): readonly string[] {
  return (reply.body.data.rowtype as { name: string }[]).map((column) => column.name);
}
