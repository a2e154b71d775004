/** An upstream that answers from a list and keeps what it was asked. */
import { must } from '#base/assert.js';
import type {
  UpstreamEngine,
  UpstreamReply,
  UpstreamRequest,
} from '../../../proxy/upstream/engine.js';
import type { Upstream } from '../../../proxy/upstream/upstreams.js';

export interface StubUpstream extends Upstream {
  readonly asked: UpstreamRequest[];
}

export type StubAnswer = (request: UpstreamRequest) => {
  readonly status: number;
  readonly body: unknown;
};

export function stubUpstream(answer: StubAnswer): StubUpstream {
  const asked: UpstreamRequest[] = [];
  const reply = (request: UpstreamRequest): UpstreamReply => {
    asked.push(request);
    const { status, body } = answer(request);
    return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
  };
  const engine: UpstreamEngine = {
    send(request, receiver) {
      const { status, headers, body } = reply(request);
      const none = (): void => undefined;
      receiver.onHead(status, headers, { pause: none, resume: none, abort: none });
      receiver.onChunk(body);
      receiver.onEnd();
    },
    exchange: async (request) => Promise.resolve().then(() => reply(request)),
    occupancy: () => ({ used: 0, max: 1 }),
    stop: () => Promise.resolve(),
  };
  return {
    account: 'demo',
    snowflakeName: 'DEMO',
    host: 'demo.invalid',
    origin: 'http://demo.invalid',
    engine,
    asked,
  };
}

/** The JSON body of a request that was asked. */
export function bodyOf({ body }: UpstreamRequest): unknown {
  return JSON.parse(must(body, 'the request has a body').toString('utf8'));
}
