/** The transpiler as a function: one worker thread with a deep stack and a deadline, replaced when it breaks. */
import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import type { TranspileReply, TranspileRequest } from './transpile-worker.js';

const DEADLINE_MS = 5000;
// Until its first reply the worker is still loading, which a busy machine makes long.
const LOADING_DEADLINE_MS = 30_000;
const QUEUE_MAX = 4096;
const CACHE_BYTES = 16 * 1024 * 1024;

export type Transpiled =
  | { readonly kind: 'text'; readonly sql: string }
  /** Not read by the transpiler; `at` is an offset in the text given, -1 when unknown. */
  | { readonly kind: 'refused'; readonly at: number }
  /** Too deep, too slow or too many at once. */
  | { readonly kind: 'broken' };

interface Waiting {
  resolve(result: Transpiled): void;
  readonly deadline: NodeJS.Timeout;
}

/** A worker thread that answers each `TranspileRequest` with a `TranspileReply`. */
export type TranspileWorker = Pick<Worker, 'on' | 'postMessage' | 'terminate' | 'unref'>;

export class Transpiler {
  readonly #start: () => TranspileWorker;
  readonly #cache = new LRUCache<string, Transpiled>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (value, key) =>
      key.length * 2 + (value.kind === 'text' ? value.sql.length * 2 : 0) + 64,
  });
  readonly #waiting = new Map<number, Waiting>();
  #worker: TranspileWorker | undefined;
  #isLoaded = false;
  #nextId = 1;

  constructor(start: () => TranspileWorker = startWorker) {
    this.#start = start;
  }

  /** Starts the worker ahead of the first statement: loading takes up to a second. */
  warm(): void {
    this.#worker ??= this.#spawn();
  }

  /** DuckDB's text of one Snowflake statement. Always settles. */
  async transpile(sql: string): Promise<Transpiled> {
    const known = this.#cache.get(sql);
    if (known !== undefined) return known;
    if (this.#waiting.size >= QUEUE_MAX) return { kind: 'broken' };
    const worker = (this.#worker ??= this.#spawn());
    const id = this.#nextId++;
    const result = await new Promise<Transpiled>((resolve) => {
      const deadline = setTimeout(
        () => this.#discard(worker),
        this.#isLoaded ? DEADLINE_MS : LOADING_DEADLINE_MS,
      );
      this.#waiting.set(id, { resolve, deadline });
      const request: TranspileRequest = { id, sql };
      worker.postMessage(request);
    });
    if (result.kind !== 'broken') this.#cache.set(sql, result);
    return result;
  }

  /** Ends the worker. */
  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #spawn(): TranspileWorker {
    const worker = this.#start();
    worker.unref();
    worker.on('message', (reply: TranspileReply) => this.#settle(worker, reply));
    worker.on('error', () => this.#discard(worker));
    worker.on('exit', () => this.#discard(worker));
    return worker;
  }

  #settle(worker: TranspileWorker, reply: TranspileReply): void {
    if (this.#worker === worker) this.#isLoaded = true;
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.deadline);
    if (reply.kind === 'text') waiting.resolve({ kind: 'text', sql: reply.sql });
    else if (reply.kind === 'refused') waiting.resolve({ kind: 'refused', at: reply.at });
    else {
      waiting.resolve({ kind: 'broken' });
      // A trap leaks stack inside the instance for good.
      this.#discard(worker);
    }
  }

  #discard(worker: TranspileWorker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#isLoaded = false;
    for (const [id, waiting] of this.#waiting) {
      this.#waiting.delete(id);
      clearTimeout(waiting.deadline);
      waiting.resolve({ kind: 'broken' });
    }
    void worker.terminate();
  }
}

function startWorker(): TranspileWorker {
  return new Worker(new URL('./transpile-worker.js', import.meta.url), {
    resourceLimits: { stackSizeMb: 64, maxOldGenerationSizeMb: 512 },
  });
}
