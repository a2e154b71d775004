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
    parts.events.fault(error instanceof Fault ? error.code : 'internal', error);
    sendSmall(call.response, apiRefusal(faultRefusal(error), call.ticketId));
  }
}

/** Whether who sends a request reads statuses of HTTP, as clients of Snowflake's REST APIs do. */
export function isOfSqlApi(path: string): boolean {
  return path.startsWith('/api/v2/');
}

/** `404` for what is not one of the three requests of the API, by its exact path. */
export function noSuchResource(call: Call): void {
  call.request.resume();
  sendSmall(
    call.response,
    apiReply(404, {
      code: SQL_API_CODES.notFound,
      message:
        'No such resource. Tollgate passes on POST /api/v2/statements, GET /api/v2/statements/{handle} and POST /api/v2/statements/{handle}/cancel, by their exact paths.',
    }),
  );
}
