/** What the warehouse writes down. Everything it bills, and every view it shows, is derived from these records. */
import type { EpochMs } from '#base/time.js';
import type { WarehouseMake, WarehouseSize } from '../fleet/rates.js';

export type WarehouseEventName = 'CREATED' | 'RESUMED' | 'RESIZED' | 'SUSPENDED' | 'DROPPED';

/** A virtual warehouse started, changed or stopped costing money. */
export interface WarehouseEvent {
  readonly type: 'warehouse';
  readonly at: EpochMs;
  /** Its name at `at`. */
  readonly warehouse: string;
  /** Its number, which survives a rename; that of the name when left out. */
  readonly warehouseId?: number;
  readonly cluster: number;
  readonly event: WarehouseEventName;
  /** Size in force from `at` on. */
  readonly size: WarehouseSize;
  /** What else decides the rate; standard warehouses of generation 1 when left out. */
  readonly make?: WarehouseMake;
  /**
   * `AUTORESUME`, `AUTOSUSPEND`, `USER`, `SHUTDOWN`, `RESTART`, `MULTICLUSTER_SPINUP` and `…_SPINDOWN`, `CONVERSION`
   * (old servers stop, new ones start), or `RENAMED` (a RESIZED that changes the name only).
   */
  readonly reason: string;
  /** Who asked for it, where somebody did. */
  readonly user?: string;
  readonly role?: string;
}

/** A statement arrived. */
export interface StatementStarted {
  readonly type: 'started';
  readonly at: EpochMs;
  readonly id: string;
  readonly text: string;
  /** `SELECT`, `INSERT`, `USE`, …: the first word, as QUERY_TYPE shows it. */
  readonly queryType: string;
  readonly tag: string;
  readonly user: string;
  readonly role: string;
  readonly sessionId: number;
  /** Name and version of the driver, as it said when it signed in; left out: it did not. */
  readonly client?: string;
  /** What the tool above it calls itself; left out: it did not say. */
  readonly application?: string;
  readonly database: string | null;
  readonly schema: string | null;
  /** The statement that this one is a part of (several statements in one request, procedures). */
  readonly parentId?: string;
  /** Sent by a driver or tool of its own accord, not by a person; false when left out. */
  readonly isClientGenerated?: boolean;
}

export const EXECUTION_STATUSES = ['SUCCESS', 'FAIL', 'INCIDENT'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** A statement ended; `warehouse` is null when it used none. All times are of the warehouse clock. */
export interface StatementEnded {
  readonly type: 'ended';
  readonly at: EpochMs;
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly warehouse: string | null;
  /** As in {@link WarehouseEvent}. */
  readonly warehouseId?: number;
  readonly size: WarehouseSize | null;
  /** Of its warehouse; as in {@link WarehouseEvent}. */
  readonly make?: WarehouseMake;
  readonly cluster: number | null;
  /** When it got its place on the cluster. */
  readonly runningSince: EpochMs;
  readonly compileMs: number;
  readonly executionMs: number;
  readonly queuedMs: number;
  /** Part of `queuedMs` in which its cluster was being started; 0 when left out. */
  readonly provisioningMs?: number;
  readonly bytesScanned: number;
  readonly bytesWritten: number;
  readonly partitionsScanned: number;
  readonly partitionsTotal: number;
  readonly rowsProduced: number;
  /** Rows that a DML statement changed, by kind; 0 when left out. */
  readonly rowsInserted?: number;
  readonly rowsUpdated?: number;
  readonly rowsDeleted?: number;
  /** Bytes that did not fit into the cluster's memory, or into its disks; 0 when left out. */
  readonly spilledLocalBytes?: number;
  readonly spilledRemoteBytes?: number;
  /** Part of `bytesScanned` that came from the cluster's cache; 0 when left out. */
  readonly cachedBytes?: number;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

export type EventRecord = WarehouseEvent | StatementStarted | StatementEnded;

/** A statement as the log tells it. */
export interface LoggedStatement {
  readonly started: StatementStarted;
  readonly ended: StatementEnded | undefined;
}

/** The ending of a statement that the process did not survive. */
export function incidentEnd(started: StatementStarted, at: EpochMs): StatementEnded {
  return {
    type: 'ended',
    at: Math.max(at, started.at),
    id: started.id,
    status: 'INCIDENT',
    warehouse: null,
    size: null,
    cluster: null,
    runningSince: started.at,
    compileMs: 0,
    executionMs: Math.max(0, at - started.at),
    queuedMs: 0,
    bytesScanned: 0,
    bytesWritten: 0,
    partitionsScanned: 0,
    partitionsTotal: 0,
    rowsProduced: 0,
    errorCode: '000603',
    errorMessage: 'The statement was running when the warehouse stopped unexpectedly.',
  };
}
