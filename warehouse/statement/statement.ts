/** One statement of a session, from its arrival to its kept result. */
import type { EngineBind } from '../engine/engine.js';
import type { ClientParameter } from '#base/wire/client-parameters.js';
import type { EpochMs } from '#base/time.js';
import type { Outcome } from './outcome.js';
import { NO_SCAN } from './outcome.js';
import type { Parameters } from './parameters.js';
import type { WarehouseSize } from '../fleet/rates.js';
import type { WarehouseMake } from '../fleet/rates.js';
import type { Session } from '../identity/sessions.js';

/** What a query request asks for. */
export interface StatementRequest {
  readonly requestId: string;
  readonly sql: string;
  readonly binds: readonly EngineBind[];
  /** Parameters of this statement only. */
  readonly parameters: Parameters;
  readonly describeOnly: boolean;
  readonly isAsync: boolean;
  /** `@stage/path` where the driver has put array binds that are not in `binds`. */
  readonly bindStage?: string;
  /** The client speaks from this machine. */
  readonly isLocal?: boolean;
}

/** What a statement used, by the warehouse clock. */
export interface Usage {
  readonly warehouse: string | null;
  readonly warehouseId?: number;
  readonly size: WarehouseSize | null;
  readonly make?: WarehouseMake;
  readonly cluster: number | null;
  readonly runningSince: EpochMs;
  /** Part of the time before `runningSince` in which its cluster was being started. */
  readonly provisioningMs?: number;
  readonly endedAt: EpochMs;
  readonly compileMs: number;
  readonly executionMs: number;
}

/** The end of a statement and the session as it stood then. */
export interface Settled {
  readonly outcome: Outcome;
  readonly usage: Usage;
  readonly parameters: readonly ClientParameter[];
  readonly database: string | null;
  readonly schema: string | null;
  readonly warehouse: string | null;
  readonly role: string;
}

export interface Statement {
  readonly id: string;
  readonly session: Session;
  readonly request: StatementRequest;
  readonly startedAt: EpochMs;
  readonly abort: AbortController;
  readonly done: Promise<Settled>;
  settled: Settled | undefined;
  /** Waiting for a place on its warehouse. */
  isQueued: boolean;
}

/** Bytes that keeping a result costs, roughly: two for every character and a little for every cell and row. */
export function keptBytes(settled: Settled): number {
  if (settled.outcome.kind === 'failed') return 200;
  let bytes = 1000;
  for (const row of settled.outcome.rows) {
    bytes += 32;
    for (const cell of row) bytes += 16 + (cell === null ? 0 : cell.length * 2);
  }
  return bytes;
}

/** The status names of the monitoring route and of INFORMATION_SCHEMA.QUERY_HISTORY. */
export function statusOf(statement: Statement): string {
  const outcome = statement.settled?.outcome;
  if (outcome === undefined) return statement.isQueued ? 'QUEUED' : 'RUNNING';
  if (outcome.kind === 'rows') return 'SUCCESS';
  return outcome.code === '000604' ? 'ABORTED' : 'FAILED_WITH_ERROR';
}

/** Scan figures of a statement that has ended; zeros before and for failures. */
export function scanOf(settled: Settled | undefined): typeof NO_SCAN {
  return settled?.outcome.kind === 'rows' ? settled.outcome.scan : NO_SCAN;
}
