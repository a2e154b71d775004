import type { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { guardedLookup } from '../../../base/snowflake/addresses.js';
import { createUpstreamEngine, type UpstreamEngine } from '../../../proxy/upstream/engine.js';
import { startStub, type Stub } from '../upstream-stub.js';

let stub: Stub | undefined;
let engine: UpstreamEngine | undefined;

afterEach(async () => {
  await engine?.stop(AbortSignal.abort());
  await stub?.stop();
});

/** Answers every name with the loopback address, as a resolver that was turned against us would. */
const toLoopback = ((_host, options, done) => {
  const all = (options as { readonly all?: boolean }).all === true;
  const each = { address: '127.0.0.1', family: 4 };
  if (all) (done as (error: null, found: object[]) => void)(null, [each]);
  else (done as (error: null, address: string, family: number) => void)(null, '127.0.0.1', 4);
}) as LookupFunction & typeof systemLookup;

async function ask(lookup: LookupFunction): Promise<{ status: number; asked: number }> {
  let asked = 0;
  stub = await startStub((_request, response) => {
    asked += 1;
    response.end('{}');
  });
  engine = createUpstreamEngine({
    origin: `http://account.snowflakecomputing.invalid:${stub.port}`,
    connectionsMax: 1,
    silenceTimeoutMs: 5_000,
    connectTimeoutMs: 1_000,
    lookup,
  });
  const request = { method: 'POST', path: '/', headers: {}, body: Buffer.from('secret') } as const;
  const status = await engine.exchange(request, 1024).then(
    (reply) => reply.status,
    (fault: Error) => {
      expect(String((fault.cause as Error).message)).toContain('resolves to 127.0.0.1');
      return 0;
    },
  );
  return { status, asked };
}

test('a name that turns out to be this machine gets no connection and no byte', async () => {
  expect(await ask(guardedLookup(toLoopback))).toEqual({ status: 0, asked: 0 });
});

test('where local upstreams are allowed, the same name is used', async () => {
  expect(await ask(toLoopback)).toEqual({ status: 200, asked: 1 });
});
