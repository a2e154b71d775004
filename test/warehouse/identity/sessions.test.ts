import { beforeEach, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { Sessions } from '../../../warehouse/identity/sessions.js';
import type { Session } from '../../../warehouse/identity/sessions.js';
import type { Statement } from '../../../warehouse/statement/statement.js';
import { sweepSessions } from '../../../warehouse/statement/sweep.js';
import { fakeEngine } from '../support/fake-engine.js';

const MINUTE_MS = 60_000;
let now: number;
let sessions: Sessions;

beforeEach(() => {
  now = 1_700_000_000_000;
  const validity = { sessionSeconds: 3600, masterSeconds: 14_400 };
  sessions = new Sessions(fakeEngine(), validity, silentLog, () => now);
});

function open(parameters: readonly (readonly [string, boolean])[] = []) {
  return sessions.open({
    user: { name: 'A', roles: ['PUBLIC'] },
    role: 'PUBLIC',
    roleLimit: null,
    secondaryRoles: 'NONE',
    warehouse: 'STANDARD_WH',
    database: null,
    schema: null,
    parameters: new Map(parameters),
    inherited: new Map(),
    clientApp: '',
    clientVersion: '',
  });
}

/** Statements that are said to run; remembers which were cancelled. */
class Running {
  readonly cancelled: string[] = [];
  readonly #all: readonly Statement[];

  constructor(...all: readonly (readonly [string, Session, boolean])[]) {
    this.#all = all.map(([id, session, isAsync]) => ({
      id,
      session,
      startedAt: 0,
      abort: new AbortController(),
      done: new Promise(() => undefined),
      settled: undefined,
      isQueued: false,
      request: {
        requestId: id,
        sql: '',
        binds: [],
        parameters: new Map(),
        describeOnly: false,
        isAsync,
      },
    }));
  }

  running(sessionId?: number): readonly Statement[] {
    return this.#all.filter(({ session }) => session.id === sessionId);
  }

  abort(statement: Statement): boolean {
    this.cancelled.push(statement.id);
    return true;
  }

  closeSession(): Promise<void> {
    return Promise.resolve();
  }
}

test('a statement whose client is silent for five minutes is cancelled where the session says so', async () => {
  const detached = open([['ABORT_DETACHED_QUERY', true]]).session;
  const patient = open().session;
  const heard = open([['ABORT_DETACHED_QUERY', true]]);
  const statements = new Running(
    ['detached', detached, false],
    ['asynchronous', detached, true],
    ['patient', patient, false],
    ['heard', heard.session, false],
  );
  await sweepSessions(sessions, statements);
  expect(statements.cancelled).toEqual([]);
  now += 4 * MINUTE_MS;
  expect(sessions.check(heard.token).kind).toBe('session');
  now += 2 * MINUTE_MS;
  await sweepSessions(sessions, statements);
  expect(statements.cancelled).toEqual(['detached']);
});

test('a session that nobody used for four hours ends; a heartbeat keeps one', async () => {
  const idle = open();
  const kept = open();
  now += 3 * 60 * MINUTE_MS;
  sessions.touch(kept.session);
  now += 2 * 60 * MINUTE_MS;
  await sweepSessions(sessions, new Running());
  expect(sessions.all()).toEqual([kept.session]);
  expect(sessions.check(idle.token).kind).toBe('unknown');
  expect(sessions.check(kept.token).kind).toBe('expired');
  expect(sessions.checkMaster(kept.masterToken).kind).toBe('session');
});

test('ids are whole numbers that grow, and another session like one shares nothing that changes', () => {
  const first = open();
  const second = sessions.openLike(first.session);
  expect(Number.isSafeInteger(first.session.id)).toBe(true);
  expect(second?.session.id).toBeGreaterThan(first.session.id);
  second?.session.parameters.set('QUERY_TAG', 'x');
  expect(first.session.parameters.size).toBe(0);
  void sessions.close(first.session);
  expect(sessions.openLike(first.session)).toBeUndefined();
  expect(sessions.renew(first.session)).toBeUndefined();
});
