/** What a route answers: a JSON document, or bytes as they are. */

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BytesAnswer {
  readonly status: number;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export type Answer = JsonAnswer | BytesAnswer;
