/**
 * The parent's end of the engine process: starts it, numbers requests, bounds what is in flight, notices its death,
 * starts it anew. DuckDB holds one libuv thread for each running query and its memory is its own, hence a process.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { ChildReplies, ChildRequest, Envelope, Reply, StartOptions } from './messages.js';

const IN_FLIGHT_MAX = 4096;
const RESTARTS_MAX = 20;
const STOP_DEADLINE_MS = 10_000;

/** The engine process died under this request. */
export class ChildLost extends Error {
  override readonly name = 'ChildLost';
}

interface Waiting {
  resolve(value: ChildReplies[keyof ChildReplies]): void;
  reject(error: Error): void;
}

/** A forked process needs compiled JavaScript: beside this module when it is compiled, else in the build output. */
function childEntry(): string {
  const compiled = !import.meta.url.endsWith('.ts');
  return fileURLToPath(
    compiled
      ? new URL('./child.js', import.meta.url)
      : new URL('../../../dist/warehouse/engine/process/child.js', import.meta.url),
  );
}

export class ChildLink {
  readonly #log: Log;
  readonly #options: StartOptions;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #starting: Promise<void> | undefined;
  #nextId = 1;
  #epoch = 0;
  #restarts = 0;
  #stopping = false;

  constructor(log: Log, options: StartOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** Grows by one with every process started; what lived in an earlier one is gone. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Process id of the running engine process, for supervision and tests. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when a process is up with its database open. Rejects with a Fault when it cannot be started. */
  ready(): Promise<void> {
    this.#starting ??= this.#start().catch((cause: unknown) => {
      this.#starting = undefined;
      throw cause;
    });
    return this.#starting;
  }

  /**
   * Sends one request to a running process and returns its id and its reply. The reply rejects with ChildLost when
   * the process dies first and with a Fault when too many requests are in flight.
   */
  send<Op extends ChildRequest['op']>(
    request: Extract<ChildRequest, { readonly op: Op }>,
  ): { readonly id: number; readonly reply: Promise<ChildReplies[Op]> } {
    const id = this.#nextId++;
    const child = this.#child;
    if (child === undefined || !child.connected)
      return { id, reply: Promise.reject(new ChildLost('the engine process is not running')) };
    if (this.#waiting.size >= IN_FLIGHT_MAX)
      return {
        id,
        reply: Promise.reject(
          new Fault('queueFull', 'the embedded warehouse has too many requests in flight'),
        ),
      };
    const envelope: Envelope = { id, request };
    const reply = new Promise<ChildReplies[keyof ChildReplies]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send(envelope, (error) => {
        if (error !== null && this.#waiting.delete(id)) reject(new ChildLost(error.message));
      });
    });
    return { id, reply: reply as Promise<ChildReplies[Op]> };
  }

  /** Waits for a process, then sends. */
  async request<Op extends ChildRequest['op']>(
    request: Extract<ChildRequest, { readonly op: Op }>,
  ): Promise<ChildReplies[Op]> {
    await this.ready();
    return await this.send<Op>(request).reply;
  }

  /** Closes the database and ends the process; kills it when that takes more than ten seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await this.send({ op: 'stop' }).reply.catch(() => null);
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(deadline);
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new Fault('shuttingDown', 'the embedded warehouse is stopping');
    if (this.#restarts > RESTARTS_MAX)
      throw new Fault('internal', `the engine process ended ${RESTARTS_MAX} times; giving up`);
    this.#restarts += 1;
    const child = fork(childEntry(), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#epoch += 1;
    child.on('message', (message) => this.#settle(message as Reply));
    child.on('error', (error) => this.#lost(child, error.message));
    child.on('exit', (code, signal) => this.#lost(child, `exit ${code ?? signal}`));
    try {
      await this.send({ op: 'start', options: this.#options }).reply;
    } catch (cause) {
      // Let go of before it ends: the end of a process that never came up must not start another in the background,
      // which would then hold the database of whoever tries next.
      if (this.#child === child) this.#child = undefined;
      await ended(child);
      const why = /lock/i.test(toError(cause).message)
        ? 'another process has its database open'
        : 'its database cannot be opened';
      throw new Fault('internal', `the embedded warehouse could not start: ${why}`, { cause });
    }
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting.resolve(reply.value);
    else waiting.reject(new Fault('internal', reply.error));
  }

  #lost(child: ChildProcess, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#starting = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.reject(new ChildLost(`the engine process ended (${why})`));
    if (this.#stopping) return;
    this.#log.error({ why }, 'the engine process ended; starting another');
    this.ready().catch((cause: unknown) =>
      this.#log.error({ cause: toError(cause).message }, 'engine restart failed'),
    );
  }
}

/** Kills a process and waits until it is gone, with its lock on the database. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
