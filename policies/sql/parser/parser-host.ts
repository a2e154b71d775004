/**
 * Owns the parser workers. A parser compiled to WebAssembly can trap for good, and no call into it can be bounded
 * from inside, so every worker is disposable: one that misses its deadline or breaks is ended, and a warm spare takes
 * its place. Statements wait for the first worker to be warm, not for a cold parser.
 */
import type { Occupancy } from '#base/metrics.js';
import { Worker } from 'node:worker_threads';
import type { ParseRequest, ParserMessage } from './parser-messages.js';
import type { ParseOutcome } from '../tree/raw-facts.js';

export interface ParserHostOptions {
  /** Longest time one text may take in a worker, in milliseconds. Default 500. */
  readonly deadlineMs?: number;
  /** Longest time a text waits for a worker, warm-up included, in milliseconds. Default 5,000. */
  readonly waitMsMax?: number;
  /** Workers that parse at the same time. Default 1. */
  readonly workerCount?: number;
  /** Warm workers kept besides, so that a lost one is replaced at once. Default 1; each costs memory and a start. */
  readonly spareCount?: number;
  /** Texts that may wait; more are refused at once. Default 1,000. */
  readonly queueLengthMax?: number;
}

/** Counts since the start, for metrics. */
export interface ParserHostCounts {
  readonly parsed: number;
  readonly refused: number;
  readonly deadlines: number;
  readonly broken: number;
  readonly unavailable: number;
}

const TOO_COMPLEX: ParseOutcome = { kind: 'refused', isTooComplex: true };
const UNAVAILABLE: ParseOutcome = { kind: 'unavailable' };

/**
 * A default stack overflows inside the optimised parser at 20 nested calls, and each overflow leaks its stack;
 * with 64 MB the parser's own depth guard always fires first.
 */
const RESOURCE_LIMITS = { stackSizeMb: 64, maxOldGenerationSizeMb: 512 } as const;
const RESTART_DELAY_MS_MAX = 10_000;

interface Job {
  readonly id: number;
  readonly sql: string;
  readonly settle: (outcome: ParseOutcome) => void;
  timer: NodeJS.Timeout;
}

interface Member {
  readonly worker: Worker;
  isReady: boolean;
  job: Job | undefined;
}

