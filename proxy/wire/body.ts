/**
 * Reads request bodies and decodes content codings, both under caps. Coding is decided by the header and checked
 * against the magic bytes, because some drivers compress without saying so.
 */
import type { IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { toError } from '#base/errors.js';

export type BodyRead =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'tooLarge'; readonly bytesMax: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'broken'; readonly why: string };

/** Reads a whole body of at most `bytesMax` within `timeoutMs`. What exceeds the cap is not kept. */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  timeoutMs: number,
): Promise<BodyRead> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => finish({ kind: 'timeout' }), timeoutMs);
    const finish = (outcome: BodyRead): void => {
      clearTimeout(timer);
      request.removeAllListeners('data');
      resolve(outcome);
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.resume();
        finish({ kind: 'tooLarge', bytesMax });
        return;
      }
      chunks.push(chunk);
    });
    request.once('end', () => {
      finish({
        kind: 'body',
        bytes: chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks),
      });
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

const GZIP_MAGIC_1 = 0x1f;
const GZIP_MAGIC_2 = 0x8b;

/**
 * Decodes a body whose `Content-Encoding` is absent, identity, gzip, deflate or br; stacked and unknown codings are
 * refused, because we must read exactly what upstream will read. At most `bytesMax` come out (bomb guard).
 */
export function decodeBody(
  bytes: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Decoded {
  const coding = (contentEncoding ?? '').trim().toLowerCase();
  const isGzip = bytes[0] === GZIP_MAGIC_1 && bytes[1] === GZIP_MAGIC_2;
  if (bytes.length === 0) return { kind: 'decoded', bytes, wasCoded: false };
  try {
    if (coding === 'gzip' || coding === 'x-gzip' || (coding === '' && isGzip)) {
      return inflated(gunzipSync(bytes, { maxOutputLength: bytesMax }));
    }
    if (coding === 'deflate') return inflated(inflateSync(bytes, { maxOutputLength: bytesMax }));
    if (coding === 'br')
      return inflated(brotliDecompressSync(bytes, { maxOutputLength: bytesMax }));
  } catch (thrown) {
    const cause = toError(thrown);
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      return { kind: 'tooLarge', bytesMax };
    return {
      kind: 'malformed',
      why: `the body is not valid ${coding === '' ? 'gzip' : coding} (${cause.message})`,
    };
  }
  if (coding !== '' && coding !== 'identity') {
    return {
      kind: 'malformed',
      why: `the content coding "${coding.slice(0, 40)}" is not supported; send gzip or none`,
    };
  }
  return { kind: 'decoded', bytes, wasCoded: false };
}

function inflated(bytes: Buffer): Decoded {
  return { kind: 'decoded', bytes, wasCoded: true };
}
