/** Answers of the SQL API to statements: result sets, their partitions, and how statements failed. */
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { WIRE_CODES } from '#base/wire/codes.js';
import {
  inProgressStatus,
  jsonV2Cell,
  linkHeader,
  resultSetBody,
  statusUrl,
} from '#base/wire/sql-api.js';
import type { StatementStatus } from '#base/wire/sql-api.js';
import type { Cell } from '#base/wire/row-type.js';
import type { Answer } from '../protocol/answer.js';
import { dmlStats } from '../protocol/reply.js';
import { isKept, pageRows, pageText } from '../results/stored-result.js';
import type { StoredPage } from '../results/stored-result.js';
import { rowCountOf } from '../statement/outcome.js';
import type { Rows } from '../statement/outcome.js';
import type { Settled, Statement } from '../statement/statement.js';

const gzipBytes = promisify(gzip);

/** What of a statement's result is asked for. */
export interface Asked {
  /** 0 comes with the columns; others are bare rows. */
  readonly partition: number;
  /** False: NULL is written as a text. */
  readonly isNullable: boolean;
}

/** 202 for a statement that goes on. */
export function inProgress(statement: Statement): Answer {
  return { status: 202, body: inProgressStatus(statement.id) };
}

/** How a statement ended: 200 with rows, 408 when it reached its timeout, 422 when it failed. */
export async function settledAnswer(
  statement: Statement,
  { outcome }: Settled,
  asked: Asked,
): Promise<Answer> {
  const { id } = statement;
  if (outcome.kind === 'failed') {
    const isTimeout = outcome.code === WIRE_CODES.statementTimeout;
    return failed(isTimeout ? 408 : 422, {
      code: outcome.code,
      message: outcome.message,
      sqlState: outcome.sqlState,
      statementHandle: id,
      createdOn: statement.startedAt,
      statementStatusUrl: statusUrl(id),
    });
  }
  if (outcome.transfer !== undefined)
    return failed(422, {
      code: WIRE_CODES.unsupported,
      message: 'Unsupported feature: PUT and GET are not supported by the SQL API.',
      sqlState: '0A000',
      statementHandle: id,
    });
  const { stored } = outcome;
  if (stored !== undefined && !(await isKept(stored))) return unknownStatement(id);
  const count = 1 + (stored?.pages.length ?? 0);
  if (asked.partition >= count)
    return failed(422, {
      code: '390400',
      message: `There is no partition ${asked.partition}: the result has ${count}, numbered from 0.`,
      sqlState: '22023',
      statementHandle: id,
    });
  const headers = { link: linkHeader(id, asked.partition, count, randomUUID) };
  const page = stored?.pages[asked.partition - 1];
  if (page !== undefined) return partitionAnswer(outcome, page, asked.isNullable, headers);
  return { status: 200, headers, body: firstBody(statement, outcome, asked.isNullable) };
}

/** `000709` for an id that names no statement, or another user's. */
export function unknownStatement(id: string): Answer {
  return failed(422, {
    code: WIRE_CODES.queryUnknown,
    message: `Statement ${id} not found`,
    sqlState: '02000',
    statementHandle: id,
  });
}

/** An answer without rows. */
export function failed(status: number, body: StatementStatus): Answer {
  return { status, body };
}

function firstBody(
  statement: Statement,
  outcome: Rows,
  isNullable: boolean,
): Readonly<Record<string, unknown>> {
  const { columns, rows, stored, children } = outcome;
  return resultSetBody({
    handle: statement.id,
    requestId: statement.request.requestId,
    createdOn: statement.startedAt,
    columns,
    rows: rows.map((row) => jsonV2Row(outcome, row, isNullable)),
    rowCount: rowCountOf(outcome),
    partitions: (stored?.pages ?? []).map((page) => ({
      rowCount: page.rowCount,
      uncompressedSize: page.uncompressedBytes,
      compressedSize: page.compressedBytes,
    })),
    ...(children === undefined ? {} : { childHandles: children.map(({ id }) => id) }),
    ...dmlStats(outcome),
  });
}

/** Always gzip, as in Snowflake: whoever asks for a partition reads it. */
async function partitionAnswer(
  outcome: Rows,
  page: StoredPage,
  isNullable: boolean,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const text = await partitionText(outcome, page, isNullable);
  if (text === undefined)
    return failed(422, {
      code: WIRE_CODES.queryUnknown,
      message: 'This result is not kept any more.',
      sqlState: '02000',
    });
  return {
    status: 200,
    bytes: await gzipBytes(`{"data":${text}}`, { level: 1 }),
    headers: { ...headers, 'content-type': 'application/json', 'content-encoding': 'gzip' },
  };
}

async function partitionText(
  outcome: Rows,
  page: StoredPage,
  isNullable: boolean,
): Promise<string | undefined> {
  const isAsStored = isNullable && outcome.columns.every(({ type }) => type !== 'boolean');
  if (isAsStored) return pageText(page);
  const rows = await pageRows(page);
  return rows === undefined
    ? undefined
    : JSON.stringify(rows.map((row) => jsonV2Row(outcome, row, isNullable)));
}

function jsonV2Row({ columns }: Rows, row: readonly Cell[], isNullable: boolean): readonly Cell[] {
  return row.map((cell, index) => jsonV2Cell(cell, columns[index], isNullable));
}
