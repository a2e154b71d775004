import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { deferred } from '../../base/deferred.js';
import { relay, toClient, type RelayOptions, type RelayOutcome } from '../../proxy/relay.js';
import { engineFor, startFront, startStub, type Front } from './upstream-stub.js';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface World {
  readonly front: Front;
  /** The relay's outcome; settles when upstream has been read to its end. */
  readonly outcome: Promise<RelayOutcome>;
  readonly response: Promise<ServerResponse>;
}

/** One relay between a stub of upstream and a front. */
async function world(upstream: RequestListener, options: RelayOptions = {}): Promise<World> {
  const stub = await startStub(upstream);
  closers.push(stub.stop);
  return worldAt(stub.origin, options);
}

async function worldAt(origin: string, options: RelayOptions = {}): Promise<World> {
  const engine = engineFor(origin);
  const outcome = deferred<RelayOutcome>();
  const started = deferred<ServerResponse>();
  const front = await startFront((response) => {
    started.resolve(response);
    void relay(
      engine,
      { method: 'POST', path: '/x', headers: { host: 'h' }, body: Buffer.from('{}') },
      toClient(response),
      options,
    ).then((ended) => {
      outcome.resolve(ended);
      if (!response.headersSent) response.end('nothing was relayed');
    });
  });
  closers.push(() => engine.stop(AbortSignal.abort()), front.stop);
  return { front, outcome: outcome.promise, response: started.promise };
}

const SMALL = '{"data":{"queryId":"q1","rowset":[["1"]]},"code":null,"success":true}';
/** Above what is held back, and not compressible, so that it streams in every coding. */
const LARGE = JSON.stringify({
  data: { rowset: [[randomBytes(600_000).toString('base64')]], queryId: 'q2', total: 1 },
  success: true,
});

test('a small reply arrives byte for byte with its headers, and what it says is read', async () => {
  const { front, outcome } = await world((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-own': 'a',
      connection: 'close, x-hop',
      'x-hop': '1',
    });
    response.end(SMALL);
  });
  const reply = await front.fetch();
  expect(reply.body.toString()).toBe(SMALL);
  expect(reply.headers).toMatchObject({ 'x-own': 'a', 'content-length': String(SMALL.length) });
  expect(reply.headers).not.toHaveProperty('x-hop');
  const ended = await outcome;
  expect(ended).toMatchObject({
    kind: 'replied',
    status: 200,
    reply: { isComplete: true, top: { success: true }, data: { queryId: 'q1' } },
  });
  expect(ended.kind === 'replied' && ended.small?.body.toString()).toBe(SMALL);
});

test('a replacement goes out in place of a small reply, without its coding', async () => {
  const { front } = await world(
    (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(SMALL));
    },
    {
      beforeSmall: (reply) =>
        Promise.resolve({
          status: 200,
          headers: {},
          body: Buffer.from(`was ${String(reply.data['queryId'])}`),
        }),
    },
  );
  const reply = await front.fetch();
  expect(reply.body.toString()).toBe('was q1');
  expect(reply.headers).not.toHaveProperty('content-encoding');
});

test.each([
  ['identity', (text: string): Buffer => Buffer.from(text)],
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('a large reply in %s streams untouched and is read on the way', async (coding, encode) => {
  const bytes = encode(LARGE);
  const { front, outcome } = await world((_request, response) => {
    response.writeHead(200, { 'content-encoding': coding });
    for (let at = 0; at < bytes.length; at += 10_007)
      response.write(bytes.subarray(at, at + 10_007));
    response.end();
  });
  expect((await front.fetch()).body.equals(bytes)).toBe(true);
  expect(await outcome).toMatchObject({
    kind: 'replied',
    small: null,
    reply: { isComplete: true, top: { success: true }, data: { queryId: 'q2', total: 1 } },
  });
});

test('a small reply that inflates a thousandfold is read to its end', async () => {
  const text = JSON.stringify({
    data: { rowset: [['x'.repeat(20_000_000)]], total: 1 },
    success: true,
  });
  const { front, outcome } = await world((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync(text));
  });
  expect((await front.fetch()).body.length).toBeLessThan(64 * 1024);
  expect(await outcome).toMatchObject({ reply: { isComplete: true, top: { success: true } } });
});

test.each([
  ['a coding nobody knows', 'zstd', Buffer.from(LARGE)],
  ['no gzip under its name', 'gzip', Buffer.from(LARGE)],
  [
    'gzip with rubbish after its end',
    'gzip',
    Buffer.concat([gzipSync(LARGE), Buffer.alloc(200_000, 7)]),
  ],
])(
  'a large reply of %s reaches the client as it is, and the relay ends',
  async (_what, coding, bytes) => {
    const { front, outcome } = await world((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding });
      for (let at = 0; at < bytes.length; at += 30_011)
        response.write(bytes.subarray(at, at + 30_011));
      response.end();
    });
    expect((await front.fetch()).body.equals(bytes)).toBe(true);
    expect(await outcome).toMatchObject({ kind: 'replied', small: null });
  },
);

