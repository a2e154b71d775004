/** The options of `tollgate explain` as a question: everything is looked up here, and refused in words. */
import type { HistoryView } from '../../policies/estimate/history-store.js';
import type { NameContext } from '../../policies/sql/facts.js';
import type { EpochMs } from '../../base/time.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { tryParseInstant } from '../../policies/control/instant.js';
import type {
  ControlDocument,
  PrincipalDocument,
  TeamDocument,
} from '../../policies/control/document.js';
import { type ControlSnapshot, createSnapshot } from '../../policies/control/snapshot.js';
import { foldName } from '../../policies/rules/glob.js';
import { nameText } from '../../policies/rules/amount-text.js';
import { problemLines, readControlFile } from '../control-file.js';
import { readLimited } from '../read-limited.js';
import { LIVE, type LiveControl } from '../live-control.js';
import { VerbError } from '../verb-error.js';

import { demoTables, type KnownTables, NO_TABLES, readStatistics } from './statistics.js';

/** Who would send what, and under which document. */
export interface Question {
  readonly sqlText: string;
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
  readonly account: string;
  readonly role: string | null;
  /** Driver or tool as it names itself; empty when it was not said. */
  readonly client: string;
  /** null: as in a session without one. */
  readonly warehouse: string | null;
  readonly names: NameContext;
  readonly snapshot: ControlSnapshot;
  /** `the demo`, or the name of a file. */
  readonly controlSource: string;
  readonly tables: KnownTables;
  readonly at: EpochMs;
  /** What statements took before; absent: nothing is known, as on the first day. */
  readonly history?: HistoryView;
  /** What a running Tollgate knows; null: budgets and freezes are not asked. */
  readonly live: LiveFacts | null;
}

/** How budgets stand that are in force, and what is frozen, the narrowest first. */
export type LiveFacts = Pick<LiveControl, 'standings' | 'freezes'>;

export interface QuestionOptions {
  readonly as?: string;
  readonly file?: string;
  readonly control?: string;
  readonly statistics?: string;
  readonly tier?: string;
  readonly warehouse?: string;
  readonly role?: string;
  readonly client?: string;
  readonly account?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly at?: string;
}

const SQL_BYTES_MAX = 10 * 1_048_576;
const NAMES_SHOWN_MAX = 8;
/** Where sessions of the embedded demo's users begin. */
const DEMO_NAMES = { database: 'ANALYTICS', schema: 'PUBLIC' };

/**
 * @param sql the argument; undefined where `--file` has the text.
 * @param now what `--at` is when it is absent; with `--control live` it is what it is there.
 * @param askLive asks the running Tollgate.
 * @throws VerbError (usage) naming the option, what is wrong with it, and what may stand there.
 */
export async function readQuestion(
  sql: string | undefined,
  options: QuestionOptions,
  now: EpochMs,
  askLive: () => Promise<LiveControl>,
): Promise<Question> {
  const { as } = options;
  if (as === undefined)
    throw new VerbError('--as: say who would send it, as in --as marketing_analyst.', 2);
  const sqlText = await readSql(sql, options.file);
  const { control } = options;
  const live = control === LIVE ? await askLive() : null;
  const at = options.at === undefined ? (live?.at ?? now) : instantOf(options.at);
  const snapshot =
    live === null
      ? createSnapshot(control === undefined ? demoControlDocument() : documentOf(control), 0)
      : createSnapshot(live.document, live.version, live.imported);
  const controlSource =
    live === null ? (control ?? 'the demo') : `version ${live.version} of the running Tollgate`;
  const role = options.role ?? null;
  const account = accountOf(snapshot, options.account, as);
  const principal = principalOf(snapshot, { as, account, role, controlSource });
  const team = snapshot.team(principal.team);
  if (team === undefined) throw new VerbError(`--as: ${principal.id} belongs to no team.`, 2);
  const isDemo = control === undefined;
  return {
    sqlText,
    principal,
    team,
    account,
    role,
    client: options.client ?? '',
    warehouse: warehouseOf(snapshot, options),
    names: namesOf(options, isDemo),
    snapshot,
    controlSource,
    tables:
      options.statistics === undefined
        ? isDemo
          ? demoTables()
          : NO_TABLES
        : await readStatistics(options.statistics),
    at,
    live,
  };
}

