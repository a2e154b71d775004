/**
 * A plain TCP balancer for tests: connections go to its backends in turn, whoever they come from, so that a client's
 * next connection is at another replica. On request it loses replies: between a client and the proxy, or, with the
 * warehouse as its one backend, between the proxy and upstream. What happens to a request is decided by the test when
 * its head has arrived; nothing here is left to chance.
 */
import { createHash } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { RequestFramer, type FramedRequest } from './request-framer.js';

/** What one request's reply suffers. The request itself always arrives whole. */
export type ReplyLoss =
  | { readonly kind: 'none' }
  /** The sender is reset as soon as its request has gone on; the backend sees it leave before it has answered. */
  | { readonly kind: 'gone' }
  /** The backend has begun to answer; not a byte of that arrives, and the sender is reset. */
  | { readonly kind: 'lost' }
  /** So many bytes of the reply arrive, then the sender is reset. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** The reply comes so much later. */
  | { readonly kind: 'late'; readonly delayMs: number };

export type Decide = (request: FramedRequest) => ReplyLoss;

export interface BalancerOptions {
  /** Ports on 127.0.0.1. */
  readonly backends: readonly number[];
  /** Connections that may be open at once; further ones are reset. */
  readonly connectionsMax?: number;
  /** Changes a request's head on its way; the line of the request must keep its form. */
  readonly rewrite?: (request: FramedRequest, head: string) => string;
}

export interface TcpBalancer {
  readonly port: number;
  readonly url: string;
  /** Connections taken so far, by backend. */
  readonly taken: readonly number[];
  /** Connections reset by a loss so far. */
  readonly resets: number;
  /** Whose replies are lost from now on; nobody's, when left out. */
  lose(decide?: Decide): void;
  /** Closes everything it opened. */
  stop(): Promise<void>;
}

const CONNECTIONS_MAX = 512;
const NONE: ReplyLoss = { kind: 'none' };

/** Listens on a free port of 127.0.0.1. */
export async function startBalancer(options: BalancerOptions): Promise<TcpBalancer> {
  const balancer = new Balancer(options);
  await balancer.listen();
  return balancer;
}

/**
 * Loses the first reply to each request of a kind and lets its repeats pass.
 *
 * @param keyOf what makes two requests the same one; undefined: not of the kind, its reply is never lost.
 * @param lossOf how the first reply of a key is lost.
 */
export function firstReplyOfEach(
  keyOf: (request: FramedRequest) => string | undefined,
  lossOf: (key: string) => ReplyLoss,
): Decide {
  const seen = new Set<string>();
  return (request) => {
    const key = keyOf(request);
    if (key === undefined || seen.has(key)) return NONE;
    if (seen.size >= SEEN_MAX)
      throw new RangeError(`more than ${SEEN_MAX} requests are told apart`);
    seen.add(key);
    return lossOf(key);
  };
}

const SEEN_MAX = 100_000;

/** The same choice for the same seed and key, whatever came before. */
export function seededChoice<T>(seed: number, key: string, choices: readonly [T, ...T[]]): T {
  const digest = createHash('sha256').update(`${seed}/${key}`).digest();
  return choices[digest.readUInt32BE(0) % choices.length] ?? choices[0];
}

/** The request id of a statement's request; undefined for every other request. */
export function statementRequestId(request: FramedRequest): string | undefined {
  const [path, query] = request.target.split('?', 2);
  if (path !== '/queries/v1/query-request') return undefined;
  return new URLSearchParams(query).get('requestId') ?? undefined;
}

