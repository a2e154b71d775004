/** The HTTP side of the warehouse: one listener, its replies, and the faults that tests ask for. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Answer } from './answer.js';
import type { WarehouseFaults } from './faults.js';
import { encode } from './http-io.js';
import { refusal } from '../identity/login.js';
import { route } from './routes.js';
import type { RouteWorld } from './routes.js';

/** How long replies in flight may take to leave after everything else has stopped. */
const LAST_REPLIES_MS = 500;

export interface Listener {
  readonly port: number;
  /** Accepts nothing new; the returned function waits for the replies in flight and closes what is left. */
  close(): () => Promise<void>;
}

/** Listens on `host:port`; a Fault when that is not possible. */
export async function openListener(
  world: RouteWorld,
  faults: WarehouseFaults,
  log: Log,
  host: string,
  port: number,
): Promise<Listener> {
  const inFlight = new Set<Promise<void>>();
  const server = createServer(
    { keepAliveTimeout: 65_000, requestTimeout: 120_000 },
    (request, response) => {
      const served = serve(world, faults, log, request, response)
        .catch((cause: unknown) => {
          log.warn({ cause: toError(cause).message }, 'a reply could not be written');
          response.destroy();
        })
        .finally(() => inFlight.delete(served));
      inFlight.add(served);
    },
  );
  const boundPort = await listen(server, host, port);
  return {
    port: boundPort,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      return async () => {
        await Promise.all(inFlight);
        server.closeIdleConnections();
        const timer = setTimeout(() => server.closeAllConnections(), LAST_REPLIES_MS);
        await closed;
        clearTimeout(timer);
      };
    },
  };
}

async function serve(
  world: RouteWorld,
  faults: WarehouseFaults,
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Taken as the request arrives, so that a fault asked for by a statement does not hit that statement's own reply.
  const { fault, latencyMs } = faults.take(request.url ?? '/');
  const answer = await answerTo(world, log, request);
  const accepts = request.headers['accept-encoding'];
  const { status, headers, bytes } = await encode(
    answer,
    typeof accepts === 'string' ? accepts : undefined,
  );
  if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
  switch (fault.kind) {
    case 'none':
      response.writeHead(status, { ...headers, 'content-length': bytes.length });
      response.end(bytes);
      return;
    case 'reset':
      response.writeHead(status, { ...headers, 'content-length': bytes.length });
      response.write(bytes.subarray(0, fault.afterBytes), () => request.socket.resetAndDestroy());
      return;
    case 'malformed': {
      const plain = await encode(answer, undefined);
      const half = plain.bytes.subarray(0, bytes.length >> 1);
      response.writeHead(status, { ...plain.headers, 'content-length': half.length });
      response.end(half);
      return;
    }
    case 'status':
      response.writeHead(fault.status, { 'content-type': 'text/plain' });
      response.end('fault on request');
      return;
  }
}

/** The route's answer; what cannot be read is 400 or 413, what breaks here is Snowflake's internal error. */
async function answerTo(world: RouteWorld, log: Log, request: IncomingMessage): Promise<Answer> {
  try {
    return await route(world, request);
  } catch (cause) {
    if (cause instanceof Fault && cause.code === 'requestTooLarge')
      return { status: 413, body: refusal('390413', cause.message) };
    if (cause instanceof Fault && cause.code === 'requestMalformed')
      return { status: 400, body: refusal('390400', cause.message) };
    log.error({ cause: toError(cause).stack }, 'a request failed unexpectedly');
    return { status: 200, body: refusal('000603', 'Internal error.', 'XX000') };
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message =
        cause.code === 'EADDRINUSE'
          ? `port ${port} of the embedded warehouse is in use; stop the other program or set TOLLGATE_WAREHOUSE_PORT to another port (0 = any)`
          : `the embedded warehouse cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new Fault('internal', message, { cause }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
