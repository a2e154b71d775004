/**
 * How much of a chunked body is not body. Node allows 16 KB of extensions on every chunk, so that one byte of a body may
 * cost sixteen thousand; nothing that talks to us sends any. What arrived on the socket is compared with what came out.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Chunk sizes, line ends and an honest extension; per byte of body, because chunks may be as small as one byte. */
const PADDING_BYTES_MAX = 1024;
const PADDING_PER_BYTE_MAX = 16;
/** What one read of a socket may hold that has not been counted as body yet. */
const READ_BYTES_MAX = 64 * 1024;

const endOfPrevious = new WeakMap<Socket, number>();
const beginning = new WeakMap<IncomingMessage, number>();

/** To be called when the head of a request has been read. */
export function noteHead(request: IncomingMessage): void {
  if (request.headers['transfer-encoding'] === undefined) return;
  const { socket } = request;
  beginning.set(request, (endOfPrevious.get(socket) ?? 0) + headBytes(request));
}

/** To be called when a request has been read to its end. */
export function noteEnd(request: IncomingMessage): void {
  endOfPrevious.set(request.socket, request.socket.bytesRead);
}

/**
 * Whether a chunked body carries more padding than any honest client sends. A request that is pipelined behind one
 * counts as its padding: who sends chunks must wait for the answer.
 *
 * @param isWhole the body has ended; before that, what was read and not yet parsed is allowed for.
 */
export function isPadded(request: IncomingMessage, bodyBytes: number, isWhole: boolean): boolean {
  const from = beginning.get(request);
  if (from === undefined) return false;
  const padding = request.socket.bytesRead - from - bodyBytes;
  const allowed = PADDING_BYTES_MAX + (isWhole ? 0 : READ_BYTES_MAX);
  return padding > allowed + PADDING_PER_BYTE_MAX * bodyBytes;
}

/** Of the head as it is usually written; white space beyond that counts as padding. */
function headBytes({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  const lines = rawHeaders.reduce((sum, each) => sum + Buffer.byteLength(each) + 2, 0);
  return method.length + url.length + ' HTTP/1.1 \r\n\r\n'.length + lines;
}
