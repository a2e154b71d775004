/** Bytes in and out of one HTTP exchange: bodies with caps, gzip both ways, JSON replies. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Fault } from '#base/errors.js';
import type { Answer } from './answer.js';

const RAW_MAX_BYTES = 64 * 1024 * 1024;
const INFLATED_MAX_BYTES = 100 * 1024 * 1024;
const GZIP_FROM_BYTES = 1024;

const gunzipBytes = promisify(gunzip);
const gzipBytes = promisify(gzip);

/** The body, inflated when its header or its first bytes say gzip. A `requestTooLarge` or `requestMalformed` Fault otherwise. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > RAW_MAX_BYTES)
      throw new Fault('requestTooLarge', 'the request body is larger than 64 MiB');
    chunks.push(bytes);
  }
  const body = Buffer.concat(chunks, size);
  const isGzip = body.length > 2 && body[0] === 0x1f && body[1] === 0x8b;
  if (!isGzip) return body;
  try {
    return await gunzipBytes(body, { maxOutputLength: INFLATED_MAX_BYTES });
  } catch (cause) {
    const tooLarge =
      cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge
      ? new Fault('requestTooLarge', 'the inflated request body is larger than 100 MiB', { cause })
      : new Fault('requestMalformed', 'the request body is not valid gzip', { cause });
  }
}

/** The body as a JSON object; an empty body is an empty object. */
export async function readJson(
  request: IncomingMessage,
): Promise<Readonly<Record<string, unknown>>> {
  const body = await readBody(request);
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new Fault('requestMalformed', 'the request body is not JSON', { cause });
  }
  return asRecord(value);
}

/** A JSON object, or an empty one for anything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** A reply ready to be written. */
export interface Encoded {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly bytes: Buffer;
}

/** Bytes and headers of an answer; JSON is gzipped above 1 KB for those who accept it. */
export async function encode(answer: Answer, acceptEncoding: string | undefined): Promise<Encoded> {
  if ('bytes' in answer) return answer;
  const plain = Buffer.from(JSON.stringify(answer.body), 'utf8');
  const headers = { 'content-type': 'application/json', ...answer.headers };
  if (plain.length <= GZIP_FROM_BYTES || !/\bgzip\b/.test(acceptEncoding ?? ''))
    return { status: answer.status, headers, bytes: plain };
  return {
    status: answer.status,
    headers: { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' },
    bytes: await gzipBytes(plain, { level: 1 }),
  };
}
