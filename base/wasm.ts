import { setFlagsFromString } from 'node:v8';

/**
 * How the SQL parser's 22 MB of WebAssembly are compiled: call it in a worker thread before the parser is loaded. Only
 * modules that are loaded afterwards, in this thread, keep to it.
 *
 * Once: V8 compiles no function a second time. Optimising the functions that a few thousand statements touch took 4 to
 * 8 s of processor time in each process, beside the statements that waited, and gained nothing, since most of a call is
 * the tree's way into JavaScript (0.19 ms a statement without, 0.18 with).
 *
 * Not from a stream: V8 of Node 20 checks the functions of a streamed module in background threads, which go on reading
 * after the worker that began it was ended, so that the whole process dies of a segmentation fault (an ended worker in
 * thirty on a busy machine). The parser's package takes the bytes whole where there are no streams.
 */
export function prepareWasm(): void {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  // Not among the types of Node.
  const { WebAssembly: compiler } = globalThis as unknown as { readonly WebAssembly: object };
  for (const name of ['instantiateStreaming', 'compileStreaming'])
    Reflect.deleteProperty(compiler, name);
}
