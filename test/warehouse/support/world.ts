/** A warehouse of its own for one test, on a fake engine and a fast clock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '#base/log.js';
import { linearClock } from '#base/time.js';
import { startWarehouse } from '../../../warehouse/start-warehouse.js';
import type { RunningWarehouse, WarehouseOptions } from '../../../warehouse/start-warehouse.js';
import { fakeEngine } from './fake-engine.js';
import type { FakeEngine } from './fake-engine.js';

export interface World {
  readonly dataDir: string;
  readonly engine: FakeEngine;
  readonly warehouse: RunningWarehouse;
  readonly port: number;
  /** Stops the warehouse and removes its data. */
  end(): Promise<void>;
}

/** Sixty business seconds a second, a long poll of half a second. */
export async function openWorld(options: Partial<WarehouseOptions> = {}): Promise<World> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tollgate-warehouse-')));
  const engine = fakeEngine();
  const warehouse = await startWarehouse({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    clock: linearClock(Date.now(), Date.now(), 60),
    engine,
    log: silentLog,
    longPollMs: 500,
    ...options,
  });
  return {
    dataDir,
    engine,
    warehouse,
    port: warehouse.port,
    async end() {
      await warehouse.stop(AbortSignal.abort());
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
