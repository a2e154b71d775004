/** Checks of the ledger's database: found, new enough, migrated, with the rights the application needs, in time. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Config, Secrets } from '../../base/config.js';
import { toError } from '../../base/errors.js';
import { postgresBinaries } from '../../base/postgres/binaries.js';
import { openDatabase, type Database, type Queryable } from '../../base/postgres/pool.js';
import { keepsSession, NAME_THE_SERVER, SCHEMA } from '../../base/postgres/session.js';
import {
  knownMigrations,
  migrationText,
  olderMayRun,
  schemaMisfit,
  type SchemaMisfit,
} from '../../migrations/migrate.js';
import { reason } from '../admin-client.js';
import { POSTGRES_FLOOR, POSTGRES_FLOOR_FIX, whyUnusable } from '../unusable-database.js';
import { checkClock } from './clock.js';
import { finderOf, type Finding } from './finding.js';

const STATEMENT_TIMEOUT_MS = 5000;
const { ok, note, failed } = finderOf('Database');

export interface DatabasePlace {
  readonly url: string;
  /** Without password, for people. */
  readonly place: string;
}

/** Where the database is; undefined: the embedded one, and it is not running. */
export function databasePlace(secrets: Secrets, dataDir: string): DatabasePlace | undefined {
  if (secrets.databaseUrl === null) return embeddedPlace(path.join(dataDir, 'postgres'));
  const url = new URL(secrets.databaseUrl);
  const port = url.port === '' ? '5432' : url.port;
  return { url: secrets.databaseUrl, place: `${url.hostname}:${port}${url.pathname}` };
}

/** The running server writes its port into the fourth line of its pid file (PostgreSQL, miscadmin.h). */
function embeddedPlace(home: string): DatabasePlace | undefined {
  try {
    const port = readFileSync(path.join(home, 'data', 'postmaster.pid'), 'utf8').split('\n')[3];
    const password = readFileSync(path.join(home, 'app-password'), 'utf8').trim();
    if (port === undefined || !/^\d+$/.test(port)) return undefined;
    return {
      url: `postgres://tollgate_app:${password}@127.0.0.1:${port}/tollgate`,
      place: `embedded on 127.0.0.1:${port}`,
    };
  } catch {
    return undefined;
  }
}

export function openForExamination(place: DatabasePlace, config: Config): Database {
  return openDatabase(
    {
      url: place.url,
      connectionsMax: 1,
      connectTimeoutMs: config.databaseConnectTimeoutMs,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      applicationName: 'tollgate-doctor',
    },
    () => undefined,
  );
}

/** The embedded server that is not running: its programs must be there. */
export function checkEmbeddedPrograms(): Finding {
  try {
    postgresBinaries();
  } catch (thrown) {
    const fix = 'Run `npm ci`, or set TOLLGATE_DATABASE_URL.';
    return failed('database', toError(thrown).message, fix);
  }
  return ok('database', 'embedded Postgres, started with `tollgate serve`');
}

interface Asked {
  readonly number: number;
  readonly name: string;
  readonly at: string;
  readonly takes_none: boolean;
}

/**
 * Everything about a database that should answer. `isUsable`: later checks may read our tables.
 * @param now real time in milliseconds.
 */
export async function checkDatabase(
  place: string,
  db: Queryable,
  now: () => number,
): Promise<{ readonly findings: readonly Finding[]; readonly isUsable: boolean }> {
  const check = 'database';
  let asked: Asked | undefined;
  const sentAt = now();
  try {
    const { rows } = await db.query<Asked>(
      `SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS name,
              (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS at,
              current_setting('transaction_read_only')::boolean AS takes_none`,
    );
    asked = rows[0];
  } catch (thrown) {
    return { findings: [unanswered(place, thrown)], isUsable: false };
  }
  const tookMs = now() - sentAt;
  if (asked === undefined || asked.number < POSTGRES_FLOOR) {
    const says = `${place} is PostgreSQL ${asked?.name ?? 'of unknown version'}`;
    return { findings: [failed(check, says, POSTGRES_FLOOR_FIX)], isUsable: false };
  }
  if (asked.takes_none) {
    const says = `${place} takes no writes: a standby, or default_transaction_read_only is on`;
    const fix = 'Name the primary in TOLLGATE_DATABASE_URL, or let the database take writes.';
    return { findings: [failed(check, says, fix)], isUsable: false };
  }
  if (!(await keepsSession(db))) {
    const says = `${place} drops what a connection says of itself: a pooler stands before Postgres`;
    return { findings: [failed(check, says, NAME_THE_SERVER)], isUsable: false };
  }
  const skewMs = sentAt + tookMs / 2 - Number(asked.at);
  const clock = checkClock('Database', 'clock', 'the database', {
    skewMs,
    exactToMs: tookMs,
  });
  const schema = await checkSchema(db);
  if (schema !== undefined)
    return {
      findings: [ok(check, `${place}, PostgreSQL ${asked.name}`), schema, clock],
      isUsable: false,
    };
  const rights = await checkRights(db);
  return {
    findings: [ok(check, `${place}, PostgreSQL ${asked.name}, migrated`), rights, clock],
    isUsable: rights.status !== 'failed',
  };
}

