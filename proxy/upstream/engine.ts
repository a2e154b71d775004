/**
 * How requests reach Snowflake: one interface over the HTTP client, so that the client can be replaced. A reply is
 * delivered by callbacks with back-pressure, never as a web stream; nothing is buffered here.
 */
import type { LookupFunction } from 'node:net';
import { Pool, type Dispatcher } from 'undici';
import { Fault } from '#base/errors.js';
import type { Occupancy } from '#base/metrics.js';
import { guardedLookup } from '#base/snowflake/addresses.js';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  /** Raw path and query string, as the client sent them. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | null;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Lets a receiver stop and resume the flow of a reply, or give it up. */
export interface UpstreamFlow {
  pause(): void;
  resume(): void;
  abort(cause: Error): void;
}

/** Receives one reply. `onEnd` or `onError` is called exactly once, last. */
export interface UpstreamReceiver {
  onHead(status: number, headers: UpstreamHeaders, flow: UpstreamFlow): void;
  onChunk(chunk: Buffer): void;
  onEnd(): void;
  /** `mayHaveRun`: bytes of the request may have reached upstream, so the statement may have been accepted. */
  onError(cause: Error, mayHaveRun: boolean): void;
}

export interface UpstreamEngine {
  send(request: UpstreamRequest, receiver: UpstreamReceiver): void;
  /** Sends and collects a small reply; Fault `upstreamUnreachable`, or `upstreamProtocol` above `bytesMax`. */
  exchange(request: UpstreamRequest, bytesMax: number): Promise<UpstreamReply>;
  /** Requests under way, of the connections that there may be; for the metric. */
  occupancy(): Occupancy;
  /** Waits for replies under way; when the signal aborts they are cut. */
  stop(signal: AbortSignal): Promise<void>;
}

export interface UpstreamReply {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Buffer;
}

export interface UpstreamEngineOptions {
  readonly origin: string;
  readonly connectionsMax: number;
  /** Longest silence before the first byte of a reply, and between two chunks; long polls answer within 45 s. */
  readonly silenceTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How the origin's name becomes addresses; unless given, names of local addresses are refused. */
  readonly lookup?: LookupFunction;
}

export function createUpstreamEngine(options: UpstreamEngineOptions): UpstreamEngine {
  const pool = new Pool(options.origin, {
    connections: options.connectionsMax,
    headersTimeout: options.silenceTimeoutMs,
    bodyTimeout: options.silenceTimeoutMs,
    connect: { timeout: options.connectTimeoutMs, lookup: options.lookup ?? guardedLookup() },
    pipelining: 1,
  });
  const send = (request: UpstreamRequest, receiver: UpstreamReceiver): void => {
    pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: request.headers as Record<string, string | string[]>,
        body: request.body,
      },
      handlerFor(receiver),
    );
  };
  return {
    send,
    exchange: (request, bytesMax) => collect(send, request, bytesMax),
    occupancy: () => ({ used: pool.stats.running, max: options.connectionsMax }),
    stop: (signal) => closePool(pool, signal),
  };
}

async function closePool(pool: Pool, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return pool.destroy();
  const cut = (): void => void pool.destroy();
  signal.addEventListener('abort', cut, { once: true });
  // `close` fails once the pool was destroyed under it, which is what an abort asks for.
  await pool.close().catch(() => undefined);
  signal.removeEventListener('abort', cut);
}

function handlerFor(receiver: UpstreamReceiver): Dispatcher.DispatchHandler {
  let isStarted = false;
  return {
    onRequestStart() {
      // A connection stands and the bytes go out now: only what fails before this has surely not run.
      isStarted = true;
    },
    onResponseStart(controller, status, headers) {
      // Informational replies (100–199) precede the real head and are not relayed.
      if (status < 200) return;
      receiver.onHead(status, headers, {
        pause: () => controller.pause(),
        resume: () => controller.resume(),
        abort: (cause) => controller.abort(cause),
      });
    },
    onResponseData(_controller, chunk) {
      receiver.onChunk(chunk);
    },
    onResponseEnd() {
      receiver.onEnd();
    },
    onResponseError(_controller, cause) {
      receiver.onError(cause, isStarted);
    },
  };
}

function collect(
  send: UpstreamEngine['send'],
  request: UpstreamRequest,
  bytesMax: number,
): Promise<UpstreamReply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let head: { status: number; headers: UpstreamHeaders; flow: UpstreamFlow } | undefined;
    send(request, {
      onHead: (status, headers, flow) => {
        head = { status, headers, flow };
      },
      onChunk: (chunk) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > bytesMax) head?.flow.abort(new Error(`the reply exceeds ${bytesMax} bytes`));
      },
      onEnd: () => {
        if (head === undefined) return;
        resolve({ status: head.status, headers: head.headers, body: Buffer.concat(chunks) });
      },
      onError: (cause) => {
        // The address and the words of the cause are for the log, not for the client.
        reject(
          bytes > bytesMax
            ? new Fault('upstreamProtocol', `its reply exceeds ${bytesMax} bytes`, { cause })
            : new Fault('upstreamUnreachable', 'Snowflake could not be reached', { cause }),
        );
      },
    });
  });
}
