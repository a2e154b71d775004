/**
 * What both ends of Snowflake's SQL API v2 share: paths, codes, bodies and the value texts of its format `jsonv2`.
 * Source: Snowflake, "SQL API reference"; codes that it does not list are those that its clients know.
 */
import type { Cell, RowType } from './row-type.js';

export const STATEMENTS_PATH = '/api/v2/statements';

/** How a bearer token is named in the header `X-Snowflake-Authorization-Token-Type`. */
export const BEARER_TYPES = ['KEYPAIR_JWT', 'OAUTH', 'PROGRAMMATIC_ACCESS_TOKEN'] as const;
export type BearerType = (typeof BEARER_TYPES)[number];

export const SQL_API_CODES = {
  success: '090001',
  /** It goes on, whether it was asked to run asynchronously or takes longer than a request may. */
  inProgress: '333334',
  invalidPayload: '390142',
  badRequest: '390400',
  notFound: '390404',
  methodNotAllowed: '390405',
  tooMany: '390505',
  unsupportedAccept: '391902',
  unsupportedContentType: '391903',
  databaseMissing: '391918',
  schemaMissing: '391919',
  warehouseMissing: '391920',
} as const;

/** Body of every answer without rows. */
export interface StatementStatus {
  readonly code: string;
  readonly message: string;
  readonly sqlState?: string;
  readonly statementHandle?: string;
  /** Epoch milliseconds. */
  readonly createdOn?: number;
  readonly statementStatusUrl?: string;
}

/** 202: ask again at `statementStatusUrl`. */
export function inProgressStatus(handle: string): StatementStatus {
  return {
    code: SQL_API_CODES.inProgress,
    message:
      'Asynchronous execution in progress. Use provided query id to perform query monitoring and management.',
    statementHandle: handle,
    statementStatusUrl: statusUrl(handle),
  };
}

/** Where a statement is asked for. */
export function statusUrl(handle: string): string {
  return `${STATEMENTS_PATH}/${handle}`;
}

/** Rows of one answer, with what is known of the others. */
export interface ResultSet {
  readonly handle: string;
  readonly requestId: string;
  /** Epoch milliseconds. */
  readonly createdOn: number;
  readonly columns: readonly RowType[];
  /** Rows of partition 0, in the texts of `jsonv2`. */
  readonly rows: readonly (readonly Cell[])[];
  /** Of all partitions. */
  readonly rowCount: number;
  /** Of the partitions after the first. */
  readonly partitions: readonly PartitionInfo[];
  /** Of a request with several statements. */
  readonly childHandles?: readonly string[];
  readonly stats?: Readonly<Record<string, number>>;
}

export interface PartitionInfo {
  readonly rowCount: number;
  readonly uncompressedSize: number;
  readonly compressedSize?: number;
}

/** 200: columns and rows of partition 0. */
export function resultSetBody(result: ResultSet): Readonly<Record<string, unknown>> {
  const { handle, rows, childHandles, stats } = result;
  const first: PartitionInfo = {
    rowCount: rows.length,
    uncompressedSize: Buffer.byteLength(JSON.stringify(rows)),
  };
  return {
    resultSetMetaData: {
      numRows: result.rowCount,
      format: 'jsonv2',
      partitionInfo: [first, ...result.partitions],
      rowType: result.columns,
    },
    data: rows,
    code: SQL_API_CODES.success,
    ...(childHandles === undefined ? {} : { statementHandles: childHandles }),
    statementStatusUrl: `${statusUrl(handle)}?requestId=${result.requestId}`,
    requestId: result.requestId,
    sqlState: '00000',
    statementHandle: handle,
    message: 'Statement executed successfully.',
    createdOn: result.createdOn,
    ...(stats === undefined ? {} : { stats }),
  };
}

/**
 * The header `Link` of a result: its first and last partition, and those before and after the one that is sent.
 *
 * @param newId makes the request ids of its addresses.
 */
export function linkHeader(
  handle: string,
  partition: number,
  count: number,
  newId: () => string,
): string {
  const link = (rel: string, to: number): string =>
    `<${statusUrl(handle)}?requestId=${newId()}&partition=${to}>; rel="${rel}"`;
  return [
    link('first', 0),
    ...(partition > 0 ? [link('prev', partition - 1)] : []),
    ...(partition < count - 1 ? [link('next', partition + 1)] : []),
    link('last', count - 1),
  ].join(',');
}

/** A cell of the drivers' JSON format in the texts of `jsonv2`: booleans are words, all others are the same. */
export function jsonV2Cell(cell: Cell, type: RowType | undefined, isNullable: boolean): Cell {
  if (cell === null) return isNullable ? null : 'null';
  if (type?.type !== 'boolean') return cell;
  return cell === '1' || cell === 'true' ? 'true' : 'false';
}