function unanswered(place: string, thrown: unknown): Finding {
  const { says, fix } = whyUnusable(thrown) ?? {
    says: 'does not answer',
    fix: 'Check that it runs, and host, user and password in TOLLGATE_DATABASE_URL.',
  };
  return failed('database', `${place} ${says} (${reason(thrown)})`, fix);
}

/** Undefined: its schema is what this program knows, or a newer one that it may run on. */
async function checkSchema(db: Queryable): Promise<Finding | undefined> {
  let misfit: SchemaMisfit | undefined;
  try {
    misfit = await schemaMisfit(db);
  } catch (thrown) {
    const fix = `Give the user of TOLLGATE_DATABASE_URL its rights on the schema ${SCHEMA}, or name its owner.`;
    return failed('schema', toError(thrown).message, fix);
  }
  if (misfit === undefined) return undefined;
  if (misfit.kind === 'newer')
    return failed('schema', misfit.says, 'Start the newer program; this one is refused.');
  const shutsOut = misfit.migrations.filter((name) => !olderMayRun(migrationText(name)));
  const isNew = misfit.migrations.length === knownMigrations().length;
  const stop =
    isNew || shutsOut.length === 0
      ? ''
      : ` Stop every older process before: ${shutsOut.join(', ')} must not run beside one.`;
  return note('schema', misfit.says, `\`tollgate serve\` migrates it at start.${stop}`);
}

/** What every statement of the ledger needs; migrations/ gives it to `tollgate_app`. */
const NEEDED: readonly (readonly [string, readonly string[]])[] = [
  ['control_version', ['SELECT', 'INSERT']],
  ['session_state', ['SELECT', 'INSERT', 'UPDATE']],
  ['ticket', ['SELECT', 'INSERT', 'UPDATE']],
  ['hold', ['SELECT', 'INSERT', 'UPDATE']],
  ['budget_period', ['SELECT', 'INSERT', 'UPDATE']],
  ['lease', ['SELECT', 'INSERT', 'UPDATE']],
  ['journal', ['SELECT', 'INSERT']],
  ['entry', ['SELECT', 'INSERT']],
  ['charge', ['SELECT', 'INSERT']],
  ['table_statistics', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
];

/** The rights of the role we came as. One that owns the tables may do more; triggers guard the ledger from it. */
export async function checkRights(db: Queryable): Promise<Finding> {
  const check = 'rights';
  const pairs = NEEDED.flatMap(([table, rights]) => rights.map((right) => [table, right] as const));
  const { rows } = await db.query<{
    role: string;
    owns: boolean;
    missing: (readonly [string, string])[];
  }>(
    `SELECT current_user AS role, pg_has_role(current_user, c.relowner, 'MEMBER') AS owns,
            coalesce((SELECT json_agg(json_build_array(t, r)) FROM unnest($2::text[], $3::text[]) AS needed (t, r)
                       WHERE NOT has_table_privilege(current_user, $1 || '.' || t, r)), '[]') AS missing
       FROM pg_class c WHERE c.oid = ($1 || '.charge')::regclass`,
    [SCHEMA, pairs.map(([table]) => table), pairs.map(([, right]) => right)],
  );
  const facts = rows[0];
  if (facts === undefined)
    return failed(check, 'could not be read', 'Look at the schema tollgate.');
  if (facts.missing.length > 0) {
    const grants = facts.missing.map(
      ([table, right]) => `GRANT ${right} ON ${SCHEMA}.${table} TO ${facts.role};`,
    );
    const says = `rights on our tables that ${facts.role} lacks: ${facts.missing.length}`;
    return failed(check, says, 'Run these as the owner of the tables:', grants);
  }
  if (facts.owns)
    return note(
      check,
      `${facts.role} owns the tables; triggers alone keep the ledger append-only`,
      'Fine for a small deployment. Otherwise migrate as an owner and run as a role of its own.',
    );
  return ok(check, `${facts.role} has what it needs, and may not change the ledger`);
}
