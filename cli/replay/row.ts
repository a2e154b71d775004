/**
 * One statement of a query history, as `tollgate replay` reads it from an export in the columns of Snowflake's
 * `ACCOUNT_USAGE.QUERY_HISTORY`, or from Tollgate's own ledger. What an export does not have is null.
 */
import type { EpochMs } from '../../base/time.js';

export interface ReplayRow {
  /** `QUERY_ID`; where absent, `row-<number>` by its place in the file. */
  readonly queryId: string;
  /** `QUERY_TEXT`; null: only its hashes are known. */
  readonly queryText: string | null;
  /** Stands for the fingerprint where there is no text: `QUERY_PARAMETERIZED_HASH`, or the ledger's own. */
  readonly shapeHash: string | null;
  /** Stands for the exact text where there is none: `QUERY_HASH`. */
  readonly textHash: string | null;
  /** `QUERY_TYPE`, such as `SELECT` or `CREATE_TABLE_AS_SELECT`. */
  readonly queryType: string | null;
  readonly database: string | null;
  readonly schema: string | null;
  /** Account identifier, where the export has one (`ACCOUNT_NAME` of ORGANIZATION_USAGE). */
  readonly account: string | null;
  readonly user: string | null;
  readonly role: string | null;
  /** `SESSION_ID`; null: it is not known which statements were of one session. */
  readonly sessionId: string | null;
  readonly warehouse: string | null;
  /** As Snowflake writes it (`X-Small`, `2X-Large`); null: the statement used no warehouse. */
  readonly warehouseSize: string | null;
  /** Cluster of the warehouse it ran on. */
  readonly cluster: number | null;
  /** Of its author; what Tollgate wrote around it when it was sent is taken away. */
  readonly queryTag: string | null;
  /** Driver or tool, as it names itself: `CLIENT_APPLICATION_ID` of SESSIONS, or what a ticket was judged by. */
  readonly client: string | null;
  /** Its caller chose to wait for the off-peak hours, as a ticket says it; else the text and the tag do. */
  readonly isOffPeak: boolean;
  /** When it was sent. */
  readonly submittedAt: EpochMs;
  /** When it began to run: submitted, plus what it waited in queues. */
  readonly startedAt: EpochMs;
  readonly endedAt: EpochMs;
  /** Milliseconds on the warehouse, without queues: `EXECUTION_TIME`, else elapsed less queues and compilation. */
  readonly executionMs: number;
  readonly isSuccess: boolean;
  readonly bytesScanned: number | null;
  /** `CREDITS_ATTRIBUTED_COMPUTE` of QUERY_ATTRIBUTION_HISTORY, or a charge of the ledger, as a decimal string. */
  readonly credits: string | null;
  /** What Tollgate made of it when it came; null in an export of Snowflake's. */
  readonly ticket: TicketRecord | null;
}

/** What the ledger has of a statement beside its run. Amounts are decimal strings. */
export interface TicketRecord {
  readonly ticketId: string;
  /**
   * `SETTLED`: it ran, and `credits` is its charge. `VOID`: it never ran; its instants are those of its refusal, its
   * execution 0 and its credits null.
   */
  readonly state: 'SETTLED' | 'VOID';
  readonly team: string;
  readonly principal: string;
  readonly workload: string | null;
  readonly tier: string;
  readonly statementClass: string;
  readonly basis: string;
  readonly expectedSeconds: number;
  readonly expectedCredits: string;
  readonly holdCredits: string;
  /** `TG2001`; null: it was not refused. */
  readonly refusalCode: string | null;
  /** How its run ended: `succeeded`, `failed`, `cancelled` or `stopped`; null: it never ran. */
  readonly ending: string | null;
}
