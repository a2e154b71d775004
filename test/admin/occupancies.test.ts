/** Limits of the admin API and what there is of each, as an operator's Prometheus reads them. */
import { expect, test } from 'vitest';
import { ADMIN_TOKEN_ACTOR } from '../../admin/actor.js';
import { createAttempts } from '../../admin/attempts.js';
import { EventHub } from '../../admin/events/event-hub.js';
import { exposeLimits } from '../../admin/occupancies.js';
import type { PulseRow } from '../../admin/stores/pulse-store.js';
import { createSignInLog } from '../../admin/stores/sign-in-log.js';
import { createTokenAuthenticator, tokenText } from '../../admin/token-authenticator.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import type { Database } from '../../base/postgres/pool.js';
import { manualClock } from '../support/clock.js';

const noTokens = {
  query: () => Promise.resolve({ rows: [] }),
  transaction: () => Promise.resolve(undefined),
} as unknown as Database;

test('show what is remembered of tokens, addresses, sign-outs and looks', async () => {
  let nowMs = 0;
  let pulse: readonly PulseRow[] = [];
  const realNow = (): number => nowMs;
  const clock = manualClock();
  const tokens = createTokenAuthenticator(noTokens, 'admin', clock, realNow);
  const attempts = createAttempts(realNow);
  const signInLog = createSignInLog(noTokens, {
    clock,
    wallClock: clock,
    realNow,
    openMax: 10,
    lastsMs: 1,
    idleMs: 1,
  });
  const hub = new EventHub({
    read: () => Promise.resolve(pulse),
    log: silentLog,
    followersMax: 5,
    epoch: 'e',
    realNow,
  });
  const metrics = createMetrics();
  exposeLimits(metrics, () => ({ tokens, attempts, signInLog, hub }));
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
  await signInLog.ended(ADMIN_TOKEN_ACTOR, { id: 'one' });
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
