/**
 * Histories of sessions that are switched on the way, as generators of fast-check: what each row says of its session is what Snowflake
 * would have in force then, and beside it stands the reply from which the proxy learns it.
 */
import fc from 'fast-check';
import { must } from '../../../base/assert.js';
import type { EpochMs } from '../../../base/time.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { parseControlDocument } from '../../../policies/control/parse.js';
import type { NameContext } from '../../../policies/sql/facts.js';
import { sessionChanges } from '../../../proxy/identity/session-effects.js';
import type { SessionContext } from '../../../proxy/identity/sessions.js';
import type { ScannedReply } from '../../../proxy/wire/reply-scanner.js';
import { aRow, documents, WORLD_BEGINS_AT } from './worlds.js';

/** Statements whose meaning hangs on their session: where names resolve, and which day it is. */
const SESSION_TEXTS: readonly string[] = [
  'SELECT O_ORDERKEY FROM ORDERS WHERE O_ORDERKEY < 1000',
  'SELECT * FROM EVENTS',
  'INSERT INTO TEAM_ORDERS SELECT O_ORDERKEY FROM ORDERS',
  'SELECT PAGE FROM WEB.EVENTS WHERE EVENT_DATE = CURRENT_DATE()',
  "SELECT PAGE FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE BETWEEN DATEADD('day', -1, CURRENT_DATE()) AND CURRENT_DATE()",
  "SELECT COUNTRY FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE BETWEEN '2026-05-30' AND CURRENT_DATE()",
  'SHOW TABLES',
];

/** A statement that switches its session, and what is in force once it has ended. */
interface Switch {
  readonly text: string;
  /** null: Snowflake refuses it. */
  readonly sets: Partial<SessionContext> | null;
}

const SWITCHES: readonly Switch[] = [
  { text: 'USE WAREHOUSE INTERACTIVE_WH', sets: { warehouse: 'INTERACTIVE_WH' } },
  { text: 'use warehouse batch_wh', sets: { warehouse: 'BATCH_WH' } },
  { text: 'USE WAREHOUSE "STANDARD_WH"', sets: { warehouse: 'STANDARD_WH' } },
  { text: 'USE WAREHOUSE NO_SUCH_WH', sets: null },
  { text: 'USE ROLE LOADER', sets: { role: 'LOADER' } },
  { text: 'USE ROLE analyst', sets: { role: 'ANALYST' } },
  { text: 'USE SCHEMA WEB', sets: { schema: 'WEB' } },
  { text: 'USE ANALYTICS.TPCH', sets: { database: 'ANALYTICS', schema: 'TPCH' } },
  { text: 'USE DATABASE ANALYTICS', sets: { database: 'ANALYTICS', schema: 'PUBLIC' } },
  // What is made is gone to.
  { text: 'CREATE DATABASE SCRATCH', sets: { database: 'SCRATCH', schema: 'PUBLIC' } },
  { text: `ALTER SESSION SET QUERY_TAG = 'Metabase'`, sets: { queryTag: 'Metabase' } },
  {
    text: `ALTER SESSION SET QUERY_TAG = '{"tollgate_off_peak":true}' TIMEZONE = 'UTC'`,
    sets: { queryTag: '{"tollgate_off_peak":true}', timeZone: 'UTC' },
  },
  { text: 'ALTER SESSION UNSET QUERY_TAG', sets: { queryTag: null } },
  {
    text: `ALTER SESSION SET TIMEZONE = 'Asia/Tokyo'`,
    sets: { timeZone: 'Asia/Tokyo' },
  },
  {
    text: `alter session set timezone = 'America/Los_Angeles'`,
    sets: { timeZone: 'America/Los_Angeles' },
  },
  { text: `ALTER SESSION SET TIMEZONE = 'Nowhere/City'`, sets: null },
  { text: 'ALTER SESSION UNSET TIMEZONE', sets: { timeZone: null } },
  {
    text: 'ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 5',
    sets: { statementTimeoutSeconds: 5 },
  },
];

/** Everything that a generated session sends, and everywhere where its names may resolve. */
export const SESSION_HISTORY_TEXTS: readonly string[] = [
  ...SESSION_TEXTS,
  ...SWITCHES.map(({ text }) => text),
];
export const SESSION_NAMES: readonly NameContext[] = [
  { database: 'ANALYTICS', schema: 'TPCH' },
  { database: 'ANALYTICS', schema: 'WEB' },
  { database: 'ANALYTICS', schema: 'PUBLIC' },
  { database: 'SCRATCH', schema: 'PUBLIC' },
  { database: 'SCRATCH', schema: 'WEB' },
];

const LOGIN: SessionContext = {
  role: 'ANALYST',
  warehouse: 'STANDARD_WH',
  database: 'ANALYTICS',
  schema: 'TPCH',
  queryTag: null,
  statementTimeoutSeconds: null,
  timeZone: null,
};
const USERS = ['MARKETING_ANALYST', 'MARKETING_ANALYST', 'SALES_ANALYST'] as const;

