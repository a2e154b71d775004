/** A refusal as a value, and the one place where it becomes a reply that every driver shows and none repeats. */
import type { ServerResponse } from 'node:http';
import { TG_CODES, driverCode, tgLabel, tgName } from '#base/errors.js';
import type { TgName } from '#base/errors.js';
import { failureEnvelope } from '#base/wire/envelope.js';
import type { Told } from '#billing/ledger.js';
import type { ScannedReply } from './reply-scanner.js';

export interface Refusal {
  readonly code: TgName;
  /** One screen of text that begins with the TG label. */
  readonly message: string;
  /** The JSON twin, under `data.tollgate`. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** Code that the driver sees in place of ours: a sign-in is refused by the codes that drivers know for it. */
  readonly wireCode?: string;
}

/** A refusal of what the caller sent: `TG1010 Not run: …`. */
export function callerRefusal(code: TgName, message: string): Refusal {
  return { code, message: `${tgLabel(code)} ${message}`, detail: { code: tgLabel(code) } };
}

/** What a ticket keeps of a refusal. */
export function toldOf(refusal: Refusal): Told {
  return { code: tgLabel(refusal.code), message: refusal.message, detail: refusal.detail };
}

/** The refusal that a ticket has kept, to be told again. */
export function refusalOf(told: Told): Refusal {
  const { detail } = told;
  return {
    code: tgName(told.code) ?? 'internal',
    message: told.message,
    detail: typeof detail === 'object' && detail !== null ? { ...detail } : {},
  };
}

/** HTTP 200 body of a refusal: any 4xx or 5xx is retried or loses its text in at least one driver. */
export function refusalBody(refusal: Refusal, ticketId: string | null): Buffer {
  const envelope = failureEnvelope({
    code: refusal.wireCode ?? driverCode(refusal.code),
    sqlState: TG_CODES[refusal.code].sqlState,
    message: refusal.message,
    queryId: ticketId,
    type: 'TOLLGATE',
  });
  return Buffer.from(
    JSON.stringify({
      ...envelope,
      data: {
        ...envelope.data,
        tollgate: { ...refusal.detail, code: tgLabel(refusal.code), ticket: ticketId },
      },
    }),
  );
}

/**
 * What is told in place of a reply that sends its client to poll at another host: it would send its token there
 * (docs/attacks.md). Undefined for every other reply.
 */
export function pollElsewhere(reply: ScannedReply, ticketId: string | null): Buffer | undefined {
  const address = reply.data['getResultUrl'];
  if (typeof address !== 'string' || /^\/[^/\\]/.test(address)) return undefined;
  const refusal = callerRefusal(
    'upstreamProtocol',
    'Not answered: the reply of Snowflake names an address at another host to ask for the result, and was not passed on. Look at MY_QUERIES before the statement is sent again.',
  );
  return refusalBody(refusal, ticketId);
}

/** Sends one complete JSON reply, unless the client is gone or an answer has begun. */
export function sendJson(response: ServerResponse, body: Buffer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

/** Answers with a refusal. */
export function sendRefusal(
  response: ServerResponse,
  refusal: Refusal,
  ticketId: string | null,
): void {
  sendJson(response, refusalBody(refusal, ticketId));
}
