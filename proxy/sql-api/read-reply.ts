/** What a reply of Snowflake's SQL API says of a statement, from its status and the few members that are read. */
import { WIRE_CODES } from '#base/wire/codes.js';
import type { ReplyRead } from '../front.js';
import type { ScannedReply } from '../wire/reply-scanner.js';

/** Statuses by which a request is turned away before its statement is looked at. */
const NOT_RUN: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 413, 415, 429]);

/** Reads the reply to a submission, or to a poll for its result. */
export function readApiReply(status: number, reply: ScannedReply): ReplyRead {
  const { top } = reply;
  const code = textOf(top['code']);
  const queryId = textOf(top['statementHandle']);
  const ended = (isSuccess: boolean, sqlState: string | null): ReplyRead => ({
    kind: 'ended',
    end: {
      isSuccess,
      code,
      sqlState,
      queryId,
      childQueryIds: isSuccess ? textsOf(top['statementHandles']) : [],
      rows: isSuccess ? rowsOf(top['resultSetMetaData']) : null,
    },
  });
  if (status === 202) return { kind: 'running', queryId };
  // Cut, or of a gateway; a partition after the first says nothing of the statement.
  if (!reply.isComplete || code === null) return { kind: 'unknown' };
  // A handle that is not known there says nothing of whether its statement has run.
  if (code === WIRE_CODES.queryUnknown) return { kind: 'unknown' };
  if (status === 200) return ended(true, textOf(top['sqlState']));
  if (status === 408) return ended(false, textOf(top['sqlState']) ?? TIMED_OUT);
  if (status === 422) return ended(false, textOf(top['sqlState']));
  // Turned away: class 42 says that no warehouse was used.
  if (NOT_RUN.has(status)) return ended(false, '42501');
  return { kind: 'unknown' };
}

const TIMED_OUT = '57014';

/** Whether a status says that a statement has ended; undefined: it does not say. */
export function hasEnded(status: number): 'success' | 'failure' | 'running' | undefined {
  if (status === 202) return 'running';
  if (status === 200) return 'success';
  return status === 408 || status === 422 ? 'failure' : undefined;
}

function rowsOf(metadata: unknown): number | null {
  if (typeof metadata !== 'object' || metadata === null || !('numRows' in metadata)) return null;
  return typeof metadata.numRows === 'number' ? metadata.numRows : null;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
