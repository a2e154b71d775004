/**
 * Open-loop load: requests are sent when they are due, whether or not earlier ones have been answered, and latency
 * counts from the instant a request was due, so that a stall of the proxy cannot hide itself. Child process; each
 * `LoadRequest` is answered with a `LoadResult`.
 */
import { Agent, request as httpRequest } from 'node:http';
import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { seededRandom } from '../statistics.js';

export interface LoadRequest {
  readonly port: number;
  /** Requests a second, arriving as a Poisson process. */
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  readonly sqlText: string;
  readonly authorization: string;
  /** Requests of the first part of the round that are sent but not counted. */
  readonly warmUpSeconds: number;
}

export interface LoadResult {
  /** Milliseconds from due to the last byte, in order of completion. */
  readonly latenciesMs: readonly number[];
  /** Requests that were not answered with HTTP 200 and `success: true`; never among the latencies. */
  readonly failures: number;
  /** Text of the first failure. */
  readonly firstFailure: string | null;
  /** Milliseconds from due to sent: what the generator itself adds. */
  readonly lagsMs: readonly number[];
  /** CPU time of this process, by the time of the round. */
  readonly cpuShare: number;
  readonly sent: number;
}

const CONNECTIONS_MAX = 64;
const ROUND_GRACE_MS = 15_000;
const agents = new Map<number, Agent>();

function agentFor(port: number): Agent {
  const existing = agents.get(port);
  if (existing !== undefined) return existing;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX, scheduling: 'lifo' });
  agents.set(port, agent);
  return agent;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One statement; resolves with the failure's text, or null when it succeeded. */
function send(load: LoadRequest, body: Buffer): Promise<string | null> {
  return new Promise((resolve) => {
    const request = httpRequest(
      {
        agent: agentFor(load.port),
        host: '127.0.0.1',
        port: load.port,
        method: 'POST',
        path: `/queries/v1/query-request?requestId=${randomUUID()}&request_guid=${randomUUID()}`,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          accept: 'application/snowflake',
          authorization: load.authorization,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1');
          resolve(
            response.statusCode === 200 && text.includes('"success":true')
              ? null
              : `${response.statusCode} ${text.slice(0, 300)}`,
          );
        });
        response.on('error', (cause) => resolve(cause.message));
      },
    );
    request.on('error', (cause) => resolve(cause.message));
    request.end(body);
  });
}

/** Poisson arrivals from `startAt` on, in milliseconds. */
function arrivalsOf(load: LoadRequest, startAt: number): Float64Array {
  const random = seededRandom(load.seed);
  const arrivals: number[] = [];
  let at = startAt;
  for (;;) {
    at += (-Math.log(1 - random()) / load.rate) * 1000;
    if (at > startAt + load.seconds * 1000) return Float64Array.from(arrivals);
    arrivals.push(at);
  }
}

async function run(load: LoadRequest): Promise<LoadResult> {
  const body = Buffer.from(
    JSON.stringify({
      sqlText: load.sqlText,
      asyncExec: false,
      sequenceId: 1,
      describeOnly: false,
      isInternal: false,
      querySubmissionTime: 0,
      parameters: {},
    }),
  );
  const startAt = now() + 100;
  const arrivals = arrivalsOf(load, startAt);
  const latenciesMs: number[] = [];
  const lagsMs: number[] = [];
  let failures = 0;
  let firstFailure: string | null = null;
  const cpuBefore = process.cpuUsage();
  await new Promise<void>((resolve) => {
    let answered = 0;
    const pacer = new Worker(new URL('./pacer.js', import.meta.url), { workerData: { arrivals } });
    const finish = (): void => {
      clearTimeout(deadline);
      void pacer.terminate().then(() => resolve());
    };
    const deadline = setTimeout(finish, load.seconds * 1000 + ROUND_GRACE_MS);
    if (arrivals.length === 0) finish();
    pacer.on('message', (due: number) => {
      const isCounted = due - startAt >= load.warmUpSeconds * 1000;
      if (isCounted) lagsMs.push(now() - due);
      void send(load, body).then((failure) => {
        if (failure !== null) {
          failures += 1;
          firstFailure ??= failure;
        } else if (isCounted) latenciesMs.push(now() - due);
        answered += 1;
        if (answered === arrivals.length) finish();
      });
    });
  });
  const used = process.cpuUsage(cpuBefore);
  return {
    latenciesMs,
    failures,
    firstFailure,
    lagsMs,
    cpuShare: (used.user + used.system) / 1000 / (now() - startAt),
    sent: arrivals.length,
  };
}

process.on('message', (message: LoadRequest) => {
  void run(message).then((result) => process.send?.(result));
});
