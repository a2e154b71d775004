/** Limits of the admin API and what there is of each, as an operator's Prometheus reads them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { createAttempts } from '../../admin/attempts.js';
import { createConsoleSignIns } from '../../admin/console/console-sign-ins.js';
import { EventHub } from '../../admin/events/event-hub.js';
import { exposeLimits } from '../../admin/occupancies.js';
import type { PulseRow } from '../../admin/stores/pulse-store.js';
import { createTokenAuthenticator, tokenText } from '../../admin/token-authenticator.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import type { Database } from '../../base/postgres/pool.js';
import { manualClock } from '../support/clock.js';

const noTokens = { query: () => Promise.resolve({ rows: [] }) } as unknown as Database;

test('show what is remembered of tokens, addresses, sign-outs and looks', async () => {
  let nowMs = 0;
  let pulse: readonly PulseRow[] = [];
  const realNow = (): number => nowMs;
  const clock = manualClock();
  const tokens = createTokenAuthenticator(noTokens, 'admin', clock, realNow);
  const attempts = createAttempts(realNow);
  const signIns = createConsoleSignIns({
    sealKeys: [{ id: 'one', key: Buffer.alloc(32, 1) }],
    randomBytes: (size) => Buffer.alloc(size, 7),
    clock,
    isSecure: false,
  });
  const hub = new EventHub({
    read: () => Promise.resolve(pulse),
    log: silentLog,
    followersMax: 5,
    epoch: 'e',
    realNow,
  });
  const metrics = createMetrics();
  exposeLimits(metrics, () => ({ tokens, attempts, signIns, hub }));
  const used = async (): Promise<Record<string, string>> => {
    const { body } = await metrics.render();
    const lines = body.matchAll(/^tollgate_limit_used\{resource="([^"]+)",unit="\w+"\} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, resource, value]) => [resource, value]));
  };
  const nothing = { 'api-tokens': '0', 'failed-attempts': '0', 'sign-outs': '0' };
  expect(await used()).toEqual({ ...nothing, 'event-followers': '0', 'event-looks': '0' });

  await tokens.authenticate(tokenText('0123456789abcdef', Buffer.alloc(32)));
  attempts.failed('192.0.2.1');
  attempts.failed('192.0.2.2');
  const cookie = signIn(signIns);
  signIns.end({ headers: { cookie } } as FastifyRequest, replyOf([]));
  for (const digest of ['', '1', '2', '3']) {
    pulse = [{ topic: 'budgets', node: null, principal: null, digest }];
    nowMs += 1_000;
    await hub.look();
  }
  expect(await used()).toEqual({
    'api-tokens': '1',
    'failed-attempts': '2',
    'sign-outs': '1',
    'event-followers': '0',
    'event-looks': '3',
  });
});

function signIn(signIns: ReturnType<typeof createConsoleSignIns>): string {
  const cookies: string[] = [];
  signIns.start(replyOf(cookies), { token: 'admin' });
  return cookies.join('; ');
}

const replyOf = (cookies: string[]): FastifyReply =>
  ({
    getHeader: () => undefined,
    removeHeader: () => undefined,
    header: (_: string, value: string) => cookies.push(value),
  }) as unknown as FastifyReply;
