/** Requests as drivers write them, without a driver: for what drivers hide or never do. */
import { randomUUID } from 'node:crypto';

export interface Reply {
  readonly status: number;
  readonly body: {
    readonly success: boolean;
    readonly code: string | null;
    readonly message: string | null;
    // oxlint-disable-next-line typescript/no-explicit-any
    readonly data: any;
  };
}

export class RawClient {
  readonly #base: string;
  token = '';
  masterToken = '';

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    options: {
      readonly token?: string;
      readonly raw?: string | Uint8Array;
      readonly headers?: Record<string, string>;
    } = {},
  ): Promise<Reply> {
    const token = options.token ?? this.token;
    const payload = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === '' ? {} : { authorization: `Snowflake Token="${token}"` }),
        ...options.headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    return { status: response.status, body: (await response.json()) as Reply['body'] };
  }

  async login(user = 'marketing_analyst', password = 'demo', query = ''): Promise<Reply> {
    const reply = await this.send(
      'POST',
      `/session/v1/login-request?requestId=${randomUUID()}${query}`,
      {
        data: {
          LOGIN_NAME: user,
          PASSWORD: password,
          ACCOUNT_NAME: 'DEMO',
          CLIENT_APP_ID: 'RAW',
          CLIENT_APP_VERSION: '1',
        },
      },
    );
    if (reply.body.success) {
      this.token = reply.body.data.token as string;
      this.masterToken = reply.body.data.masterToken as string;
    }
    return reply;
  }

  query(
    sqlText: string,
    body: Record<string, unknown> = {},
    requestId: string = randomUUID(),
  ): Promise<Reply> {
    return this.send('POST', `/queries/v1/query-request?requestId=${requestId}`, {
      sqlText,
      ...body,
    });
  }

  /** Runs a statement and polls until it has ended. */
  async run(sqlText: string, body: Record<string, unknown> = {}): Promise<Reply> {
    const reply = await this.query(sqlText, body);
    return reply.body.code === '333333' ? this.result(reply.body.data.queryId as string) : reply;
  }

  /** Polls a result until it is there. */
  async result(id: string): Promise<Reply> {
    for (;;) {
      const reply = await this.send('GET', `/queries/${id}/result`);
      if (reply.body.code !== '333333' && reply.body.code !== '333334') return reply;
    }
  }
}
