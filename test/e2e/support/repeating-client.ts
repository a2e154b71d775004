/**
 * A driver's way of repeating without a driver: one connection a request, so that a balancer may send each elsewhere;
 * the same request id until there is an answer, marked as one family of drivers marks it; 333333 is polled and 390112
 * renewed. The marks are those of the drivers' sources (docs/wire.md).
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';

export const MARKINGS = [
  /** Node: inner repeats. */
  'retryCount',
  /** Python 4, Go, JDBC, .NET, ODBC. */
  'retryReason',
  /** Universal Core (Python 5, ODBC 4): one `request_guid` for all of them. */
  'retryTrue',
  /** Node and Go after a broken answer: nothing but a new `request_guid`. */
  'unmarked',
  /** All of them after 390112: nothing, under a new token of the same session. */
  'renewed',
] as const;
export type Marking = (typeof MARKINGS)[number];

export interface Answer {
  readonly success: boolean;
  readonly code: string | null;
  readonly message: string | null;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
}

export type Sent =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** No whole answer came. */
  | { readonly kind: 'lost'; readonly why: string };

/** One statement as a driver keeps it while it repeats it. */
export interface Asked {
  readonly sqlText: string;
  readonly requestId: string;
  readonly guid: string;
  readonly marking: Marking;
  /** Members of the body beside the text. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ClientCounts {
  sends: number;
  lost: number;
  polls: number;
  renewals: number;
}

export interface RunOptions {
  /** Attempts that were made before. */
  readonly from?: number;
  /** Sends it again, too, after an answer that its end is not known. */
  readonly repeatsNotKnown?: boolean;
}

const ATTEMPTS_MAX = 12;
const POLLS_MAX = 2_000;
const STILL_RUNNING: readonly (string | null)[] = ['333333', '333334'];
/** TG5001, TG5002: what became of the statement is not known, so its driver's program sends it again. */
const NOT_KNOWN: readonly (string | null)[] = ['715001', '715002'];

/** A new statement with a request id of its own. */
export function asked(
  sqlText: string,
  marking: Marking,
  body: Readonly<Record<string, unknown>> = {},
): Asked {
  return { sqlText, marking, body, requestId: randomUUID(), guid: randomUUID() };
}

export class RepeatingClient {
  readonly counts: ClientCounts = { sends: 0, lost: 0, polls: 0, renewals: 0 };
  readonly #port: number;
  #token = '';
  #masterToken = '';

  private constructor(port: number) {
    this.#port = port;
  }

  /** Signs in with a password; throws the refusal. */
  static async connect(port: number, user: string): Promise<RepeatingClient> {
    const client = new RepeatingClient(port);
    const data = {
      LOGIN_NAME: user,
      PASSWORD: 'demo',
      ACCOUNT_NAME: 'DEMO',
      CLIENT_APP_ID: 'REPEATING',
      CLIENT_APP_VERSION: '1',
    };
    const path = `/session/v1/login-request?requestId=${randomUUID()}&databaseName=ANALYTICS&schemaName=TPCH`;
    client.#take(await client.#call('POST', path, { data }));
    return client;
  }

  /** The same session through another door. */
  at(port: number): RepeatingClient {
    const client = new RepeatingClient(port);
    client.#token = this.#token;
    client.#masterToken = this.#masterToken;
    return client;
  }

  /** A new token for the same session. */
  async renew(): Promise<void> {
    this.counts.renewals += 1;
    const body = { oldSessionToken: this.#token, requestType: 'RENEW' };
    const path = `/session/token-request?requestId=${randomUUID()}`;
    this.#take(await this.#call('POST', path, body, { token: this.#masterToken }));
  }

  /** Sends a request once, the `attempt`-th time of all, and does not follow what it is told. */
  async send(statement: Asked, attempt = 0, socket?: Socket): Promise<Sent> {
    this.counts.sends += 1;
    const { sqlText, body } = statement;
    const path = `/queries/v1/query-request?${parametersOf(statement, attempt)}`;
    const sent = await this.#call('POST', path, { sqlText, asyncExec: false, ...body }, { socket });
    if (sent.kind === 'lost') this.counts.lost += 1;
    return sent;
  }

  /**
   * Sends a statement until it is answered for good, as a driver does.
   *
   * @throws when a dozen attempts brought no answer.
   */
  async run(statement: Asked, options: RunOptions = {}): Promise<Answer> {
    const why: string[] = [];
    const from = options.from ?? 0;
    for (let attempt = from; attempt < from + ATTEMPTS_MAX; attempt += 1) {
      if (attempt > 0 && statement.marking === 'renewed') await this.renew();
      const sent = await this.send(statement, attempt);
      const answer = sent.kind === 'lost' ? undefined : await this.#final(sent.answer, options);
      if (answer !== undefined) return answer;
      why.push(sent.kind === 'lost' ? sent.why : String(sent.answer.code));
    }
    throw new Error(`${statement.requestId} was never answered: ${why.join(', ')}`);
  }

  /** An answer followed to its end; undefined where the statement has to be sent again. */
  async #final(first: Answer, options: RunOptions): Promise<Answer | undefined> {
    if (first.code === '390112') {
      await this.renew();
      return undefined;
    }
    const answer = await this.follow(first);
    const isKnown = options.repeatsNotKnown !== true || !NOT_KNOWN.includes(answer.code);
    return isKnown ? answer : undefined;
  }

