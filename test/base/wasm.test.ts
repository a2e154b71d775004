import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

/** What a thread of its own says: it keeps what is done to WebAssembly from other tests. */
function inWorker(program: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true, stdout: true, stderr: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('it said nothing')));
  });
}

const built = new URL('../../dist/base/wasm.js', import.meta.url).href;
const bytes = createRequire(import.meta.url).resolve('@polyglot-sql/sdk/polyglot_sql.wasm');

// With a stream, V8 reads on after the worker was ended, and the process dies.
test('the parser is compiled from its bytes, whole, and works', async () => {
  const loading = (prepare: string): string => `
    const { parentPort } = require('node:worker_threads');
    const asked = [];
    const whole = WebAssembly.instantiate;
    WebAssembly.instantiate = (bytes, imports) => {
      // The client of HTTP instantiates a module of its own.
      if (bytes instanceof ArrayBuffer) asked.push(bytes.byteLength);
      return whole(bytes, imports);
    };
    const streamed = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = (response, imports) => (asked.push('stream'), streamed(response, imports));
    (async () => {
      ${prepare}
      const { parse, Dialect } = await import('@polyglot-sql/sdk');
      parentPort.postMessage({ asked, isParsed: parse('SELECT 1', Dialect.Snowflake).success });
    })();`;
  const { size } = statSync(bytes);
  expect(
    await inWorker(loading(`(await import(${JSON.stringify(built)})).prepareWasm();`)),
  ).toEqual({ asked: [size], isParsed: true });
  // It looked where the package would have streamed.
  expect(await inWorker(loading(''))).toEqual({ asked: ['stream'], isParsed: true });
});
