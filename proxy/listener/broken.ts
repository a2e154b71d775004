/** Answers to what Node could not read as a request: in our words too, because drivers repeat a 400 or 431 for minutes. */
import type { Duplex } from 'node:stream';
import { callerRefusal, refusalBody } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';

/** Room for a sealed token of 16 KB beside what drivers send. */
export const HEAD_BYTES_MAX: number = 32 * 1024;

/** The refusal for an error of Node's parser. */
export function brokenRefusal(code: string | undefined, headersTimeoutMs: number): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return callerRefusal(
      'requestTooLarge',
      `Not run: the URL and headers of the request are larger than ${HEAD_BYTES_MAX} bytes together. Send shorter ones.`,
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return callerRefusal(
      'requestMalformed',
      `Not run: the headers of the request did not arrive within ${headersTimeoutMs} ms. Send it again.`,
    );
  }
  return callerRefusal('requestMalformed', 'Not run: this is no request of HTTP/1.1.');
}

/** Writes a refusal to a connection that has no request to answer, and ends it. */
export function refuseConnection(socket: Duplex, refusal: Refusal): void {
  const body = refusalBody(refusal, null);
  socket.end(
    `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.toString('utf8')}`,
    () => socket.destroy(),
  );
}
