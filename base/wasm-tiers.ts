import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from compiling WebAssembly a second time. The SQL parser is 22 MB of it: optimising the functions that a few
 * thousand statements touch took 4 to 8 s of processor time in each process, beside the statements that waited, and
 * gained nothing, since most of a call is the tree's way into JavaScript (0.19 ms a statement without, 0.18 with).
 * Call it before the parser is loaded. A module that is there already, as the HTTP client's, goes on as it began.
 */
export function compileWasmOnce(): void {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}
