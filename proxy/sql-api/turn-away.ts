/** Requests of the SQL API that are not answered with a statement: refusals, Snowflake's own, and faults. */
import { Fault, tgLabel, toError } from '#base/errors.js';
import { SQL_API_CODES } from '#base/wire/sql-api.js';
import type { Call } from '../call.js';
import { faultRefusal } from '../faults.js';
import type { Parts } from '../parts.js';
import { sendSmall } from '../relay.js';
import { headersForClient } from '../upstream/headers.js';
import type { ApiRefused } from './caller.js';
import { apiRefusal, apiReply } from './replies.js';

/** Tells a client why its request is not answered. */
export function turnAway(parts: Parts, call: Call, why: ApiRefused): void {
  const { request, response, ticketId } = call;
  request.resume();
  switch (why.kind) {
    case 'refused':
      parts.events.refused(tgLabel(why.refusal.code), '');
      return sendSmall(response, apiRefusal(why.refusal, ticketId));
    case 'upstream': {
      const { status, headers, body } = why.reply;
      return sendSmall(response, {
        status,
        headers: { ...headersForClient(headers, false), 'content-length': String(body.length) },
        body,
      });
    }
    case 'busy':
      return sendSmall(
        response,
        apiReply(429, {
          code: SQL_API_CODES.tooMany,
          message: 'Too many tokens are being proven at once. Send it again in a few seconds.',
        }),
      );
  }
}

/** Runs a handler; a fault of it is answered in the form of the SQL API. */
export async function answeringFaults(
  parts: Parts,
  call: Call,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = toError(thrown);
    parts.events.fault(error instanceof Fault ? error.code : 'internal', error, call.ticketId);
    sendSmall(call.response, apiRefusal(faultRefusal(error), call.ticketId));
  }
}