async function readSql(sql: string | undefined, file: string | undefined): Promise<string> {
  if (sql !== undefined && file !== undefined)
    throw new VerbError('The statement stands in the argument and in --file; choose one.', 2);
  const text =
    file === undefined ? (sql ?? '') : await readLimited(file, SQL_BYTES_MAX, 'the statement');
  if (text.trim() === '')
    throw new VerbError(
      'There is no statement: write it in quotes after explain, or name a file (- is standard input) with --file.',
      2,
    );
  return text;
}

function instantOf(text: string): EpochMs {
  const at = tryParseInstant(text);
  if (at === undefined)
    throw new VerbError(
      `--at: "${nameText(text, 40)}" is no instant; write UTC, such as 2026-11-26T22:00:00Z.`,
      2,
    );
  return at;
}

function documentOf(file: string): ControlDocument {
  const read = readControlFile(file);
  if (read.ok) return read.document;
  throw new VerbError(
    [`--control: ${file} is not valid:`, ...problemLines(file, read.problems)].join('\n'),
    2,
  );
}

/** The account that the mapping names for the principal, else the first of the document. */
function accountOf(snapshot: ControlSnapshot, asked: string | undefined, as: string): string {
  const { accounts, mapping } = snapshot.document;
  if (asked !== undefined) {
    const found = snapshot.account(asked);
    if (found !== undefined) return found.id;
    const names = someOf(accounts.map(({ id }) => id));
    throw new VerbError(`--account: "${nameText(asked, 80)}" is not listed; name ${names}.`, 2);
  }
  const own = mapping.find(
    ({ principal, match }) =>
      principal !== undefined &&
      foldName(principal) === foldName(as) &&
      match.account !== undefined,
  );
  return own?.match.account ?? accounts[0]?.id ?? '';
}

interface Asker {
  readonly as: string;
  readonly account: string;
  readonly role: string | null;
  readonly controlSource: string;
}

/** By the id of a principal; else as a Snowflake user, by the mapping. */
function principalOf(snapshot: ControlSnapshot, asker: Asker): PrincipalDocument {
  const { as, account, role } = asker;
  const named = snapshot.principal(as);
  if (named !== undefined) return named;
  const mapped = snapshot.resolvePrincipal({ account, snowflakeUser: as, role, address: null });
  if (mapped.kind !== 'unknown') return mapped.principal;
  const known = snapshot.document.principals.map(({ id }) => id);
  const near = known.filter((id) => foldName(id).startsWith(foldName(as.slice(0, 3))));
  throw new VerbError(
    `--as: "${nameText(as, 80)}" is no principal of ${asker.controlSource}, and its mapping knows no such Snowflake user; name ${someOf(near.length > 0 ? near : known)}.`,
    2,
  );
}

function warehouseOf(snapshot: ControlSnapshot, options: QuestionOptions): string {
  const { tier, warehouse } = options;
  if (tier !== undefined && warehouse !== undefined)
    throw new VerbError('--tier and --warehouse both say where it would run; choose one.', 2);
  if (warehouse !== undefined) return warehouse;
  if (tier === undefined) return snapshot.defaultTier().warehouse;
  const found = snapshot.tier(tier);
  if (found !== undefined) return found.warehouse;
  const names = someOf(snapshot.tiers.map(({ id }) => id));
  throw new VerbError(`--tier: "${nameText(tier, 80)}" is no tier; name ${names}.`, 2);
}

/** A schema without a database belongs to none, as in a session. */
function namesOf({ database, schema }: QuestionOptions, isDemo: boolean): Question['names'] {
  if (database === undefined && schema === undefined)
    return isDemo ? DEMO_NAMES : { database: null, schema: null };
  return {
    database: database === undefined ? (isDemo ? DEMO_NAMES.database : null) : nameOf(database),
    schema: schema === undefined ? 'PUBLIC' : nameOf(schema),
  };
}

/** Unquoted names fold to capitals, as they do in USE. */
export function nameOf(text: string): string {
  const quoted = /^"(.*)"$/.exec(text)?.[1];
  return quoted === undefined ? text.toUpperCase() : quoted.replaceAll('""', '"');
}

/** `one of a, b, c and 13 more`. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(', ');
  const more = names.length - NAMES_SHOWN_MAX;
  return `one of ${shown}${more > 0 ? ` and ${more} more` : ''}`;
}
