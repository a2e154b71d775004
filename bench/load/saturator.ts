/**
 * Closed-loop load on bare sockets, as fast as the system answers: for throughput at saturation only, never for
 * latency. It costs a fraction of an HTTP client, so that it is not itself the limit. Child process; each
 * `SaturationRequest` is answered with a `SaturationResult`.
 */
import { connect, type Socket } from 'node:net';

export interface SaturationRequest {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly sqlText: string;
  readonly authorization: string;
}

export interface SaturationResult {
  readonly answered: number;
  readonly failures: number;
  readonly firstFailure: string | null;
  readonly seconds: number;
  /** CPU time of this process, by the time of the round. */
  readonly cpuShare: number;
}

let sequence = 0;
const run = process.pid.toString(16).padStart(8, '0').slice(-8);

function requestId(): string {
  sequence += 1;
  return `${run}-0000-4000-8000-${sequence.toString(16).padStart(12, '0')}`;
}

/** One connection: sends, reads one whole reply, sends again until `isOver`. */
class Client {
  answered = 0;
  failures = 0;
  firstFailure: string | null = null;
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #body: Buffer;
  readonly #head: string;
  readonly #isOver: () => boolean;
  #received: Buffer = Buffer.alloc(0);

  constructor(load: SaturationRequest, isOver: () => boolean) {
    this.#isOver = isOver;
    this.#body = Buffer.from(
      JSON.stringify({ sqlText: load.sqlText, asyncExec: false, sequenceId: 1, parameters: {} }),
    );
    this.#head = ` HTTP/1.1\r\nhost: 127.0.0.1:${load.port}\r\ncontent-type: application/json\r\naccept: application/snowflake\r\nauthorization: ${load.authorization}\r\ncontent-length: ${this.#body.length}\r\n\r\n`;
    this.#socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true });
    this.ended = new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
    });
    this.#socket.once('connect', () => this.#send());
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.once('error', (cause) => this.#fail(cause.message));
  }

  stop(): void {
    this.#socket.destroy();
  }

  #send(): void {
    if (this.#isOver()) return void this.#socket.destroy();
    this.#socket.write(
      Buffer.concat([
        Buffer.from(`POST /queries/v1/query-request?requestId=${requestId()}${this.#head}`),
        this.#body,
      ]),
    );
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#received.toString('latin1', 0, headEnd).toLowerCase();
    const length = /content-length: *(\d+)/.exec(head)?.[1];
    const isWhole =
      length === undefined
        ? this.#received.subarray(-5).equals(LAST_CHUNK)
        : this.#received.length >= headEnd + 4 + Number(length);
    if (!isWhole) return;
    if (this.#received.includes('"success":true')) this.answered += 1;
    else this.#fail(this.#received.toString('latin1').slice(0, 600));
    this.#received = Buffer.alloc(0);
    this.#send();
  }

  #fail(why: string): void {
    this.failures += 1;
    this.firstFailure ??= why;
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const GRACE_MS = 5000;

async function saturate(load: SaturationRequest): Promise<SaturationResult> {
  const startedAt = performance.now();
  const endAt = startedAt + load.seconds * 1000;
  const cpuBefore = process.cpuUsage();
  const clients = Array.from(
    { length: load.connections },
    () => new Client(load, () => performance.now() >= endAt),
  );
  const deadline = setTimeout(
    () => clients.forEach((client) => client.stop()),
    load.seconds * 1000 + GRACE_MS,
  );
  await Promise.all(clients.map((client) => client.ended));
  clearTimeout(deadline);
  const elapsedMs = performance.now() - startedAt;
  const used = process.cpuUsage(cpuBefore);
  return {
    answered: clients.reduce((sum, client) => sum + client.answered, 0),
    failures: clients.reduce((sum, client) => sum + client.failures, 0),
    firstFailure: clients.find((client) => client.firstFailure !== null)?.firstFailure ?? null,
    seconds: elapsedMs / 1000,
    cpuShare: (used.user + used.system) / 1000 / elapsedMs,
  };
}

process.on('message', (message: SaturationRequest) => {
  void saturate(message).then((result) => process.send?.(result));
});