class Balancer implements TcpBalancer {
  readonly taken: number[];
  resets = 0;
  readonly #options: BalancerOptions;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #next = 0;
  #decide: Decide = () => NONE;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.taken = options.backends.map(() => 0);
    // A client that has sent all it wants to say may still be read to.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  lose(decide: Decide = () => NONE): void {
    this.#decide = decide;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve());
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const link of this.#links) link.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    const { backends, connectionsMax = CONNECTIONS_MAX } = this.#options;
    const index = this.#next % backends.length;
    const port = backends[index];
    if (port === undefined || this.#links.size >= connectionsMax) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    this.#next += 1;
    this.taken[index] = (this.taken[index] ?? 0) + 1;
    const link: Link = new Link(client, port, {
      decide: (request) => this.#decide(request),
      rewrite: this.#options.rewrite ?? ((_request, head) => head),
      onReset: () => {
        this.resets += 1;
      },
      onClosed: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

interface LinkOptions {
  readonly decide: Decide;
  readonly rewrite: (request: FramedRequest, head: string) => string;
  readonly onReset: () => void;
  readonly onClosed: () => void;
}

/** One connection of a client and the one to a backend that belongs to it. Requests are not pipelined. */
class Link {
  readonly #client: Socket;
  readonly #backend: Socket;
  readonly #options: LinkOptions;
  #loss: ReplyLoss = NONE;
  #replyBytes = 0;
  #late: NodeJS.Timeout | undefined;
  #isCut = false;

  constructor(client: Socket, port: number, options: LinkOptions) {
    this.#client = client;
    this.#options = options;
    this.#backend = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const framer = new RequestFramer({
      head: (request, head) => {
        this.#loss = options.decide(request);
        this.#replyBytes = 0;
        return options.rewrite(request, head);
      },
      bytes: (chunk) => this.#pass(chunk, client, this.#backend),
      complete: () => {
        if (this.#loss.kind === 'gone') this.#cut();
      },
    });
    client.on('data', (chunk) => framer.push(chunk));
    client.on('end', () => this.#backend.end());
    this.#backend.on('data', (chunk) => this.#reply(chunk));
    // A stream that is paused tells its end all the same.
    this.#backend.on('end', () => {
      if (this.#late === undefined) client.end();
    });
    client.on('error', () => this.#backend.destroy());
    this.#backend.on('error', () => {
      if (!client.destroyed) client.resetAndDestroy();
    });
    client.on('close', () => this.#closed());
    this.#backend.on('close', () => this.#closed());
  }

  destroy(): void {
    this.#client.destroy();
    this.#backend.destroy();
  }

  #reply(chunk: Buffer): void {
    if (this.#isCut) return;
    const loss = this.#loss;
    const isFirst = this.#replyBytes === 0;
    const left = loss.kind === 'cut' ? loss.bytes - this.#replyBytes : Infinity;
    this.#replyBytes += chunk.length;
    if (loss.kind === 'lost') return this.#cut();
    if (chunk.length < left) {
      if (loss.kind === 'late' && isFirst) this.#delay(chunk, loss.delayMs);
      else this.#pass(chunk, this.#backend, this.#client);
      return;
    }
    // Read by the other side before the reset, which would take away what is still on its way.
    this.#isCut = true;
    this.#client.write(chunk.subarray(0, left), () => setImmediate(() => this.#cut()));
  }

  #delay(chunk: Buffer, delayMs: number): void {
    this.#backend.pause();
    this.#late = setTimeout(() => {
      this.#late = undefined;
      this.#pass(chunk, this.#backend, this.#client);
      this.#backend.resume();
      if (this.#backend.readableEnded) this.#client.end();
    }, delayMs);
  }

  /** The backend is left by an orderly end, so that it has read the whole request. */
  #cut(): void {
    this.#isCut = true;
    this.#options.onReset();
    if (!this.#client.destroyed) this.#client.resetAndDestroy();
    this.#backend.end();
    this.#backend.resume();
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (to.destroyed || to.writableEnded || to.write(chunk)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  #closed(): void {
    const backendMayEnd = this.#isCut && this.#client.destroyed;
    if (this.#client.destroyed && !backendMayEnd) this.#backend.destroy();
    if (this.#backend.destroyed && this.#late === undefined) this.#client.end();
    if (!this.#client.destroyed || !this.#backend.destroyed) return;
    clearTimeout(this.#late);
    this.#options.onClosed();
  }
}
