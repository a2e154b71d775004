/**
 * Finds where requests of HTTP/1.1 begin and end in a stream of bytes, so that something can be done when one is
 * complete. Bodies are counted by Content-Length. Whatever is framed otherwise (chunks, TLS, a head above the cap)
 * passes as it is from there on: the framer then says nothing more.
 */
const HEAD_BYTES_MAX = 64 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

export interface FramedRequest {
  readonly method: string;
  /** Path and query string, as sent. */
  readonly target: string;
}

export interface FramerEvents {
  /** A head has arrived whole; what is returned goes on in its place. */
  head(request: FramedRequest, head: string): string;
  /** Bytes to pass on, in order. */
  bytes(chunk: Buffer): void;
  /** The last byte of the request was passed on. */
  complete(): void;
}

export class RequestFramer {
  readonly #events: FramerEvents;
  #pending: Buffer = Buffer.alloc(0);
  #bodyLeft = 0;
  #isOpaque = false;

  constructor(events: FramerEvents) {
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#isOpaque ? this.#pass(rest) : this.#take(rest);
  }

  #pass(chunk: Buffer): Buffer {
    this.#events.bytes(chunk);
    return Buffer.alloc(0);
  }

  #take(chunk: Buffer): Buffer {
    if (this.#bodyLeft > 0) return this.#takeBody(chunk);
    const known = Buffer.concat([this.#pending, chunk]);
    const end = known.indexOf(HEAD_END);
    if (end < 0) {
      this.#pending = known;
      if (known.length > HEAD_BYTES_MAX) this.#giveUp();
      return Buffer.alloc(0);
    }
    this.#pending = Buffer.alloc(0);
    return this.#takeHead(known, end + HEAD_END.length);
  }

  #takeBody(chunk: Buffer): Buffer {
    const part = chunk.subarray(0, this.#bodyLeft);
    this.#bodyLeft -= part.length;
    this.#events.bytes(part);
    if (this.#bodyLeft === 0) this.#events.complete();
    return chunk.subarray(part.length);
  }

  #takeHead(known: Buffer, length: number): Buffer {
    const head = known.subarray(0, length).toString('latin1');
    const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(head) ?? [];
    if (method === undefined || target === undefined || /\r\ntransfer-encoding:/i.test(head)) {
      this.#pending = known;
      this.#giveUp();
      return Buffer.alloc(0);
    }
    this.#bodyLeft = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1] ?? 0);
    this.#events.bytes(Buffer.from(this.#events.head({ method, target }, head), 'latin1'));
    if (this.#bodyLeft === 0) this.#events.complete();
    return known.subarray(length);
  }

  #giveUp(): void {
    this.#isOpaque = true;
    const held = this.#pending;
    this.#pending = Buffer.alloc(0);
    this.#events.bytes(held);
  }
}
