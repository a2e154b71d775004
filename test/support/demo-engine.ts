/** Engines with the demo's data, which is made once a run: making it is most of what an engine's first start takes. */
import { cpSync, mkdirSync } from 'node:fs';
import { inject } from 'vitest';
import { silentLog } from '../../base/log.js';
import { createEngine, type RunningEngine } from '../../warehouse/engine/create-engine.js';

/** Starts an engine on `dataDir`, which has the demo's data already. */
export async function startDemoEngine(dataDir: string): Promise<RunningEngine> {
  mkdirSync(dataDir, { recursive: true });
  cpSync(inject('demoData'), dataDir, { recursive: true });
  return createEngine({ dataDir, log: silentLog, demoWorld: true });
}
