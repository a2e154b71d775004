/** The proxy's listener: limits of HTTP, one `Call` a request, faults mapped to replies, and an orderly drain. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault, toError } from '#base/errors.js';
import type { Call } from './call.js';
import { faultRefusal } from './faults.js';
import type { Parts } from './parts.js';
import { handlerFor } from './routes.js';
import { callerRefusal, sendRefusal } from './wire/refusal.js';

/** Drivers poll for 45 s in silence, and some balancers allow 60: idle connections live longer than both. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_TIMEOUT_MS = 30_000;

export interface ProxyServer {
  readonly port: number;
  /** Stops accepting, waits for requests in flight until the signal, then closes. */
  stop(signal: AbortSignal): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
}

/** Listens. Fault `internal` with a sentence for people when the address cannot be had. */
export async function startServer(parts: Parts, options: ListenOptions): Promise<ProxyServer> {
  let inFlight = 0;
  let isStopping = false;
  let onIdle: () => void = () => undefined;
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
  });
  server.on('request', (request, response) => {
    inFlight += 1;
    // A statement goes on after its client has gone, so the handler's end counts, not the socket's.
    if (isStopping) response.setHeader('connection', 'close');
    void handle(parts, request, response).finally(() => {
      inFlight -= 1;
      if (inFlight === 0) onIdle();
    });
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async stop(signal) {
      isStopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      if (inFlight > 0) {
        await new Promise<void>((resolve) => {
          onIdle = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
          if (signal.aborted) resolve();
        });
      }
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(
  parts: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = callOf(parts, request, response);
  try {
    const handler = handlerFor(request.method ?? '', call.path);
    if (handler === undefined) {
      request.resume();
      sendRefusal(
        response,
        callerRefusal(
          'pathRefused',
          `Not run: ${String(request.method)} ${call.path.slice(0, 120)} is not a request that Tollgate passes on.`,
        ),
        null,
      );
      return;
    }
    await handler(parts, call);
  } catch (thrown) {
    const error = toError(thrown);
    parts.events.fault(error instanceof Fault ? error.code : 'internal', error);
    sendRefusal(response, faultRefusal(error), call.ticketId);
  }
}

function callOf(parts: Parts, request: IncomingMessage, response: ServerResponse): Call {
  const target = request.url ?? '/';
  const at = target.indexOf('?');
  return {
    ticketId: parts.ids.ticket(Date.now()),
    request,
    response,
    method: request.method === 'GET' ? 'GET' : 'POST',
    path: at < 0 ? target : target.slice(0, at),
    target,
    query: new URLSearchParams(at < 0 ? '' : target.slice(at + 1)),
  };
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `port ${options.port} on ${options.host} is in use; end the other program, or set TOLLGATE_PROXY_PORT (0 = any free port)`
          : `the proxy cannot listen on ${options.host}:${options.port}: ${cause.message}`;
      reject(new Fault('internal', why, { cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
}
