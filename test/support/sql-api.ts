/** A client of Snowflake's SQL API v2 without a driver: bytes, statuses and headers as they come. */
import { gunzipSync } from 'node:zlib';
import { request } from 'undici';

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As they came over the wire. */
  readonly bytes: Buffer;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface ApiCall {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export class SqlApiClient {
  readonly #origin: string;
  readonly token: string;
  readonly #headers: Readonly<Record<string, string | undefined>>;

  /** `type`: of the token, as its header names it; none is sent when it is undefined. */
  constructor(origin: string, token: string, type?: string) {
    this.#origin = origin;
    this.token = token;
    this.#headers = {
      accept: '*/*',
      'user-agent': 'tests/1.0',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'x-snowflake-authorization-token-type': type,
    };
  }

  async send(method: 'GET' | 'POST' | 'PUT', path: string, call: ApiCall = {}): Promise<ApiReply> {
    const headers = Object.entries({ ...this.#headers, ...call.headers }).flatMap(
      ([name, value]) => (value === undefined ? [] : [[name, value] as const]),
    );
    const { body } = call;
    const reply = await request(`${this.#origin}${path}`, {
      method,
      headers: Object.fromEntries(headers),
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const bytes = Buffer.from(await reply.body.arrayBuffer());
    const plain = reply.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
    return {
      status: reply.statusCode,
      headers: reply.headers,
      bytes,
      body: JSON.parse(plain.toString('utf8')),
    };
  }

  /** Submits a statement; `query` is what follows the question mark. */
  submit(statement: string, more: object = {}, query = ''): Promise<ApiReply> {
    return this.send('POST', `/api/v2/statements${query === '' ? '' : `?${query}`}`, {
      body: { statement, ...more },
    });
  }

  status(handle: string, query = ''): Promise<ApiReply> {
    return this.send('GET', `/api/v2/statements/${handle}${query === '' ? '' : `?${query}`}`);
  }

  cancel(handle: string): Promise<ApiReply> {
    return this.send('POST', `/api/v2/statements/${handle}/cancel`);
  }

  /** Submits a statement, and asks until it has ended. */
  async endOf(statement: string, more: object = {}, query = ''): Promise<ApiReply> {
    const reply = await this.submit(statement, more, query);
    return reply.status === 202 ? this.ended(reply.body.statementHandle as string) : reply;
  }

  /** Asks until a statement has ended. */
  async ended(handle: string): Promise<ApiReply> {
    for (;;) {
      const reply = await this.status(handle);
      if (reply.status !== 202) return reply;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
