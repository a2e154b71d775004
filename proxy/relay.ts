/**
 * Step 9: the reply of upstream goes to the client with its bytes untouched, under back-pressure, while a decoded
 * copy feeds the reply scanner. A small reply is looked at before its first byte is relayed, so that session state
 * can be written first and a stopped statement can be told in our words; a large one streams from the start.
 */
import type { ServerResponse } from 'node:http';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { finished } from 'node:stream';
import type { Transform } from 'node:stream';
import { must } from '#base/assert.js';
import { toError } from '#base/errors.js';
import { decodeBody } from './wire/body.js';
import { ReplyScanner } from './wire/reply-scanner.js';
import type { ScannedReply } from './wire/reply-scanner.js';
import type { Rewriting } from './switching/shown-warehouse.js';
import { headersForClient } from './upstream/headers.js';
import type {
  UpstreamEngine,
  UpstreamFlow,
  UpstreamHeaders,
  UpstreamRequest,
} from './upstream/engine.js';

/** A reply up to this size is held until it has been read; larger ones stream. */
const SMALL_REPLY_BYTES = 64 * 1024;
/** A small reply that inflates to more is decoded beside the event loop: a repetitive rowset grows a thousandfold. */
const SYNC_INFLATED_BYTES = 1024 * 1024;
/** A client that takes nothing of a streamed reply for this long is cut off: its statement keeps a permit. */
const CLIENT_STALL_MS = 300_000;

export type RelayOutcome =
  | {
      readonly kind: 'replied';
      readonly status: number;
      readonly reply: ScannedReply;
      readonly small: SmallReply | null;
    }
  | { readonly kind: 'unreachable'; readonly cause: Error; readonly mayHaveRun: boolean };

/** The bytes of a small reply, so that a repeat of the same request can be given them again. */
export interface SmallReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** Where a reply goes. */
export interface Destination {
  /** Asked when the first byte is about to go out; null: nobody waits, so the reply is only read. */
  open(): ServerResponse | null;
}

/** A client that waits for nothing but this reply. */
export function toClient(response: ServerResponse): Destination {
  return { open: () => response };
}

export interface RelayOptions {
  /**
   * Called with a small reply before it is relayed; what it returns is sent in place of upstream's. It must not
   * throw for reasons of ours: the client has a right to its reply. `isGarbled`: HTTP says that all is well, and yet
   * it is no whole JSON object.
   */
  readonly beforeSmall?: (
    reply: ScannedReply,
    isGarbled: boolean,
  ) => Promise<SmallReply | undefined>;
  /** Changes the reply on its way; upstream has been asked for one without a coding, and one that has one stays as it is. */
  readonly rewrite?: Rewriting;
  /** How long a client may take nothing before its reply is cut, in milliseconds; 5 minutes. */
  readonly clientStallMs?: number;
}

/**
 * Sends `request` upstream and its reply to `destination`. Settles when upstream's reply has been read to its end, also
 * when the client has gone. Nothing is written to the client when upstream cannot be reached.
 */
export function relay(
  engine: UpstreamEngine,
  request: UpstreamRequest,
  destination: Destination,
  options: RelayOptions = {},
): Promise<RelayOutcome> {
  return new Promise((resolve) => {
    let current: Relaying | undefined;
    engine.send(request, {
      onHead: (status, headers, flow) => {
        current = new Relaying(status, headers, flow, destination, options);
      },
      onChunk: (chunk) => current?.take(chunk),
      onEnd: () => {
        const relaying = must(current, 'a reply has a head before its end');
        relaying.finish().then(resolve, (thrown: unknown) => {
          // Nobody may wait for ever: what could not be passed on counts as a reply that broke off.
          relaying.breakOff();
          resolve({ kind: 'unreachable', cause: toError(thrown), mayHaveRun: true });
        });
      },
      onError: (cause, mayHaveRun) => {
        current?.breakOff();
        resolve({ kind: 'unreachable', cause, mayHaveRun });
      },
    });
  });
}

class Relaying {
  readonly #status: number;
  readonly #headers: UpstreamHeaders;
  readonly #flow: UpstreamFlow;
  readonly #destination: Destination;
  #response: ServerResponse | null = null;
  readonly #options: RelayOptions;
  readonly #rewrite: Rewriting | undefined;
  readonly #scanner = new ReplyScanner();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isStreaming = false;
  #decoder: Transform | undefined;
  #isDecoderBroken = false;
  /** False: the reply has a coding we cannot read. That hides it from us, not from the client. */
  #isScannable = true;
  #waitingFor = 0;

  constructor(
    status: number,
    headers: UpstreamHeaders,
    flow: UpstreamFlow,
    destination: Destination,
    options: RelayOptions,
  ) {
    this.#status = status;
    this.#headers = headers;
    this.#flow = flow;
    this.#destination = destination;
    this.#options = options;
    this.#rewrite = codingOf(headers) === 'identity' ? options.rewrite : undefined;
  }

  take(chunk: Buffer): void {
    if (this.#isStreaming) {
      this.#stream(chunk);
      return;
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > SMALL_REPLY_BYTES) this.#startStreaming();
  }

