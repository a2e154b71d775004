/** The documents of the driver protocol that tell of statements. Field order is stable; cells are text or null. */
import { successEnvelope, failureEnvelope } from '#base/wire/envelope.js';
import type { Envelope } from '#base/wire/envelope.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { RowType } from '#base/wire/row-type.js';
import type { EpochMs } from '#base/time.js';
import type { LoggedStatement } from '../metering/events.js';
import type { Session } from '../identity/sessions.js';
import { pageFields, rowFields } from '../results/documents.js';
import { resultFormat } from '../results/format.js';
import type { PageName } from '../results/links.js';
import { rowCountOf } from '../statement/outcome.js';
import type { Rows } from '../statement/outcome.js';
import { transferFields } from '../stages/file-transfer.js';
import { idOfName } from '../fleet/warehouse-id.js';
import { sizeLabel } from '../fleet/rates.js';
import { withoutPasswords } from '../identity/redaction.js';
import { scanOf, statusOf } from '../statement/statement.js';
import type { Settled, Statement } from '../statement/statement.js';
import { countBinds, readTokens } from '../statement/tokens.js';

const DML_COUNTS: Readonly<Record<string, string>> = {
  'number of rows inserted': 'numRowsInserted',
  'number of rows updated': 'numRowsUpdated',
  'number of rows deleted': 'numRowsDeleted',
};

/** Drivers add these up, whichever there are. */
const NO_DML = {
  numRowsInserted: 0,
  numRowsUpdated: 0,
  numRowsDeleted: 0,
  numDmlDuplicates: 0,
} as const;

/** Where a statement's result is fetched. */
export function resultUrl(id: string): string {
  return `/queries/${id}/result`;
}

/** For whom a result is written, and how its pages are addressed. */
export interface Delivery {
  /** The session that asks; not always the one that ran the statement. */
  readonly session: Session;
  readonly urlOf: (page: PageName) => string;
}

/** The reply of a statement that has ended. */
export function settledReply(
  statement: Statement,
  settled: Settled,
  { session, urlOf }: Delivery,
): Envelope<unknown> {
  const { outcome } = settled;
  if (outcome.kind === 'failed')
    return failureEnvelope({
      code: outcome.code,
      sqlState: outcome.sqlState,
      message: outcome.message,
      queryId: statement.id,
      line: outcome.line,
      pos: outcome.pos,
    });
  const ofStatement = session === statement.session ? statement.request.parameters : [];
  const parameters = new Map([...session.parameters, ...ofStatement]);
  const format = resultFormat({ ...session, parameters }, outcome.statementTypeId);
  const tokens = readTokens(statement.request.sql);
  const binds = countBinds(tokens);
  return successEnvelope({
    parameters: settled.parameters,
    ...rowFields(outcome, format),
    queryId: statement.id,
    sqlState: '00000',
    databaseProvider: null,
    finalDatabaseName: settled.database,
    finalSchemaName: settled.schema,
    finalWarehouseName: settled.warehouse,
    finalRoleName: settled.role,
    numberOfBinds: binds,
    // JDBC runs a batch row by row where this is false; the engine takes arrays for INSERT only.
    arrayBindSupported: binds > 0 && tokens[0]?.value === 'INSERT',
    metaDataOfBinds: Array.from({ length: binds }, bindMetadata),
    statementTypeId: outcome.statementTypeId,
    version: 1,
    ...dmlStats(outcome),
    ...(outcome.transfer === undefined ? {} : transferFields(outcome.transfer)),
    ...(outcome.children === undefined
      ? {}
      : {
          resultIds: outcome.children.map((child) => child.id).join(','),
          resultTypes: outcome.children.map((child) => child.statementTypeId).join(','),
        }),
    sendResultTime: settled.usage.endedAt,
    ...pageFields(outcome, format, (index) => urlOf({ queryId: statement.id, index, format })),
  });
}

