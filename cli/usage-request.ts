/** Imports of usage that the worker was asked for through the API: what is said of one, and waiting for its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { AdminClient } from './admin-client.js';
import { VerbError } from './verb-error.js';

/** What the API says of an import; `problem` is null while it is under way, and after one that went well. */
export interface UsageImport {
  readonly id: string;
  readonly account: string;
  readonly doneAt: string | null;
  readonly problem: string | null;
  readonly rowsWritten: number | null;
}

const REQUEST: z.ZodType<UsageImport> = z.object({
  id: z.string(),
  account: z.string(),
  doneAt: z.string().nullable(),
  problem: z.string().nullable(),
  rowsWritten: z.number().nullable(),
});

const LOOK_EVERY_MS = 500;

/** @throws VerbError for an answer that is no import. */
export function readImport(answer: string): UsageImport {
  const parsed = REQUEST.safeParse(JSON.parse(answer));
  if (!parsed.success)
    throw new VerbError('The admin API answered with something that is not an import.');
  return parsed.data;
}

/**
 * Asks until the import of `answer` has ended; what the API says of it then. The worker gives every import an end, so
 * nothing here does. Throws like {@link AdminClient.call}.
 */
export async function untilImported(client: AdminClient, answer: string): Promise<string> {
  let latest = answer;
  let request = readImport(latest);
  while (request.doneAt === null) {
    await sleep(LOOK_EVERY_MS);
    latest = await client.call(`/api/v1/usage/imports/${request.id}`);
    request = readImport(latest);
  }
  return latest;
}
