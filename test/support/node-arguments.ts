/**
 * How tests start Node: without V8's optimising compiler of WebAssembly. It takes a processor for almost two seconds in
 * every process that parses some hundred statements (4,000 parses: 2.36 s with it, 0.70 s without), which a process that
 * lives for seconds never earns back.
 */
export const NODE_ARGUMENTS: string[] = ['--liftoff-only'];
