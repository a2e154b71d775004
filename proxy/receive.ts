/** Step 1: the bytes of a statement become one validated request, or a refusal that names what is wrong with them. */
import type { Call } from './call.js';
import type { Parts } from './parts.js';
import { driverFront } from './driver-front.js';
import type { BodyChanges, Received } from './stages.js';
import { foreignToken } from './identity/tokens.js';
import { tokenOfAuthorization } from './identity/tokens.js';
import { decodeBodyAsync, readBody } from './wire/body.js';
import { readQueryRequest, withParameters } from './wire/query-request.js';
import type { Offsets } from './wire/query-request.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

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
  const { requestBytesMax, inflatedBytesMax, statementBytesMax, bodyTimeoutMs } = parts.limits;
  const read = await readBody(call.request, requestBytesMax, bodyTimeoutMs);
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
    case 'body':
      break;
  }
  const decoded = await decodeBodyAsync(
    read.bytes,
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
  const query = readQueryRequest(decoded.bytes);
  if (query.kind === 'malformed')
    return refused('requestMalformed', `Not run: ${query.why}. ${BODY_FORM}`);
  if (query.request.sqlText.length > statementBytesMax) {
    return refused(
      'requestTooLarge',
      `Not run: the statement has ${query.request.sqlText.length} characters; at most ${statementBytesMax} are taken. ${LARGE_DATA}`,
    );
  }
  return {
    kind: 'received',
    received: {
      call,
      front: driverFront,
      requestId,
      query: query.request,
      edited: (changes) => editedBody(query.offsets, changes),
      bodyBytes: query.offsets.body.length,
      wasCompressed: decoded.wasCoded,
    },
  };
}

/** The body of a query request with its changes. */
export function editedBody(offsets: Offsets, changes: BodyChanges): Buffer {
  const { tag, timeoutSeconds, sqlText } = changes;
  const parameters = {
    ...(tag === null ? {} : { QUERY_TAG: tag }),
    ...(timeoutSeconds === null ? {} : { STATEMENT_TIMEOUT_IN_SECONDS: timeoutSeconds }),
  };
  return withParameters(offsets, parameters, sqlText);
}

function refused(code: Parameters<typeof callerRefusal>[0], message: string): ReceiveOutcome {
  return { kind: 'refused', refusal: callerRefusal(code, message) };
}
