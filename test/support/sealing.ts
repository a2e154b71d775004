/** Sealing in tests, whose server runs transactions of other test files too: the snapshot horizon waits for those. */
import type { Database } from '../../base/postgres/pool.js';
import type { SealKey } from '../../base/sealing.js';
import { readSealBacklog, sealLedger } from '../../billing/seal/seal.js';
import { NOON } from './builders.js';

export const TEST_SEAL_KEYS: readonly SealKey[] = [{ id: 'test', key: Buffer.alloc(32, 7) }];

const DEADLINE_MS = 10_000;

/** Seals until nothing waits; how many journals that were. */
export async function sealAll(
  db: Database,
  options: { readonly batchMax?: number; readonly now?: number } = {},
): Promise<number> {
  const { now = NOON, ...rest } = options;
  const deadline = performance.now() + DEADLINE_MS;
  let sealed = 0;
  for (;;) {
    sealed += await sealLedger(db, { keys: TEST_SEAL_KEYS, now, ...rest });
    if ((await readSealBacklog(db)).waiting === 0) return sealed;
    if (performance.now() > deadline) throw new Error('journals stay behind the chain');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
