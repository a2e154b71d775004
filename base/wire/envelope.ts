/**
 * The envelope of every JSON reply of Snowflake's driver protocol: `{data, code, message, success, headers}` with
 * `code` a numeric string or null and HTTP 200 for refusals too (drivers retry or lose the text of anything else).
 */

export interface Envelope<Data> {
  readonly data: Data;
  readonly code: string | null;
  readonly message: string | null;
  readonly success: boolean;
  readonly headers: null;
}

/** A successful reply. */
export function successEnvelope<Data>(data: Data, code: string | null = null): Envelope<Data> {
  return { data, code, message: null, success: true, headers: null };
}

/** `data` of a failed statement, in the fields that JDBC, Python and Node read. */
export interface ErrorData {
  readonly internalError: false;
  readonly errorCode: string;
  readonly age: 0;
  readonly sqlState: string;
  readonly queryId: string | null;
  readonly line: number;
  readonly pos: number;
  readonly type: string;
}

export interface FailureInput {
  /** Numeric string; anything else breaks Python and Go. */
  readonly code: string;
  readonly sqlState: string;
  readonly message: string;
  readonly queryId: string | null;
  readonly line?: number;
  readonly pos?: number;
  readonly type?: string;
}

/** A failed reply whose `data` repeats the code, as Snowflake's own does. */
export function failureEnvelope(input: FailureInput): Envelope<ErrorData> {
  return {
    data: {
      internalError: false,
      errorCode: input.code,
      age: 0,
      sqlState: input.sqlState,
      queryId: input.queryId,
      line: input.line ?? -1,
      pos: input.pos ?? -1,
      type: input.type ?? 'COMPILATION',
    },
    code: input.code,
    message: input.message,
    success: false,
    headers: null,
  };
}
