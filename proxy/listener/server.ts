/** The proxy's listener: limits of HTTP, one `Call` a request, faults mapped to replies, and an orderly drain. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault, tgLabel, toError } from '#base/errors.js';
import type { Metrics } from '#base/metrics.js';
import type { Call } from '../call.js';
import { faultRefusal } from '../faults.js';
import { withoutLogin } from '../identity/without-login.js';
import type { Parts } from '../parts.js';
import { sendSmall } from '../relay.js';
import { handlerFor } from '../routes.js';
import { apiRefusal, isOfSqlApi } from '../sql-api/replies.js';
import { noteEnd, noteHead } from '../wire/chunk-padding.js';
import { callerRefusal, sendRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { brokenRefusal, refuseConnection } from './broken.js';
import type { CertificateFiles } from './certificate.js';
import { capConnections } from './connections.js';
import type { Connections } from './connections.js';
import { headRefusal } from './head.js';
import { LISTENER_LIMITS } from './limits.js';
import type { ListenerLimits } from './limits.js';
import { openServer } from './open-server.js';

export interface ProxyServer {
  readonly port: number;
  /** Stops accepting, waits for requests in flight until the signal, then closes. */
  stop(signal: AbortSignal): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Absent: plain HTTP. */
  readonly tls?: CertificateFiles | undefined;
  readonly listener?: Partial<ListenerLimits> | undefined;
}

/** The exchange that a connection is at. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Listens. Fault `internal` with a sentence for people when the address cannot be had or the certificate not be served. */
export async function startServer(parts: Parts, options: ListenOptions): Promise<ProxyServer> {
  const limits: ListenerLimits = { ...LISTENER_LIMITS, ...options.listener };
  const { server, stopTls } = openServer({
    log: parts.log,
    metrics: options.metrics,
    tls: options.tls,
    limits,
  });
  const connections = capConnections(server, limits.connectionsMax, {
    metrics: options.metrics,
    log: parts.log,
  });
  answerPlainHttp(parts, server, connections);
  let isStopping = false;
  const inFlight = answerRequests(parts, server, limits, () => isStopping);
  answerBroken(parts, server, limits, inFlight);
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async stop(signal) {
      isStopping = true;
      stopTls();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await inFlight.ended(signal);
      server.closeAllConnections();
      connections.destroyAll();
      await closed;
    },
  };
}

interface InFlight {
  at(socket: Duplex): Exchange | undefined;
  /** Settles when every handler has ended, or the signal aborts. */
  ended(signal: AbortSignal): Promise<void>;
}

/** A statement goes on after its client has gone, so the handler's end counts, not the socket's. */
function answerRequests(
  parts: Parts,
  server: Server,
  limits: ListenerLimits,
  isStopping: () => boolean,
): InFlight {
  const latest = new WeakMap<Duplex, Exchange>();
  const unanswered = new WeakMap<Duplex, number>();
  const taken = new WeakMap<Duplex, number>();
  let count = 0;
  let onIdle: () => void = () => undefined;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    latest.set(socket, { request, response });
    noteHead(request);
    request.once('end', () => noteEnd(request));
    const waiting = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, waiting);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    const number = (taken.get(socket) ?? 0) + 1;
    taken.set(socket, number);
    if (waiting > limits.unansweredPerConnectionMax) {
      socket.destroy();
      return;
    }
    // Pipelined behind the last one, whose answer ends the connection.
    if (number > limits.requestsPerConnectionMax) return;
    count += 1;
    const isLast = number === limits.requestsPerConnectionMax;
    if (isStopping() || isLast) response.setHeader('connection', 'close');
    void handle(parts, request, response).finally(() => {
      drainRest(request, parts.limits.bodyTimeoutMs);
      dropUnread(response, limits.unreadReplyMs);
      count -= 1;
      if (count === 0) onIdle();
    });
  };
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest);
  return {
    at: (socket) => latest.get(socket),
    async ended(signal) {
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
    },
  };
}