test('a reply whose hook throws, or whose header Node would not send, ends all the same', async () => {
  const thrown = await world((_request, response) => response.end(SMALL), {
    beforeSmall: () => Promise.reject(new Error('a bug')),
  });
  await thrown.front.fetch();
  expect(await thrown.outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: true });
  const odd = await world((request) => {
    request.socket.end(
      `HTTP/1.1 200 OK\r\nx-odd: 漢\r\nx-own: a\r\ncontent-length: ${SMALL.length}\r\n\r\n${SMALL}`,
    );
  });
  const reply = await odd.front.fetch();
  expect(reply.body.toString()).toBe(SMALL);
  expect(reply.headers).toMatchObject({ 'x-own': 'a' });
  expect(await odd.outcome).toMatchObject({ kind: 'replied' });
});

test('a slow client slows upstream, and memory stays bounded', async () => {
  const total = 64 * 1024 * 1024;
  let written = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const { front, outcome } = await world((_request, response) => {
    const pump = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', pump);
          return;
        }
      }
      response.end();
    };
    pump();
  });
  const reply = await front.open();
  // Until upstream stands still: two looks in a row with nothing written between.
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // What stands between them are the buffers of four sockets, not the reply.
  expect(written).toBeLessThan(24 * 1024 * 1024);
  let read = 0;
  for await (const part of reply) read += (part as Buffer).length;
  expect(read).toBe(total);
  expect(await outcome).toMatchObject({ kind: 'replied' });
});

test('a client that takes nothing for too long is cut off, and its statement ends', async () => {
  const bytes = Buffer.alloc(32 * 1024 * 1024, 'x');
  const { front, outcome } = await world((_request, response) => response.end(bytes), {
    clientStallMs: 50,
  });
  const reply = await front.open();
  reply.once('error', () => undefined);
  expect(await outcome).toMatchObject({ kind: 'replied', small: null });
});

test('upstream is read to its end after the client has gone', async () => {
  const finish = deferred<void>();
  const { front, outcome, response } = await world((_request, upstream) => {
    upstream.write(LARGE.slice(0, 300_000));
    void finish.promise.then(() => upstream.end(LARGE.slice(300_000)));
  });
  const reply = await front.open();
  reply.once('error', () => undefined);
  reply.destroy();
  await once(await response, 'close');
  finish.resolve(undefined);
  expect(await outcome).toMatchObject({ kind: 'replied', reply: { data: { queryId: 'q2' } } });
});

test('a small reply after the client has gone is read too', async () => {
  const finish = deferred<void>();
  const { front, outcome, response } = await world((_request, upstream) => {
    void finish.promise.then(() => upstream.end(SMALL));
  });
  const opening = front.open().catch(() => undefined);
  const own = await response;
  own.destroy();
  await opening;
  finish.resolve(undefined);
  expect(await outcome).toMatchObject({ kind: 'replied', reply: { data: { queryId: 'q1' } } });
});

test('a large reply that breaks off in the middle breaks off for the client too', async () => {
  const { front, outcome } = await world((request, response) => {
    response.writeHead(200, { 'content-length': LARGE.length });
    response.write(LARGE.slice(0, 300_000), () => request.socket.resetAndDestroy());
  });
  await expect(front.fetch()).rejects.toThrow(/aborted|ECONNRESET/);
  expect(await outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: true });
});

test('a small reply that breaks off leaves the client to be told', async () => {
  const { front, outcome } = await world((request, response) => {
    response.writeHead(200, { 'content-length': 500 });
    response.write('{"data"', () => request.socket.resetAndDestroy());
  });
  expect((await front.fetch()).body.toString()).toBe('nothing was relayed');
  expect(await outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: true });
});

test('a refused connection surely did not run; one that ends after the request was sent may have', async () => {
  const closed = await startStub(() => undefined);
  await closed.stop();
  const refused = await worldAt(closed.origin);
  await refused.front.fetch();
  expect(await refused.outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: false });
  const ended = await world((request) => request.socket.destroy());
  await ended.front.fetch();
  expect(await ended.outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: true });
});

test('a name that does not resolve surely did not run', async () => {
  const nowhere = await worldAt('http://no-such-host.invalid:1');
  await nowhere.front.fetch();
  expect(await nowhere.outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: false });
});

test('upstream that speaks no HTTP is unreachable, and the statement may have run', async () => {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.end('220 ready\r\n'));
    socket.once('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => new Promise((resolve) => server.close(() => resolve())));
  const { front, outcome } = await worldAt(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  await front.fetch();
  expect(await outcome).toMatchObject({ kind: 'unreachable', mayHaveRun: true });
});
