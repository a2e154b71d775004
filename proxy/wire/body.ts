/**
 * Reads request bodies and decodes content codings, both under caps. Coding is decided by the header and checked
 * against the magic bytes, because some drivers compress without saying so.
 */
import type { IncomingMessage } from 'node:http';
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  gunzipSync,
  inflateSync,
} from 'node:zlib';
import { toError } from '#base/errors.js';
import { isPadded } from './chunk-padding.js';
import { gather } from './slices.js';
import type { Slices } from './slices.js';

export type BodyRead =
  { readonly kind: 'body'; readonly bytes: Buffer } | Exclude<ChunksRead, { kind: 'chunks' }>;

export type ChunksRead =
  | { readonly kind: 'chunks'; readonly chunks: readonly Buffer[] }
  | { readonly kind: 'tooLarge'; readonly bytesMax: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'broken'; readonly why: string };

/**
 * Reads a whole body of at most `bytesMax` within `timeoutMs`. What exceeds the cap is not kept, and a length that is
 * declared above it is not waited for. `broken` also for a chunked body that is mostly padding.
 */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
  timeoutMs: number,
): Promise<BodyRead> {
  const read = await readChunks(request, bytesMax, timeoutMs);
  if (read.kind !== 'chunks') return read;
  const [first] = read.chunks;
  const isOne = first !== undefined && read.chunks.length === 1;
  return { kind: 'body', bytes: isOne ? first : Buffer.concat(read.chunks) };
}

/** The same in the pieces in which it came. */
export function readChunks(
  request: IncomingMessage,
  bytesMax: number,
  timeoutMs: number,
): Promise<ChunksRead> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax)
    return Promise.resolve({ kind: 'tooLarge', bytesMax });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => finish({ kind: 'timeout' }), timeoutMs);
    const finish = (outcome: ChunksRead): void => {
      clearTimeout(timer);
      request.removeAllListeners('data');
      resolve(outcome);
    };
    const cut = (): void => {
      request.socket.destroy();
      finish({ kind: 'broken', why: 'its chunks are mostly padding' });
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (isPadded(request, bytes, false)) return cut();
      if (bytes > bytesMax) {
        request.resume();
        finish({ kind: 'tooLarge', bytesMax });
        return;
      }
      chunks.push(chunk);
    });
    request.once('end', () => {
      if (isPadded(request, bytes, true)) return cut();
      finish({ kind: 'chunks', chunks });
    });
    request.once('error', (cause) => finish({ kind: 'broken', why: cause.message }));
    request.once('aborted', () =>
      finish({ kind: 'broken', why: 'the client closed the connection' }),
    );
  });
}

export type Decoded =
  | { readonly kind: 'decoded'; readonly bytes: Buffer; readonly wasCoded: boolean }
  | { readonly kind: 'tooLarge'; readonly bytesMax: number }
  | { readonly kind: 'malformed'; readonly why: string };

/** A compressed body up to this size is decoded at once: at a thousandfold it costs some milliseconds. */
const SYNC_BYTES_MAX = 4 * 1024;
const ASYNC_CHUNK_BYTES = 256 * 1024;
const GZIP_MAGIC_1 = 0x1f;
const GZIP_MAGIC_2 = 0x8b;

type Coding = 'none' | 'gzip' | 'deflate' | 'br' | 'unsupported';

/**
 * Decodes a body whose `Content-Encoding` is absent, identity, gzip, deflate or br; stacked and unknown codings are
 * refused, because we must read exactly what upstream will read. At most `bytesMax` come out (bomb guard).
 */
export function decodeBody(
  bytes: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Decoded {
  const coding = codingOf(bytes, contentEncoding);
  const options = { maxOutputLength: bytesMax };
  try {
    switch (coding) {
      case 'none':
        return { kind: 'decoded', bytes, wasCoded: false };
      case 'gzip':
        return inflated(gunzipSync(bytes, options));
      case 'deflate':
        return inflated(inflateSync(bytes, options));
      case 'br':
        return inflated(brotliDecompressSync(bytes, options));
      case 'unsupported':
        return unsupported(contentEncoding);
    }
  } catch (thrown) {
    return notDecoded(coding, toError(thrown), bytesMax);
  }
}

const DECODERS = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;

/** The same beside the event loop for all but small bodies, so that a bomb stalls nobody else. */
export async function decodeBodyIn(
  slices: Slices,
  bytes: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Promise<Decoded> {
  const coding = codingOf(bytes, contentEncoding);
  const isAtOnce = bytes.length <= SYNC_BYTES_MAX && coding !== 'br';
  if (isAtOnce || coding === 'none' || coding === 'unsupported')
    return decodeBody(bytes, contentEncoding, bytesMax);
  try {
    const chunks = await decodedChunks(coding, bytes, bytesMax);
    if (chunks === undefined) return { kind: 'tooLarge', bytesMax };
    return inflated(await gather(slices, chunks));
  } catch (thrown) {
    return notDecoded(coding, toError(thrown), bytesMax);
  }
}

/** Undefined when more than `bytesMax` come out. */
function decodedChunks(
  coding: keyof typeof DECODERS,
  bytes: Buffer,
  bytesMax: number,
): Promise<readonly Buffer[] | undefined> {
  const decoder = DECODERS[coding]({ chunkSize: ASYNC_CHUNK_BYTES });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    decoder.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= bytesMax) return;
      resolve(undefined);
      decoder.destroy();
    });
    decoder.once('end', () => resolve(chunks));
    decoder.once('error', reject);
    decoder.end(bytes);
  });
}

function codingOf(bytes: Buffer, contentEncoding: string | undefined): Coding {
  const coding = (contentEncoding ?? '').trim().toLowerCase();
  if (bytes.length === 0) return 'none';
  switch (coding) {
    case '':
      return bytes[0] === GZIP_MAGIC_1 && bytes[1] === GZIP_MAGIC_2 ? 'gzip' : 'none';
    case 'identity':
      return 'none';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
    case 'br':
      return coding;
    default:
      return 'unsupported';
  }
}

function inflated(bytes: Buffer): Decoded {
  return { kind: 'decoded', bytes, wasCoded: true };
}

function unsupported(contentEncoding: string | undefined): Decoded {
  return {
    kind: 'malformed',
    why: `the content coding "${(contentEncoding ?? '').trim().slice(0, 40)}" is not supported; send gzip or none`,
  };
}

function notDecoded(coding: Coding, cause: Error, bytesMax: number): Decoded {
  const isTooLarge = (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
  if (isTooLarge) return { kind: 'tooLarge', bytesMax };
  return { kind: 'malformed', why: `the body is not valid ${coding} (${cause.message})` };
}
