import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { openDatabase } from '../../../base/postgres/pool.js';

/** One message of the server's: type, length, content. */
function message(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length + 4);
  return Buffer.concat([Buffer.from(type), length, content]);
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const TERMINATED = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

test('a connection that ends in the moment it stands fails what wanted it, and nothing else', async () => {
  // In one write, so that the client reads the end before anybody has been handed the connection.
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, TERMINATED])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const db = openDatabase(
    {
      url: `postgres://nobody@127.0.0.1:${port}/none`,
      connectionsMax: 2,
      connectTimeoutMs: 2000,
      statementTimeoutMs: 2000,
      applicationName: 'test',
    },
    () => undefined,
  );
  const work = (): Promise<unknown> => db.transaction((tx) => tx.query('SELECT 1'));
  await expect(work()).rejects.toThrow();
  await expect(db.query('SELECT 1')).rejects.toThrow();
  await db.stop();
  server.close();
});