export interface SessionHistory {
  readonly rows: readonly ReplayRow[];
  /** What was in force when a row was sent, by its id. */
  readonly contexts: ReadonlyMap<string, SessionContext>;
  /** What is in force from when each switch has ended, in order, by session. */
  readonly switched: ReadonlyMap<string, readonly Switched[]>;
}

interface Switched {
  readonly at: EpochMs;
  readonly context: SessionContext;
}

const step = fc.record({
  session: fc.nat(USERS.length - 1),
  sent: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...SESSION_TEXTS) },
    { weight: 2, arbitrary: fc.constantFrom(...SWITCHES) },
  ),
  waitMs: fc.oneof(fc.nat(5_000), fc.nat(900_000)),
  executionMs: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 600_000 })),
});

/** Three sessions; what follows a switch is sent when that has ended. */
export function sessionHistoryOf(length: number): fc.Arbitrary<SessionHistory> {
  return fc.array(step, { minLength: length, maxLength: length }).map((steps) => {
    const states: SessionContext[] = USERS.map(() => LOGIN);
    const freeFrom: EpochMs[] = USERS.map(() => WORLD_BEGINS_AT);
    const contexts = new Map<string, SessionContext>();
    const switched = new Map<string, Switched[]>();
    let at = WORLD_BEGINS_AT;
    const rows = steps.map(({ session, sent, waitMs, executionMs }, index) => {
      at = 1 + Math.max(at + waitMs, freeFrom[session] ?? at);
      const before = must(states[session], 'a session');
      const isSwitch = typeof sent !== 'string';
      const isSuccess = !isSwitch || sent.sets !== null;
      const after = { ...before, ...(isSwitch ? sent.sets : {}) };
      const row: ReplayRow = {
        ...aRow(index, at, {
          text: isSwitch ? sent.text : sent,
          user: must(USERS[session], 'a user'),
          warehouse: before.warehouse,
          client: null,
          queryTag: before.queryTag,
          executionMs: isSwitch ? 50 : executionMs,
        }),
        sessionId: `${100 + session}`,
        role: before.role,
        database: before.database,
        schema: before.schema,
        isSuccess,
      };
      contexts.set(row.queryId, before);
      if (!isSwitch) return row;
      freeFrom[session] = row.endedAt;
      states[session] = after;
      const sessionId = row.sessionId ?? '';
      const known = switched.get(sessionId) ?? [];
      switched.set(sessionId, [...known, { at: row.endedAt, context: after }]);
      return row;
    });
    return { rows, contexts, switched };
  });
}

/** Upstream says after every statement where its session then stands. */
function replyOf(isSuccess: boolean, after: SessionContext): ScannedReply {
  const { role, warehouse, database, schema } = after;
  const data = {
    finalRoleName: role,
    finalWarehouseName: warehouse,
    finalDatabaseName: database,
    finalSchemaName: schema,
  };
  return { isComplete: true, top: { success: isSuccess }, data: isSuccess ? data : {} };
}

/** Sessions as the proxy comes to know them: by their login, and by the replies to what they sent. */
export class LiveSessions {
  readonly #switched: SessionHistory['switched'];
  readonly #states = new Map<string, SessionContext>();

  constructor({ switched }: SessionHistory) {
    this.#switched = switched;
  }

  of({ sessionId }: ReplayRow): SessionContext {
    return this.#states.get(sessionId ?? '') ?? LOGIN;
  }

  /** What ran, ran: also what would have been refused has switched its session. */
  ended(row: ReplayRow): void {
    const switched = this.#switched.get(row.sessionId ?? '') ?? [];
    const now = switched.findLast(({ at }) => at <= row.endedAt)?.context ?? LOGIN;
    const changes = sessionChanges(row.queryText ?? '', replyOf(row.isSuccess, now));
    this.#states.set(row.sessionId ?? '', { ...this.of(row), ...changes });
  }
}

/** Documents that go by roles, names and tags too. */
export const sessionDocuments: fc.Arbitrary<ControlDocument> = fc
  .tuple(documents, fc.boolean(), fc.boolean())
  .map(([document, isMapped, isRuled]) => {
    const loader = { match: { account: 'demo', role: 'LOADER' }, principal: 'sales_analyst' };
    const rule = {
      id: 'loaders',
      mode: 'enforce',
      message: 'loaders only load',
      effect: 'refuse',
      when: 'caller.role == "LOADER" && statement.class == "query"',
    } as const;
    const parsed = parseControlDocument({
      ...document,
      mapping: [...(isMapped ? [loader] : []), ...document.mapping],
      rules: [...document.rules, ...(isRuled ? [rule] : [])],
    });
    return must(parsed.ok ? parsed.document : undefined, 'it is accepted');
  });