  async finish(): Promise<RelayOutcome> {
    if (!this.#isStreaming) return this.#finishSmall();
    if (this.#response?.destroyed === false)
      this.#response.end(this.#rewrite?.(Buffer.alloc(0), true));
    if (this.#decoder !== undefined && !this.#isDecoderBroken) {
      this.#decoder.end();
      await endOf(this.#decoder);
    }
    return { kind: 'replied', status: this.#status, reply: this.#scanner.result(), small: null };
  }

  /** Upstream broke off in the middle: the client must see a broken reply, not a short one. */
  breakOff(): void {
    if (this.#response?.headersSent === true) this.#response.destroy();
  }

  async #finishSmall(): Promise<RelayOutcome> {
    const body =
      this.#held.length === 1 ? (this.#held[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#held);
    const coding = codingOf(this.#headers);
    await scanWhole(this.#scanner, body, coding);
    const reply = this.#scanner.result();
    const isGarbled = this.#status === 200 && coding !== 'unknown' && !reply.isComplete;
    const replacement = await this.#options.beforeSmall?.(reply, isGarbled);
    const sent = replacement?.body ?? this.#rewrite?.(body, true) ?? body;
    const small: SmallReply = {
      status: replacement?.status ?? this.#status,
      headers: Object.assign(
        headersForClient(this.#headers, replacement !== undefined),
        replacement?.headers,
        { 'content-length': String(sent.length) },
      ),
      body: sent,
    };
    const response = this.#destination.open();
    if (response !== null) sendSmall(response, small);
    return { kind: 'replied', status: this.#status, reply, small };
  }

  #startStreaming(): void {
    this.#isStreaming = true;
    const coding = codingOf(this.#headers);
    this.#decoder = decoderFor(coding, this.#scanner);
    this.#isScannable = this.#decoder !== undefined || coding === 'identity';
    this.#decoder?.on('error', () => {
      this.#isDecoderBroken = true;
    });
    this.#response = this.#destination.open();
    if (this.#response?.destroyed === false) {
      const isEdited = this.#rewrite !== undefined;
      this.#response.writeHead(this.#status, headersForClient(this.#headers, isEdited));
    }
    const held = this.#held;
    this.#held = [];
    for (const chunk of held) this.#stream(chunk);
  }

  #stream(chunk: Buffer): void {
    const response = this.#response;
    if (response?.destroyed === false && !response.write(this.#rewrite?.(chunk, false) ?? chunk))
      this.#pauseUntil(response);
    if (this.#decoder === undefined) {
      if (this.#isScannable) this.#scanner.push(chunk);
    } else if (!this.#isDecoderBroken && !this.#decoder.write(chunk))
      this.#pauseUntil(this.#decoder);
  }

  /** Stops upstream until `sink` has drained (or the client has gone: then nobody waits for it). */
  #pauseUntil(sink: ServerResponse | Transform): void {
    this.#waitingFor += 1;
    this.#flow.pause();
    const stalled = setTimeout(
      () => sink.destroy(),
      this.#options.clientStallMs ?? CLIENT_STALL_MS,
    );
    const go = (): void => {
      clearTimeout(stalled);
      sink.off('drain', go);
      sink.off('close', go);
      sink.off('error', go);
      this.#waitingFor -= 1;
      if (this.#waitingFor === 0) this.#flow.resume();
    };
    sink.once('drain', go);
    sink.once('close', go);
    sink.once('error', go);
  }
}

/** Sends a small reply, unless the client is gone. */
export function sendSmall(response: ServerResponse, reply: SmallReply): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(reply.status, reply.headers);
  response.end(reply.body);
}

type Coding = 'identity' | 'gzip' | 'deflate' | 'br' | 'unknown';

function codingOf(headers: UpstreamHeaders): Coding {
  const value = headers['content-encoding'];
  const text = (typeof value === 'string' ? value : (value?.join(',') ?? '')).trim().toLowerCase();
  switch (text) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
    case 'br':
      return text;
    default:
      return 'unknown';
  }
}

/** A decoder that feeds the scanner; undefined when nothing is to be decoded, or nothing can be. */
function decoderFor(coding: Coding, scanner: ReplyScanner): Transform | undefined {
  const decoder = createDecoder(coding);
  decoder?.on('data', (part: Buffer) => scanner.push(part));
  return decoder;
}

function createDecoder(coding: Coding): Transform | undefined {
  switch (coding) {
    case 'gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    case 'identity':
    case 'unknown':
      return undefined;
  }
}

/** Feeds a whole small reply to the scanner; one that cannot be decoded feeds nothing. */
async function scanWhole(scanner: ReplyScanner, body: Buffer, coding: Coding): Promise<void> {
  if (coding === 'unknown') return;
  const decoded = decodeBody(body, coding, SYNC_INFLATED_BYTES);
  if (decoded.kind === 'decoded') scanner.push(decoded.bytes);
  if (decoded.kind !== 'tooLarge') return;
  const decoder = must(decoderFor(coding, scanner), 'what inflates has a coding');
  decoder.end(body);
  await endOf(decoder);
}

/** Settles when the decoder has given its last byte or failed, also when that was before. */
function endOf(decoder: Transform): Promise<void> {
  return new Promise((resolve) => {
    finished(decoder, () => resolve());
  });
}
