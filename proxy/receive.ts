/** Step 1: the bytes of a statement become one validated request, or a refusal that names what is wrong with them. */
import type { Call } from './call.js';
import type { Parts } from './parts.js';
import { driverFront } from './driver-front.js';
import { firstStage } from './stages.js';
import type { BodyChanges, Received } from './stages.js';
import { foreignToken } from './identity/tokens.js';
import { tokenOfAuthorization } from './identity/tokens.js';
import { decodeBodyIn, readChunks } from './wire/body.js';
import { readQueryRequest, withParameters } from './wire/query-request.js';
import type { Offsets } from './wire/query-request.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';
import { gather } from './wire/slices.js';
import type { Slices } from './wire/slices.js';

const REQUEST_ID = /^[0-9A-Za-z-]{8,64}$/;

const LARGE_DATA = 'Load data with PUT and COPY, or bind values.';
const BODY_FORM =
  'A query request is one JSON object in UTF-8, plain or compressed once, with each name once.';

export type ReceiveOutcome =
  | { readonly kind: 'received'; readonly received: Received }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The client went away before its request was complete: there is nobody to answer. */
  | { readonly kind: 'gone' };

/** Reads, decodes and parses the body of a query request under the caps of `parts.limits`. */
export async function receive(parts: Parts, call: Call): Promise<ReceiveOutcome> {
  // Before its body is read: who has no token of ours costs us no more than his head.
  const token = tokenOfAuthorization(call.request.headers.authorization);
  if (token === undefined || parts.sealer.open(token, 'session') === undefined)
    return { kind: 'refused', refusal: foreignToken() };
  const requestIds = call.query.getAll('requestId');
  const requestId = requestIds[0];
  if (requestIds.length !== 1 || requestId === undefined || !REQUEST_ID.test(requestId)) {
    return refused(
      'requestMalformed',
      'Not run: the URL must carry exactly one requestId, 8 to 64 letters, digits and dashes: a fresh UUID for every statement.',
    );
  }
  const body = await receiveBody(parts, call);
  if (body.kind !== 'body') return body;
  const { bytes, wasCoded } = body;
  const query = await readQueryRequest(parts.slices, bytes, parts.limits.statementBytesMax);
  if (query.kind === 'malformed')
    return refused('requestMalformed', `Not run: ${query.why}. ${BODY_FORM}`);
  if (query.kind === 'tooLong') return statementTooLong(parts, `${query.bytes} bytes`);
  const tooLong = ifTooLong(parts, query.request.sqlText);
  if (tooLong !== undefined) return tooLong;
  return {
    kind: 'received',
    received: firstStage({
      call,
      front: driverFront,
      requestId,
      query: query.request,
      edited: (changes) => editedBody(parts.slices, query.offsets, changes),
      bodyBytes: bytes.length,
      wasCompressed: wasCoded,
    }),
  };
}

export type Refused = Extract<ReceiveOutcome, { kind: 'refused' }>;

export type BodyReceived =
  | { readonly kind: 'body'; readonly bytes: Buffer; readonly wasCoded: boolean }
  | Exclude<ReceiveOutcome, { kind: 'received' }>;

/** The decoded body of a statement's request, under the caps of `parts.limits`. */
export async function receiveBody(parts: Parts, call: Call): Promise<BodyReceived> {
  const { requestBytesMax, inflatedBytesMax, bodyTimeoutMs } = parts.limits;
  const read = await readChunks(call.request, requestBytesMax, bodyTimeoutMs);
  switch (read.kind) {
    case 'tooLarge':
      return refused(
        'requestTooLarge',
        `Not run: the body is larger than ${read.bytesMax} bytes. ${LARGE_DATA}`,
      );
    case 'timeout':
      return refused(
        'requestMalformed',
        `Not run: the body did not arrive within ${bodyTimeoutMs} ms. Send it again.`,
      );
    case 'broken':
      return { kind: 'gone' };
    case 'chunks':
      break;
  }
  const decoded = await decodeBodyIn(
    parts.slices,
    await gather(parts.slices, read.chunks),
    call.request.headers['content-encoding'],
    inflatedBytesMax,
  );
  if (decoded.kind === 'tooLarge') {
    return refused(
      'requestTooLarge',
      `Not run: the body inflates to more than ${decoded.bytesMax} bytes. ${LARGE_DATA}`,
    );
  }
  if (decoded.kind === 'malformed')
    return refused('requestMalformed', `Not run: ${decoded.why}. ${BODY_FORM}`);
  return { kind: 'body', bytes: decoded.bytes, wasCoded: decoded.wasCoded };
}

/** The refusal of a text above the cap on statements; undefined for any other. */
export function ifTooLong(parts: Parts, sqlText: string): Refused | undefined {
  if (sqlText.length <= parts.limits.statementBytesMax) return undefined;
  return statementTooLong(parts, `${sqlText.length} characters`);
}

/** The refusal of a text above the cap; one that is surely above it is counted in bytes. */
export function statementTooLong(parts: Parts, length: string): Refused {
  const { statementBytesMax } = parts.limits;
  return refused(
    'requestTooLarge',
    `Not run: the statement has ${length}; at most ${statementBytesMax} are taken. ${LARGE_DATA}`,
  );
}

/** The body of a query request with its changes. */
export function editedBody(
  slices: Slices,
  offsets: Offsets,
  changes: BodyChanges,
): Promise<Buffer> {
  const { tag, timeoutSeconds, sqlText } = changes;
  const parameters = {
    ...(tag === null ? {} : { QUERY_TAG: tag }),
    ...(timeoutSeconds === null ? {} : { STATEMENT_TIMEOUT_IN_SECONDS: timeoutSeconds }),
  };
  return withParameters(slices, offsets, parameters, sqlText);
}

function refused(code: Parameters<typeof callerRefusal>[0], message: string): Refused {
  return { kind: 'refused', refusal: callerRefusal(code, message) };
}
