import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '#base/log.js';
import { createEngine, type RunningEngine } from '../../../warehouse/engine/create-engine.js';
import { startDemoEngine } from '../../support/demo-engine.js';
import type {
  EngineFailure,
  EngineRequest,
  EngineRows,
  EngineSession,
} from '../../../warehouse/engine/engine.js';

export interface EngineUnderTest {
  readonly engine: RunningEngine;
  readonly dataDir: string;
  stop(): Promise<void>;
}

/** An engine on a directory of its own; `stop` removes it. */
export async function startEngine(demoWorld: boolean): Promise<EngineUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-engine-'));
  const engine = demoWorld
    ? await startDemoEngine(dataDir)
    : await createEngine({ dataDir, log: silentLog, demoWorld });
  return {
    engine,
    dataDir,
    stop: async () => {
      await engine.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A request in ANALYTICS.TPCH. */
export function request(sql: string, overrides: Partial<EngineRequest> = {}): EngineRequest {
  return {
    sql,
    database: 'ANALYTICS',
    schema: 'TPCH',
    binds: [],
    context: {
      CURRENT_USER: 'ANALYST',
      LAST_QUERY_ID: 'aaaaaaaa-0001',
      LAST_QUERY_IDS: '["aaaaaaaa-0000","aaaaaaaa-0001"]',
    },
    result: () => undefined,
    ...overrides,
  };
}

/** Runs a statement that has to succeed. */
export async function rowsOf(
  session: EngineSession,
  sql: string,
  overrides: Partial<EngineRequest> = {},
): Promise<EngineRows> {
  const answer = await session.execute(request(sql, overrides), new AbortController().signal);
  if (answer.kind === 'failed') throw new Error(`${sql}: ${answer.code} ${answer.message}`);
  return answer;
}

/** Runs a statement that has to fail. */
export async function failureOf(
  session: EngineSession,
  sql: string,
  overrides: Partial<EngineRequest> = {},
): Promise<EngineFailure> {
  const answer = await session.execute(request(sql, overrides), new AbortController().signal);
  if (answer.kind !== 'failed') throw new Error(`${sql} did not fail`);
  return answer;
}
