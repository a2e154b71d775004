import { beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import type { AccountDocument } from '../../../policies/control/document.js';
import type { UpstreamEngine } from '../../../proxy/upstream/engine.js';
import { Upstreams, type ConfiguredUpstream } from '../../../proxy/upstream/upstreams.js';

let document: readonly AccountDocument[] | undefined;
let opened: string[];
let stopped: string[];

function fleet(configured: readonly ConfiguredUpstream[], sharedHosts: string[] = []): Upstreams {
  return new Upstreams({
    configured,
    sharedHosts,
    log: silentLog,
    accounts: () => document,
    openEngine: (origin): UpstreamEngine => {
      opened.push(origin);
      return {
        send: () => undefined,
        occupancy: () => ({ used: 0, max: 1 }),
        exchange: () => Promise.reject(new Error('unused')),
        stop: () => {
          stopped.push(origin);
          return Promise.resolve();
        },
      };
    },
  });
}

const TWO: readonly ConfiguredUpstream[] = [
  { upstream: 'main', origin: 'https://myorg-prod.snowflakecomputing.com' },
  { upstream: 'test', origin: 'http://warehouse:8082' },
];

beforeEach(() => {
  opened = [];
  stopped = [];
  document = [
    { id: 'prod', upstream: 'main' },
    { id: 'dev', upstream: 'test' },
  ];
});

describe('the accounts of a deployment', () => {
  test('live at the upstream they name, with the host header of its origin', () => {
    const upstreams = fleet(TWO);
    expect(upstreams.get('prod')).toMatchObject({
      account: 'prod',
      snowflakeName: 'myorg-prod',
      host: 'myorg-prod.snowflakecomputing.com',
    });
    expect(upstreams.get('DEV')).toMatchObject({
      account: 'dev',
      snowflakeName: 'test',
      host: 'warehouse:8082',
    });
    expect(upstreams.get('main')).toBeUndefined();
  });

  test('come and go with the control document, over engines that are made once', async () => {
    const upstreams = fleet(TWO);
    document = [...(document ?? []), { id: 'dev2', upstream: 'test' }];
    expect(upstreams.get('dev2')?.engine).toBe(upstreams.get('dev')?.engine);
    document = [{ id: 'dev2', upstream: 'test' }];
    expect(upstreams.get('dev')).toBeUndefined();
    expect(upstreams.select('dev.gw.example.com', 'dev')).toMatchObject({ kind: 'refused' });
    expect(opened).toHaveLength(2);
    await upstreams.stop(AbortSignal.abort());
    expect(stopped).toEqual(opened);
  });

  test('are the same objects as long as the document is the same', () => {
    const upstreams = fleet(TWO);
    expect(upstreams.get('prod')).toBe(upstreams.get('prod'));
  });

  test('whose upstream is not configured are not served, and said so', () => {
    document = [
      { id: 'prod', upstream: 'main' },
      { id: 'lost', upstream: 'nowhere' },
    ];
    const upstreams = fleet(TWO);
    expect(upstreams.fit()).toMatchObject({
      served: ['prod'],
      unserved: [{ id: 'lost', upstream: 'nowhere' }],
      unused: ['test'],
    });
    const selection = upstreams.select('lost.gw.example.com', undefined);
    expect(selection).toMatchObject({
      kind: 'refused',
      refusal: {
        message: expect.stringContaining('no upstream is configured here for account "lost"'),
      },
    });
  });

  test('that settings name by id are served whatever the document calls the upstream', () => {
    document = [
      { id: 'demo', upstream: 'embedded' },
      { id: 'other', upstream: 'embedded' },
    ];
    const upstreams = fleet([{ account: 'DEMO', origin: 'http://127.0.0.1:1' }]);
    expect(upstreams.get('demo')?.account).toBe('demo');
    expect(upstreams.get('other')).toBeUndefined();
  });

  test("go by Snowflake's own names too", () => {
    const upstreams = fleet([
      ...TWO.slice(0, 1),
      { upstream: 'test', origin: 'http://warehouse:8082', snowflakeAccount: 'MYORG-DEV' },
    ]);
    const chosen = (name: string): string | undefined => {
      const selection = upstreams.select('127.0.0.1', name);
      return selection.kind === 'chosen' ? selection.upstream.account : undefined;
    };
    expect([chosen('MYORG-PROD'), chosen('myorg-dev'), chosen('myorg-x')]).toEqual([
      'prod',
      'dev',
      undefined,
    ]);
  });
});

describe('a token', () => {
  test('of one account is refused at the host of another and taken everywhere else', () => {
    const upstreams = fleet(TWO, ['prod.shared.example.com']);
    expect(upstreams.agrees('dev.gw.example.com', 'prod')).toBe(false);
    expect(upstreams.agrees('prod.gw.example.com', 'PROD')).toBe(true);
    expect(upstreams.agrees('127.0.0.1:8080', 'prod')).toBe(true);
    expect(upstreams.agrees('tollgate', 'prod')).toBe(true);
    expect(upstreams.agrees('prod.shared.example.com', 'dev')).toBe(true);
    expect(upstreams.agrees(undefined, 'prod')).toBe(true);
  });
});

describe('a login', () => {
  test.each([
    ['prod.gw.example.com', 'dev', "Make the driver's host and account agree"],
    ['typo.gw.example.com', 'prod', 'TOLLGATE_SHARED_HOSTS'],
    ['127.0.0.1', 'nobody', 'does not front a Snowflake account called "nobody"'],
    ['127.0.0.1', undefined, 'does not front a Snowflake account called ""'],
  ])('at %s for %s is refused with what to do', (host, name, says) => {
    const selection = fleet(TWO).select(host, name);
    expect(selection).toMatchObject({
      kind: 'refused',
      refusal: { code: 'accountUnknown', message: expect.stringContaining(says) },
    });
  });

  test('before the first control document is a fault, not an unknown account', () => {
    document = undefined;
    const upstreams = fleet(TWO);
    expect(() => upstreams.select('prod', 'prod')).toThrow('no control snapshot');
    expect(upstreams.fit()).toBeUndefined();
  });
});
