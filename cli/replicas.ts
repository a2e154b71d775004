/** Whether every running proxy decides by a control version: what an apply waits for, and tells. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { AdminClient } from './admin-client.js';

const REPLICA = z.object({
  id: z.string(),
  controlVersion: z.number().nullable(),
  controlProblem: z.string().nullable(),
});
type Replica = z.infer<typeof REPLICA>;

/** Replicas promise a new version within a second; a slow machine gets some more. */
const WAIT_MS = 4_000;
const ASK_EVERY_MS = 100;

/**
 * Waits until all replicas decide by `version` or a newer one, a few seconds at most.
 * @returns one sentence: on how many it is in force, and which ones are behind and why.
 */
export async function reachOf(api: AdminClient, version: number): Promise<string> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const { rows: replicas } = await api.list('/api/v1/replicas', 'replicas', REPLICA);
    const behind = replicas.filter(({ controlVersion }) => (controlVersion ?? 0) < version);
    const isOver = behind.every(isStuck) || performance.now() > deadline;
    if (isOver) return sentence(replicas, behind);
    await delay(ASK_EVERY_MS);
  }
}

function isStuck({ controlProblem }: Replica): boolean {
  return controlProblem !== null;
}

function sentence(replicas: readonly Replica[], behind: readonly Replica[]): string {
  const all = replicas.length;
  if (all === 0) return 'No proxy is running.';
  if (behind.length === 0)
    return all === 1 ? 'The proxy decides by it.' : `All ${all} proxies decide by it.`;
  const each = behind.map(
    ({ id, controlVersion, controlProblem }) =>
      `${id.split('#', 1)[0] ?? id} decides by ${controlVersion ?? 'none'} (${controlProblem ?? 'it has not taken it yet'})`,
  );
  return `${all - behind.length} of ${all} proxies decide by it: ${each.slice(0, 10).join('; ')}.`;
}