/** The reply of a statement that goes on: 333333, or 333334 when it was asked to run asynchronously. */
export function inProgressReply(statement: Statement): Envelope<unknown> {
  const code = statement.request.isAsync
    ? WIRE_CODES.queryInProgressAsync
    : WIRE_CODES.queryInProgress;
  return {
    data: {
      queryId: statement.id,
      getResultUrl: resultUrl(statement.id),
      queryAbortsAfterSecs: 300,
      progressDesc: null,
    },
    code,
    message: 'Query execution in progress. Fetch the result under the given address.',
    success: true,
    headers: null,
  };
}

/** `data.queries[0]` of the monitoring route for a statement that the registry knows. */
export function monitoringEntry(
  statement: Statement,
  now: EpochMs,
): Readonly<Record<string, unknown>> {
  const { settled } = statement;
  const outcome = settled?.outcome;
  const scan = scanOf(settled);
  const status = statusOf(statement);
  const endTime = settled?.usage.endedAt ?? 0;
  return {
    id: statement.id,
    status,
    state: status,
    client_send_time: statement.startedAt,
    startTime: statement.startedAt,
    endTime,
    totalDuration: (settled === undefined ? now : endTime) - statement.startedAt,
    sqlText: withoutPasswords(statement.request.sql),
    sessionId: statement.session.id,
    userName: statement.session.user.name,
    warehouseId: numberOf(
      settled?.usage.warehouse ?? statement.session.warehouse,
      settled?.usage.warehouseId,
    ),
    warehouseName: settled?.usage.warehouse ?? statement.session.warehouse,
    warehouseExternalSize: sizeLabel(settled?.usage.size),
    warehouseServerType: 'STANDARD',
    errorCode: outcome?.kind === 'failed' ? outcome.code : '',
    errorMessage: outcome?.kind === 'failed' ? outcome.message : '',
    stats: {
      scanBytes: scan.bytesScanned,
      scanFiles: scan.partitionsScanned,
      scanOriginalFiles: scan.partitionsTotal,
      rowsProduced: outcome === undefined ? 0 : rowCountOf(outcome),
      compilationTime: settled?.usage.compileMs ?? 0,
      gsExecTime: 0,
      xpExecTime: settled?.usage.executionMs ?? 0,
    },
  };
}

/** The same from the event log, for statements whose results are no longer kept. */
export function loggedEntry({
  started,
  ended,
}: LoggedStatement): Readonly<Record<string, unknown>> {
  const status =
    ended === undefined
      ? 'RUNNING'
      : ended.status === 'SUCCESS'
        ? 'SUCCESS'
        : `FAILED_WITH_${ended.status === 'FAIL' ? 'ERROR' : 'INCIDENT'}`;
  return {
    id: started.id,
    status,
    state: status,
    startTime: started.at,
    endTime: ended?.at ?? 0,
    totalDuration: (ended?.at ?? started.at) - started.at,
    sqlText: started.text,
    sessionId: started.sessionId,
    userName: started.user,
    warehouseId: numberOf(ended?.warehouse ?? null, ended?.warehouseId),
    warehouseName: ended?.warehouse ?? null,
    warehouseExternalSize: sizeLabel(ended?.size),
    warehouseServerType: 'STANDARD',
    errorCode: ended?.errorCode ?? '',
    errorMessage: ended?.errorMessage ?? '',
    stats: { scanBytes: ended?.bytesScanned ?? 0, rowsProduced: ended?.rowsProduced ?? 0 },
  };
}

/** Go reads the number of a warehouse even where there is none. */
function numberOf(name: string | null, id: number | undefined): number {
  return id ?? (name === null ? 0 : idOfName(name));
}

/** Binds are described like columns, by position: the Universal Core of connector 5 reads every field, the name too. */
function bindMetadata(_: unknown, index: number): RowType {
  return columnType(String(index + 1), 'text');
}

/** How many rows a DML statement changed, by the names that drivers read; nothing for other statements. */
export function dmlStats(rows: Rows): { readonly stats?: Readonly<Record<string, number>> } {
  const counts = rows.columns.flatMap((column, index) => {
    const name = DML_COUNTS[column.name];
    return name === undefined ? [] : [[name, Number(rows.rows[0]?.[index] ?? 0)] as const];
  });
  return counts.length === 0 ? {} : { stats: { ...NO_DML, ...Object.fromEntries(counts) } };
}