export class ParserHost {
  readonly #deadlineMs: number;
  readonly #waitMsMax: number;
  readonly #memberCount: number;
  readonly #busyMax: number;
  readonly #queueLengthMax: number;
  readonly #members = new Set<Member>();
  readonly #queue: Job[] = [];
  readonly #counts = { parsed: 0, refused: 0, deadlines: 0, broken: 0, unavailable: 0 };
  #nextId = 1;
  #failedStarts = 0;
  #restart: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ParserHostOptions = {}) {
    this.#deadlineMs = options.deadlineMs ?? 500;
    this.#waitMsMax = options.waitMsMax ?? 5_000;
    this.#busyMax = options.workerCount ?? 1;
    this.#memberCount = this.#busyMax + (options.spareCount ?? 1);
    this.#queueLengthMax = options.queueLengthMax ?? 1_000;
  }

  /** Counts since the start. */
  /** Statements that wait for a worker. */
  get occupancy(): Occupancy {
    return { used: this.#queue.length, max: this.#queueLengthMax };
  }

  get counts(): ParserHostCounts {
    return this.#counts;
  }

  /** Starts loading the first worker in the background; the spare follows when it is warm. */
  start(): void {
    if (this.#members.size === 0 && !this.#isStopped) this.#launch();
  }

  /**
   * Facts of one statement. Never rejects: `refused` when the parser refuses or the deadline passes, `unavailable`
   * when no worker comes free in time, too many wait, a worker dies, or the host is stopped.
   */
  parse(sql: string): Promise<ParseOutcome> {
    this.start();
    if (this.#isStopped || this.#queue.length >= this.#queueLengthMax) {
      this.#counts.unavailable += 1;
      return Promise.resolve(UNAVAILABLE);
    }
    return new Promise((settle) => {
      const id = this.#nextId;
      this.#nextId += 1;
      const timer = setTimeout(() => this.#giveUp(id), this.#waitMsMax);
      this.#queue.push({ id, sql, settle, timer });
      this.#dispatch();
    });
  }

  /** Ends every worker; texts in flight or waiting come back `unavailable`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    for (const job of this.#queue.splice(0)) finish(job, UNAVAILABLE);
    const members = [...this.#members];
    this.#members.clear();
    for (const { job } of members) if (job !== undefined) finish(job, UNAVAILABLE);
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  }

  #launch(): void {
    const worker = new Worker(workerUrl(), {
      resourceLimits: RESOURCE_LIMITS,
      // Options of the process, such as an inline program, are not the worker's.
      execArgv: [],
    });
    worker.unref();
    const member: Member = { worker, isReady: false, job: undefined };
    this.#members.add(member);
    worker.on('message', (message: ParserMessage) => this.#receive(member, message));
    worker.on('error', () => this.#discard(member, UNAVAILABLE));
    worker.on('exit', () => this.#discard(member, UNAVAILABLE));
  }

  #receive(member: Member, message: ParserMessage): void {
    switch (message.kind) {
      case 'ready':
        member.isReady = true;
        this.#failedStarts = 0;
        this.#dispatch();
        if (this.#members.size < this.#memberCount && !this.#isStopped) this.#launch();
        return;
      case 'answer': {
        const job = member.job;
        if (job?.id !== message.id) return;
        member.job = undefined;
        const outcome: ParseOutcome = JSON.parse(message.outcome);
        this.#counts[outcome.kind] += 1;
        finish(job, outcome);
        this.#dispatch();
        return;
      }
      case 'broken':
        this.#counts.broken += 1;
        this.#discard(member, TOO_COMPLEX);
        return;
    }
  }

  #dispatch(): void {
    let busy = 0;
    for (const member of this.#members) if (member.job !== undefined) busy += 1;
    for (const member of this.#members) {
      if (busy >= this.#busyMax) return;
      if (!member.isReady || member.job !== undefined) continue;
      const job = this.#queue.shift();
      if (job === undefined) return;
      clearTimeout(job.timer);
      job.timer = setTimeout(() => this.#miss(member), this.#deadlineMs);
      member.job = job;
      busy += 1;
      member.worker.postMessage({ id: job.id, sql: job.sql } satisfies ParseRequest);
    }
  }

  #miss(member: Member): void {
    this.#counts.deadlines += 1;
    this.#discard(member, TOO_COMPLEX);
  }

  /** Ends a worker; its text comes back as `outcome`, and another worker is started. */
  #discard(member: Member, outcome: ParseOutcome): void {
    if (!this.#members.delete(member)) return;
    const { job } = member;
    member.job = undefined;
    if (job !== undefined) finish(job, outcome);
    void member.worker.terminate();
    if (this.#isStopped) return;
    if (member.isReady) this.#launch();
    else this.#launchLater();
    this.#dispatch();
  }

  /** A worker that ends before it is ready is started again ever more slowly. */
  #launchLater(): void {
    this.#failedStarts += 1;
    const delayMs = Math.min(100 * 2 ** this.#failedStarts, RESTART_DELAY_MS_MAX);
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      if (this.#members.size < this.#memberCount) this.#launch();
    }, delayMs);
    this.#restart.unref();
  }

  #giveUp(id: number): void {
    const at = this.#queue.findIndex((job) => job.id === id);
    const [job] = at === -1 ? [] : this.#queue.splice(at, 1);
    if (job === undefined) return;
    this.#counts.unavailable += 1;
    finish(job, UNAVAILABLE);
  }
}

function finish(job: Job, outcome: ParseOutcome): void {
  clearTimeout(job.timer);
  job.settle(outcome);
}

/** The built worker, also when this module runs as a source under the test runner. */
function workerUrl(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(
    isSource ? '../../../dist/policies/sql/parser/parser-worker.js' : './parser-worker.js',
    import.meta.url,
  );
}
