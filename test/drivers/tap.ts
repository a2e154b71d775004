/**
 * What stands between a program and the side it asks: a balancer, which deals connections round without
 * changing what is in them, and which counts the statements that went by, because no driver tells how often it sent one.
 * Before a side that speaks TLS it speaks TLS both ways, with the certificate of the side itself.
 * On a port of its own programs read the count, and have done what only the warehouse's administrator may do.
 */
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Encryption } from './encryption.js';
import type { Side } from './sides.js';

export interface Tap {
  /** Where the program connects. */
  readonly port: number;
  /** Where it asks about the run: `requests`, `expire?session=…[&master=1]`, `state?marker=…`. */
  readonly controlUrl: string;
  stop(): Promise<void>;
}

const STATEMENT = Buffer.from('POST /queries/v1/query-request');

/** Listens before a side's ports; each new connection goes to the next of them, and stays there. */
export async function startTap({
  ports,
  operator,
  encryption,
}: Pick<Side, 'ports' | 'operator' | 'encryption'>): Promise<Tap> {
  const open = new Set<Socket>();
  let turn = 0;
  let statements = 0;
  const balancer = listener(encryption, (near) => {
    const far = connected(encryption, ports[turn % ports.length] ?? 0);
    turn += 1;
    const seen = counter(STATEMENT);
    near.on('data', (chunk: Buffer) => {
      statements += seen(chunk);
    });
    join(near, far, open);
    join(far, near, open);
  });
  const control = createHttpServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
    void answer(pathname, searchParams).then(
      (text) => end(response, 200, text),
      (thrown: unknown) => end(response, 500, String(thrown)),
    );
  });
  const answer = async (path: string, query: URLSearchParams): Promise<string> => {
    if (path === '/requests') return String(statements);
    if (path === '/state') return operator.stateOf(query.get('marker') ?? '');
    if (path !== '/expire') throw new Error(`${path} is nothing that can be asked`);
    await operator.expire(query.get('session') ?? '', query.has('master'));
    return 'done';
  };
  const [port, controlPort] = await Promise.all([listen(balancer), listen(control)]);
  return {
    port,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    async stop() {
      for (const socket of open) socket.destroy();
      control.closeAllConnections();
      await Promise.all([balancer, control].map((server) => once(server.close(), 'close')));
    },
  };
}

function listener(encryption: Encryption | null, onConnection: (near: Socket) => void): Server {
  if (encryption === null) return createServer({ noDelay: true }, onConnection);
  const { certPem: cert, keyPem: key } = encryption;
  // A client that does not trust the certificate is the client's finding.
  return createTlsServer({ noDelay: true, cert, key }, onConnection).on('tlsClientError', () => {});
}

function connected(encryption: Encryption | null, port: number): Socket {
  const to = { port, host: '127.0.0.1', noDelay: true };
  return encryption === null ? connect(to) : connectTls({ ...to, ca: encryption.authorityPem });
}

function join(from: Socket, to: Socket, open: Set<Socket>): void {
  open.add(from);
  from.on('error', () => to.destroy());
  from.on('close', () => {
    open.delete(from);
    to.destroy();
  });
  from.pipe(to);
}

/** How often a text stands in what went by, also where two chunks share it. */
function counter(wanted: Buffer): (chunk: Buffer) => number {
  let kept = Buffer.alloc(0);
  return (chunk) => {
    const bytes = Buffer.concat([kept, chunk]);
    let count = 0;
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) count += 1;
    kept = bytes.subarray(Math.max(0, bytes.length - wanted.length + 1));
    return count;
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}
