import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  firstReplyOfEach,
  seededChoice,
  startBalancer,
  statementRequestId,
  type ReplyLoss,
  type TcpBalancer,
} from './tcp-balancer.js';

interface Backend {
  readonly server: Server;
  readonly port: number;
  /** Targets and bodies that have arrived whole. */
  readonly heard: string[];
  /** Replies that nobody was there for. */
  left: number;
}

const REPLY = 'an answer of twenty-eight by';
let backends: Backend[];
let balancer: TcpBalancer;

async function startBackend(name: string): Promise<Backend> {
  const heard: string[] = [];
  const server = createServer((incoming, response) => {
    response.on('close', () => {
      if (!response.writableFinished) backend.left += 1;
    });
    void textOf(incoming).then((body) => {
      heard.push(`${incoming.url ?? ''} ${body}`);
      if (incoming.url === '/slow') response.once('close', () => response.destroy());
      else response.end(`${REPLY} ${name}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const backend: Backend = { server, port, heard, left: 0 };
  return backend;
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** One request on a connection of its own; the text of its reply, or the code of what went wrong. */
function ask(target: string, body = ''): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(`${balancer.url}${target}`, { method: 'POST', agent: false });
    outgoing.on('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message));
    outgoing.on('response', (incoming) => {
      textOf(incoming).then(resolve, (cause: NodeJS.ErrnoException) =>
        resolve(`${cause.code} in the middle`),
      );
    });
    outgoing.end(body);
  });
}

beforeEach(async () => {
  backends = [await startBackend('a'), await startBackend('b')];
  balancer = await startBalancer({
    backends: backends.map(({ port }) => port),
    connectionsMax: 8,
    rewrite: (_request, head) => head.replace('/from', '/into'),
  });
});

afterEach(async () => {
  await balancer.stop();
  for (const { server } of backends) server.close();
});

test('connections go to the backends in turn, and both directions arrive whole', async () => {
  const large = 'x'.repeat(3_000_000);
  expect(await ask('/one', large)).toBe(`${REPLY} a`);
  expect(await ask('/two')).toBe(`${REPLY} b`);
  expect(await ask('/three')).toBe(`${REPLY} a`);
  expect(balancer.taken).toEqual([2, 1]);
  expect(backends[0]?.heard).toEqual([`/one ${large}`, '/three ']);
});

test.each<[ReplyLoss, string]>([
  [{ kind: 'gone' }, 'ECONNRESET'],
  [{ kind: 'lost' }, 'ECONNRESET'],
  [{ kind: 'cut', bytes: 110 }, 'ECONNRESET in the middle'],
  [{ kind: 'late', delayMs: 20 }, `${REPLY} a`],
  [{ kind: 'none' }, `${REPLY} a`],
])('with %o the request arrives whole and its sender sees %s', async (loss, seen) => {
  balancer.lose(() => loss);
  expect(await ask('/one', 'the body')).toBe(seen);
  const whole = (): Promise<unknown> => Promise.resolve(backends[0]?.heard);
  for (let turn = 0; turn < 200 && backends[0]?.heard.length === 0; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  expect(await whole()).toEqual(['/one the body']);
});

test('a backend whose client is gone sees that, although its request was complete', async () => {
  balancer.lose(() => ({ kind: 'gone' }));
  expect(await ask('/slow', 'body')).toBe('ECONNRESET');
  for (let turn = 0; turn < 2000 && backends[0]?.left === 0; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  expect(backends[0]).toMatchObject({ heard: ['/slow body'], left: 1 });
});

test('the first reply of each request id is lost and its repeats pass', async () => {
  balancer.lose(firstReplyOfEach(statementRequestId, () => ({ kind: 'lost' })));
  const target = '/queries/v1/query-request?requestId=';
  expect(await ask(`${target}1`)).toBe('ECONNRESET');
  expect(await ask(`${target}2&retryCount=1`)).toBe('ECONNRESET');
  expect(await ask(`${target}1&retryCount=1`)).toBe(`${REPLY} a`);
  expect(await ask('/session/heartbeat?requestId=3')).toBe(`${REPLY} b`);
  expect(balancer.resets).toBe(2);
});

test('heads may be changed on their way, and a choice depends on seed and key alone', async () => {
  await ask('/from', 'x');
  expect(backends[0]?.heard).toEqual(['/into x']);
  const choices: [string, ...string[]] = ['a', 'b', 'c', 'd'];
  const drawn = Array.from({ length: 64 }, (_, key) => seededChoice(7, String(key), choices));
  expect(drawn).toEqual(
    Array.from({ length: 64 }, (_, key) => seededChoice(7, String(key), choices)),
  );
  expect(new Set(drawn).size).toBe(4);
});

test('connections above the cap are reset', async () => {
  const open = Array.from({ length: 8 }, () => connect(balancer.port, '127.0.0.1'));
  await Promise.all(open.map((socket) => once(socket, 'connect')));
  expect(await ask('/one')).toBe('ECONNRESET');
  for (const socket of open) socket.end();
  await Promise.all(open.map((socket) => once(socket, 'close')));
  expect(await ask('/two')).toContain(REPLY);
});
