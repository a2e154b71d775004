/** Answers of ours in the form of the SQL API: a status of HTTP, a body with code, SQL state, message and handle. */
import { TG_CODES, driverCode, tgLabel } from '#base/errors.js';
import type { TgName } from '#base/errors.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import {
  inProgressStatus,
  jsonV2Cell,
  linkHeader,
  resultSetBody,
  statusUrl,
} from '#base/wire/sql-api.js';
import type { SmallReply } from '../relay.js';
import type { SurfaceAnswered } from '../surface/result.js';
import type { Refusal } from '../wire/refusal.js';

/** Statuses of what is not a statement that was refused or stopped, which is 422. */
const STATUSES: Readonly<Partial<Record<TgName, number>>> = {
  unauthenticated: 401,
  principalUnknown: 403,
  principalSuspended: 403,
  accountUnknown: 403,
  requestMalformed: 400,
  requestTooLarge: 413,
  pathRefused: 404,
  upstreamUnreachable: 503,
  upstreamProtocol: 503,
  shuttingDown: 503,
  internal: 500,
};

/** Whether who sends a request reads statuses of HTTP, as clients of Snowflake's REST APIs do. */
export function isOfSqlApi(path: string): boolean {
  return path.startsWith('/api/v2/');
}

/** A complete JSON reply. */
export function apiReply(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): SmallReply {
  const bytes = Buffer.from(JSON.stringify(body));
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': String(bytes.length),
    },
    body: bytes,
  };
}

/** A refusal, with its twin under `tollgate` as drivers get it. */
export function apiRefusal(refusal: Refusal, ticketId: string | null): SmallReply {
  const { code, wireCode, message, detail } = refusal;
  return apiReply(STATUSES[code] ?? 422, {
    code: wireCode ?? driverCode(code),
    sqlState: TG_CODES[code].sqlState,
    message,
    ...(ticketId === null ? {} : { statementHandle: ticketId }),
    tollgate: { ...detail, code: tgLabel(code), ticket: ticketId },
  });
}

/** 202: it waits or runs. */
export function apiInProgress(handle: string): SmallReply {
  return apiReply(202, inProgressStatus(handle));
}

/** What Snowflake says of a statement that was cancelled. */
export function apiCancelled(handle: string): SmallReply {
  return apiReply(422, cancelledStatus(handle));
}

/** What Snowflake says to who cancels a statement. */
export function apiCancelDone(handle: string): SmallReply {
  return apiReply(200, cancelledStatus(handle));
}

/** `000605`: there is nothing to cancel. */
export function apiNotRunning(handle: string): SmallReply {
  return apiReply(422, {
    code: WIRE_CODES.queryNotRunning,
    sqlState: '02000',
    message: 'Identified SQL statement is not currently executing.',
    statementHandle: handle,
  });
}

/** `000709`: there is no such statement, or it is another team's. */
export function apiUnknown(handle: string): SmallReply {
  return apiReply(422, {
    code: WIRE_CODES.queryUnknown,
    sqlState: '02000',
    message: `Statement ${handle} not found`,
    statementHandle: handle,
  });
}

export interface ApiRows {
  readonly ticketId: string;
  readonly requestId: string;
  readonly answered: SurfaceAnswered;
  /** False: NULL is written as a text. */
  readonly isNullable: boolean;
  /** Epoch milliseconds. */
  readonly createdOn: number;
}

/** Rows that Tollgate itself answers, in one partition. */
export function apiRows({
  ticketId,
  requestId,
  answered,
  isNullable,
  createdOn,
}: ApiRows): SmallReply {
  const { columns, rows } = answered.result;
  const body = resultSetBody({
    handle: ticketId,
    requestId,
    createdOn,
    columns,
    rows: rows.map((row) => row.map((cell, at) => jsonV2Cell(cell, columns[at], isNullable))),
    rowCount: rows.length,
    partitions: [],
  });
  const twin = answered.twin === undefined ? {} : { tollgate: answered.twin };
  return apiReply(200, { ...body, ...twin }, { link: linkHeader(ticketId, 0, 1, () => requestId) });
}

function cancelledStatus(handle: string): object {
  return {
    code: WIRE_CODES.queryCancelled,
    sqlState: '57014',
    message: 'SQL execution canceled',
    statementHandle: handle,
    statementStatusUrl: statusUrl(handle),
  };
}
