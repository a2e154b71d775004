/** A port in front of another one that can be shut: nobody listens then, and what was open is cut. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface TcpGate {
  readonly port: number;
  /** Cuts every connection and refuses new ones. */
  shut(): Promise<void>;
  /** Listens on the same port again. */
  open(): Promise<void>;
  stop(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and hands connections on to `target` there. */
export async function startGate(target: number): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  const serve = (): Server =>
    createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream);
      upstream.pipe(client);
    });
  let server = serve();
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const shut = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    shut,
    async open() {
      server = serve();
      await listen(server, port);
    },
    stop: shut,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}