  /**
   * Sends a request several times at one barrier: all connections stand before the first byte of any of them.
   *
   * @returns the answers that were followed to their end, in no order.
   */
  async sendTogether(
    statement: Asked,
    times: number,
    options: RunOptions = {},
  ): Promise<readonly Answer[]> {
    if (statement.marking === 'renewed') await this.renew();
    const sockets = Array.from({ length: times }, () => connect(this.#port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return Promise.all(
      sockets.map(async (socket, attempt) => {
        const sent = await this.send(statement, attempt, socket);
        const answer = sent.kind === 'lost' ? undefined : await this.#final(sent.answer, options);
        return answer ?? this.run(statement, { ...options, from: times });
      }),
    );
  }

  /** Polls until a statement that waits or runs has ended; any other answer is returned as it is. */
  async follow(first: Answer): Promise<Answer> {
    let answer = first;
    for (let poll = 0; STILL_RUNNING.includes(answer.code); poll += 1) {
      if (poll > POLLS_MAX) throw new Error(`${POLLS_MAX} polls brought no end`);
      this.counts.polls += 1;
      const sent = await this.#call('GET', String(answer.data.getResultUrl));
      if (sent.kind === 'lost') continue;
      if (sent.answer.code === '390112') await this.renew();
      else answer = sent.answer;
    }
    return answer;
  }

  /** Any other request of the session, once. */
  async call(method: string, path: string, body?: object): Promise<Sent> {
    return this.#call(method, path, body);
  }

  async close(): Promise<void> {
    await this.#call('POST', '/session?delete=true', {});
  }

  #take(sent: Sent): void {
    if (sent.kind === 'lost' || !sent.answer.success)
      throw new Error(`no session: ${JSON.stringify(sent)}`);
    const { data } = sent.answer;
    this.#token = String(data.token ?? data.sessionToken);
    this.#masterToken = String(data.masterToken);
  }

  #call(
    method: string,
    path: string,
    body?: object,
    options: { readonly token?: string; readonly socket?: Socket | undefined } = {},
  ): Promise<Sent> {
    const token = options.token ?? this.#token;
    const { socket } = options;
    return new Promise((resolve) => {
      const lost = (why: string): void => resolve({ kind: 'lost', why });
      const outgoing = httpRequest({
        host: '127.0.0.1',
        port: this.#port,
        method,
        path,
        headers: {
          'content-type': 'application/json',
          accept: 'application/snowflake',
          ...(token === '' ? {} : { authorization: `Snowflake Token="${token}"` }),
        },
        ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
      });
      outgoing.on('error', (cause: NodeJS.ErrnoException) => lost(cause.code ?? cause.message));
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', (cause: NodeJS.ErrnoException) => lost(`cut: ${cause.code}`));
        incoming.on('end', () => {
          const answer = incoming.statusCode === 200 ? parsed(Buffer.concat(chunks)) : undefined;
          if (answer === undefined) lost(`HTTP ${incoming.statusCode}`);
          else resolve({ kind: 'answered', answer });
        });
      });
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function parsed(bytes: Buffer): Answer | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as Answer;
  } catch {
    return undefined;
  }
}

function parametersOf(statement: Asked, attempt: number): string {
  const { requestId, guid, marking } = statement;
  const parameters = new URLSearchParams({ requestId });
  const marks = attempt === 0 ? {} : marksOf(marking, attempt);
  for (const [name, value] of Object.entries(marks)) parameters.set(name, value);
  parameters.set('request_guid', attempt > 0 && marking !== 'retryTrue' ? randomUUID() : guid);
  return parameters.toString();
}

function marksOf(marking: Marking, attempt: number): Readonly<Record<string, string>> {
  const count = { clientStartTime: String(Date.now()), retryCount: String(attempt) };
  switch (marking) {
    case 'retryCount':
      return count;
    case 'retryReason':
      return { ...count, retryReason: '0' };
    case 'retryTrue':
      return { retry: 'true' };
    case 'unmarked':
    case 'renewed':
      return {};
  }
}
