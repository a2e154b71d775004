/**
 * How long a request may take to arrive. Node has one time for all requests of a server, so that it is the one of uploads;
 * the short one of every other is kept here, from the headers to the last byte of the body.
 */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Of requests with the bodies that the API takes: a megabyte at most. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Of the largest upload, over a line of 2.5 Mbit/s. */
export const UPLOAD_TIMEOUT_MS: number = 30 * 60_000;

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Ends requests whose body does not arrive in time.
 * @param refuse answers on the connection of one that nothing was answered to yet.
 * @param timeoutMs of the headers, and of the body behind them.
 */
export function keepRequestsInTime(
  app: FastifyInstance,
  refuse: (socket: Socket) => void,
  timeoutMs: number,
): void {
  app.server.headersTimeout = timeoutMs;
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    // One that is injected has no connection that could be slow.
    if (hasBody(raw) && raw.socket instanceof Socket)
      timers.set(
        raw,
        setTimeout(() => {
          if (raw.complete) return;
          if (reply.raw.headersSent) raw.socket.destroy();
          else refuse(raw.socket);
        }, timeoutMs).unref(),
      );
    raw.once('close', () => clearTimeout(timers.get(raw)));
    done();
  });
}

/** The request may take as long as an upload does: its handler knows when nothing comes any more. */
export function mayTakeLong(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}
