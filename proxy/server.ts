/** The proxy's listener: limits of HTTP, one `Call` a request, faults mapped to replies, and an orderly drain. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault, toError } from '#base/errors.js';
import type { Call } from './call.js';
import { faultRefusal } from './faults.js';
import type { Parts } from './parts.js';
import { handlerFor } from './routes.js';
import { isOfSqlApi, noSuchResource } from './sql-api/turn-away.js';
import { callerRefusal, refusalBody, sendRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/** Drivers poll for 45 s in silence, and some balancers allow 60: idle connections live longer than both. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_TIMEOUT_MS = 30_000;
/** Room for a sealed token of 16 KB beside what drivers send. */
const HEAD_BYTES_MAX = 32 * 1024;

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
    maxHeaderSize: HEAD_BYTES_MAX,
  });
  const answering = new WeakMap<Duplex, ServerResponse>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    answering.set(request.socket, response);
    inFlight += 1;
    // A statement goes on after its client has gone, so the handler's end counts, not the socket's.
    if (isStopping) response.setHeader('connection', 'close');
    void handle(parts, request, response).finally(() => {
      drainRest(request, parts.limits.bodyTimeoutMs);
      inFlight -= 1;
      if (inFlight === 0) onIdle();
    });
  };
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('clientError', (cause: NodeJS.ErrnoException, socket) => {
    const response = answering.get(socket);
    const isBusy = response !== undefined && response.headersSent && !response.writableFinished;
    if (isBusy) socket.destroy();
    else answerBroken(cause, socket);
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
    if (handler === undefined && isOfSqlApi(call.path)) return noSuchResource(call);
    if (handler === undefined) {
      sendRefusal(
        response,
        callerRefusal(
          'pathRefused',
          `Not run: ${String(request.method)} ${call.path.slice(0, 120)} is not a request that Tollgate passes on. It takes those of Snowflake's drivers, by their exact paths; connect with a driver.`,
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

/** What was not read of a body is thrown away, so that its client reads the answer; but not for ever. */
function drainRest(request: IncomingMessage, withinMs: number): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), withinMs);
  request.once('close', () => clearTimeout(timer));
}

/** A request that Node could not read: told in our words too, because drivers repeat a 400 or 431 for minutes. */
function answerBroken(cause: NodeJS.ErrnoException, socket: Duplex): void {
  const isAnswerable = socket.writable && cause.code !== 'ECONNRESET' && cause.code !== 'EPIPE';
  if (!isAnswerable) {
    socket.destroy();
    return;
  }
  const body = refusalBody(brokenRefusal(cause.code), null);
  socket.end(
    `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.toString('utf8')}`,
    () => socket.destroy(),
  );
}

function brokenRefusal(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return callerRefusal(
      'requestTooLarge',
      `Not run: the URL and headers of the request are larger than ${HEAD_BYTES_MAX} bytes together. Send shorter ones.`,
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return callerRefusal(
      'requestMalformed',
      `Not run: the headers of the request did not arrive within ${HEADERS_TIMEOUT_MS} ms. Send it again.`,
    );
  }
  return callerRefusal('requestMalformed', 'Not run: this is no request of HTTP/1.1.');
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
    arrivedAtMs: performance.now(),
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