/** A driver that speaks plain HTTP to a listener of TLS would repeat for minutes what is closed without a word. */
function answerPlainHttp(parts: Parts, server: Server, connections: Connections): void {
  server.on('tlsClientError', (cause: NodeJS.ErrnoException, socket: Socket) => {
    const below = cause.code === 'ERR_SSL_HTTP_REQUEST' ? connections.below(socket) : undefined;
    if (below === undefined) return;
    const refusal = callerRefusal(
      'requestMalformed',
      "Not connected: this port speaks TLS, and the driver spoke plain HTTP. Set the driver's protocol to https.",
    );
    parts.events.refused(tgLabel(refusal.code), '');
    refuseConnection(below, refusal);
  });
}

/** What comes in and is no request ends its connection, after the answers that are still owed on it. */
function answerBroken(
  parts: Parts,
  server: Server,
  limits: ListenerLimits,
  inFlight: InFlight,
): void {
  server.on(
    'clientError',
    (cause: NodeJS.ErrnoException, socket: Duplex & { readonly bytesRead?: number }) => {
      const exchange = inFlight.at(socket);
      const isOwed = exchange !== undefined && !exchange.response.writableFinished;
      const isGone = /^(ECONNRESET|EPIPE|ERR_SSL_|ERR_TLS_)/.test(cause.code ?? '');
      if (isOwed && exchange.request.complete && !isGone) {
        exchange.response.once('close', () => socket.destroy());
        if (!exchange.response.headersSent) exchange.response.setHeader('connection', 'close');
        return;
      }
      // The rest of a request that has its answer, or is getting it.
      if (exchange?.request.complete === false && exchange.response.headersSent) {
        if (exchange.response.writableEnded) socket.end(() => socket.destroy());
        else socket.destroy();
        return;
      }
      // To a client that has said nothing, an answer would be the one to its next request.
      const hasSpoken = (socket.bytesRead ?? 0) > 0;
      if (isGone || !hasSpoken || !socket.writable) {
        socket.destroy();
        return;
      }
      const refusal = brokenRefusal(cause.code, limits.headersTimeoutMs);
      parts.events.refused(tgLabel(refusal.code), '');
      refuseConnection(socket, refusal);
    },
  );
}

async function handle(
  parts: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = callOf(parts, request, response);
  try {
    const malformed = headRefusal(request, call.path);
    if (malformed !== undefined) {
      response.setHeader('connection', 'close');
      return refuse(parts, call, malformed);
    }
    const stranger = withoutLogin(request.headers, call.path);
    if (stranger !== undefined) return refuse(parts, call, stranger);
    const handler = handlerFor(request.method ?? '', call.path);
    if (handler === undefined) return refuse(parts, call, notOnTheList(request, call.path));
    await handler(parts, call);
  } catch (thrown) {
    const error = toError(thrown);
    parts.events.fault(error instanceof Fault ? error.code : 'internal', error, call.ticketId);
    answer(call, faultRefusal(error), call.ticketId);
  } finally {
    parts.events.answered(call.ticketId);
  }
}

function refuse(parts: Parts, call: Call, refusal: Refusal): void {
  parts.events.refused(tgLabel(refusal.code), '');
  answer(call, refusal, null);
}

/** Clients of the SQL API read statuses of HTTP, drivers envelopes. */
function answer({ path, response }: Call, refusal: Refusal, ticketId: string | null): void {
  if (isOfSqlApi(path)) return sendSmall(response, apiRefusal(refusal, ticketId));
  sendRefusal(response, refusal, ticketId);
}

function notOnTheList(request: IncomingMessage, path: string): Refusal {
  return callerRefusal(
    'pathRefused',
    `Not run: ${String(request.method)} ${path.slice(0, 120)} is not a request that Tollgate passes on. It takes those of Snowflake's drivers and of its SQL API, by their exact paths; connect with a driver.`,
  );
}

/** What was not read of a body is thrown away, so that its client reads the answer; but not for ever. */
function drainRest(request: IncomingMessage, withinMs: number): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), withinMs);
  request.once('close', () => clearTimeout(timer));
}

/** A reply that its client does not read holds a connection; not for ever. */
function dropUnread(response: ServerResponse, withinMs: number): void {
  if (response.writableFinished || response.destroyed) return;
  const timer = setTimeout(() => response.destroy(), withinMs);
  response.once('close', () => clearTimeout(timer));
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
