/** `POST /api/v2/statements`: a statement by the SQL API enters the path that all statements take. */
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { identifyIn } from '../identity/identify.js';
import { answerStatement } from '../pipeline.js';
import { ifTooLong, receiveBody, statementTooLong } from '../receive.js';
import { firstStage } from '../stages.js';
import type { Received } from '../stages.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { apiSession, callerOf } from './caller.js';
import type { ApiCaller } from './caller.js';
import { sqlApiFront } from './front.js';
import { answeringFaults, turnAway } from './turn-away.js';
import { editedApiBody, readApiRequest } from './request.js';
import type { ApiRequestRead } from './request.js';
import type { Submitted } from './upstream.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const BODY_FORM =
  'A request is one JSON object in UTF-8, plain or compressed once, with each name once.';
/** A larger body is not kept for a cancel; its statement is cancelled once Snowflake has told its handle. */
const KEPT_BODY_BYTES_MAX = 1024 * 1024;

/** Answers the client, whatever happens. */
export function handleSubmit(parts: Parts, call: Call): Promise<void> {
  return answeringFaults(parts, call, () => submit(parts, call));
}

async function submit(parts: Parts, call: Call): Promise<void> {
  const options = readOptions(call);
  if ('code' in options) return refuse(parts, call, options);
  const proven = await callerOf(parts, call);
  if (proven.kind !== 'caller') return turnAway(parts, call, proven);
  const { caller } = proven;
  const body = await receiveBody(parts, call);
  if (body.kind === 'gone') return;
  if (body.kind === 'refused') return refuse(parts, call, body.refusal);
  const { statementBytesMax } = parts.limits;
  const read = await readApiRequest(parts.slices, body.bytes, options.isAsync, statementBytesMax);
  if (read.kind === 'malformed') {
    const message = `Not run: ${read.why}. ${BODY_FORM}`;
    return refuse(parts, call, callerRefusal('requestMalformed', message));
  }
  if (read.kind === 'tooLong')
    return refuse(parts, call, statementTooLong(parts, `${read.bytes} bytes`).refusal);
  const tooLong = ifTooLong(parts, read.query.sqlText);
  if (tooLong !== undefined) return refuse(parts, call, tooLong.refusal);
  const opened = await apiSession(parts, call, caller, read.place);
  if (opened.kind !== 'session') return turnAway(parts, call, opened);
  const { session } = opened;
  const { wasCoded } = body;
  const { headers, renew } = caller;
  const received = receivedOf(
    parts,
    { ...call, target: options.target },
    { ...options, read, headers, renew, wasCoded },
  );
  const identified = await identifyIn(parts, received, session);
  if (identified.kind === 'refused') return refuse(parts, call, identified.refusal);
  return answerStatement(parts, identified.statement);
}

interface Options {
  readonly requestId: string;
  readonly isAsync: boolean;
  readonly isNullable: boolean;
  /** As forwarded: with the request id, by which Snowflake knows a repeat. */
  readonly target: string;
}

/** What the URL asks for; a parameter that stands twice is refused, because Snowflake might read the other one. */
function readOptions(call: Call): Options | Refusal {
  for (const name of ['requestId', 'async', 'nullable', 'retry']) {
    if (call.query.getAll(name).length > 1)
      return callerRefusal('requestMalformed', `Not run: the URL has ${name} twice.`);
  }
  const requestId = call.query.get('requestId');
  if (requestId !== null && !UUID.test(requestId))
    return callerRefusal(
      'requestMalformed',
      'Not run: requestId in the URL must be a UUID, a fresh one for every statement.',
    );
  for (const name of ['async', 'nullable', 'retry']) {
    const value = call.query.get(name);
    if (value !== null && !/^(?:true|false)$/i.test(value))
      return callerRefusal('requestMalformed', `Not run: ${name} in the URL is true or false.`);
  }
  const isAsync = call.query.get('async')?.toLowerCase() === 'true';
  const isNullable = call.query.get('nullable')?.toLowerCase() !== 'false';
  const { target, ticketId } = call;
  if (requestId !== null) return { requestId, isAsync, isNullable, target };
  const mark = `requestId=${ticketId}`;
  return {
    requestId: ticketId,
    isAsync,
    isNullable,
    target: `${target}${target.includes('?') ? '&' : '?'}${mark}`,
  };
}

interface Read extends Options {
  readonly read: Extract<ApiRequestRead, { kind: 'request' }>;
  readonly headers: Readonly<Record<string, string>>;
  readonly renew: ApiCaller['renew'];
  readonly wasCoded: boolean;
}

function receivedOf(parts: Parts, call: Call, options: Read): Received {
  const { read, headers, renew, isNullable } = options;
  let submitted: Submitted | undefined;
  return firstStage({
    call,
    front: sqlApiFront({ headers, renew, isNullable, submitted: () => submitted }),
    requestId: options.requestId.toLowerCase(),
    query: read.query,
    edited: async (changes) => {
      const body = await editedApiBody(parts.slices, read.offsets, changes);
      submitted = body.length <= KEPT_BODY_BYTES_MAX ? { target: call.target, body } : undefined;
      return body;
    },
    bodyBytes: read.offsets.body.length,
    wasCompressed: options.wasCoded,
  });
}

function refuse(parts: Parts, call: Call, refusal: Refusal): void {
  turnAway(parts, call, { kind: 'refused', refusal });
}
