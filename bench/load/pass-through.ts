/**
 * The least a Node relay can do with the stack of the proxy: `node:http` in, undici out, bytes through. What Tollgate
 * adds beyond this is governance. Child process; `{origin}` is answered with its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';

function relay(pool: Pool, request: IncomingMessage, response: ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  pool.stream(
    {
      method: request.method === 'POST' ? 'POST' : 'GET',
      path: request.url ?? '/',
      headers,
      body: request.method === 'POST' ? request : null,
    },
    ({ statusCode, headers: answered }) => {
      const { connection: _closing, 'keep-alive': _alive, ...kept } = answered;
      response.writeHead(statusCode, kept);
      return response;
    },
    (failure) => {
      if (failure !== null && !response.headersSent) response.writeHead(502).end();
    },
  );
}

process.once('message', (message: { readonly origin: string; readonly isWatched: boolean }) => {
  if (message.isWatched) void import('./loop-watch.js');
  const pool = new Pool(message.origin, { connections: 128, pipelining: 1 });
  const server = createServer((request, response) => relay(pool, request, response));
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
  });
});
