/** An upstream and a front of plain node:http on loopback, so that a relay runs over real sockets on both sides. */
import { createServer, get } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createUpstreamEngine, type UpstreamEngine } from '../../proxy/upstream/engine.js';

export interface Stub {
  readonly port: number;
  readonly origin: string;
  readonly stop: () => Promise<void>;
}

/** Listens on a free port of loopback. */
export async function startStub(listener: RequestListener): Promise<Stub> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An engine with short waits. */
export function engineFor(origin: string): UpstreamEngine {
  return createUpstreamEngine({
    origin,
    connectionsMax: 4,
    silenceTimeoutMs: 5_000,
    connectTimeoutMs: 1_000,
  });
}

export interface Front {
  /** The reply as a client sees it; rejects when it breaks off. */
  fetch(): Promise<{
    readonly status: number;
    readonly headers: IncomingMessage['headers'];
    readonly body: Buffer;
  }>;
  /** The reply with nothing read of it yet. */
  open(): Promise<IncomingMessage>;
  readonly stop: () => Promise<void>;
}

/** A listener whose every request is given to `handle`. */
export async function startFront(handle: (response: ServerResponse) => void): Promise<Front> {
  const stub = await startStub((request, response) => {
    request.resume();
    handle(response);
  });
  const open = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(`${stub.origin}/`, { agent: false }, resolve).once('error', reject);
    });
  return {
    open,
    stop: stub.stop,
    async fetch() {
      const reply = await open();
      const chunks: Buffer[] = [];
      for await (const chunk of reply) chunks.push(chunk as Buffer);
      return { status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks) };
    },
  };
}
