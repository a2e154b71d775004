/** Which files a table has had loaded: the same file is not loaded twice within 64 days (Snowflake, "COPY INTO <table>"). */
import type { StatementRequest } from '../process/messages.js';
import { quoteDuckText } from '../sql/pieces.js';
import { dotted, type FullName } from '../sql/resolve.js';
import { nowOf, type StageSession } from './catalogue.js';
import type { Target } from './target-table.js';

const KEPT_MS = 64 * 24 * 3600 * 1000;

export interface FileMark {
  readonly path: string;
  /** Of the stored bytes. */
  readonly md5: string;
}

/** Loads into temporary tables, which end with the session. */
const ofTemporary = new WeakMap<object, Map<string, Set<string>>>();

/** Of `files` those whose name and content the table has not had within 64 days. */
export async function unloaded(
  session: StageSession,
  target: Target,
  directory: string,
  files: readonly FileMark[],
  request: StatementRequest,
): Promise<ReadonlySet<string>> {
  const known = target.isTemporary
    ? temporaryLoads(session, target.full)
    : await recordedLoads(session, target.full, directory, request);
  return new Set(
    files
      .filter((file) => !known.has(mark(target.isTemporary ? directory : '', file)))
      .map(({ path }) => path),
  );
}

function mark(directory: string, file: FileMark): string {
  return `${directory}\n${file.path}\n${file.md5}`;
}

function temporaryLoads(session: StageSession, full: FullName): Set<string> {
  const tables = ofTemporary.get(session) ?? new Map<string, Set<string>>();
  ofTemporary.set(session, tables);
  const known = tables.get(dotted(full)) ?? new Set<string>();
  tables.set(dotted(full), known);
  return known;
}

function inTable(full: FullName): string {
  return `in_database = ${quoteDuckText(full.database)} AND in_schema = ${quoteDuckText(full.schema)} AND name = ${quoteDuckText(full.name)}`;
}

async function recordedLoads(
  session: StageSession,
  full: FullName,
  directory: string,
  request: StatementRequest,
): Promise<ReadonlySet<string>> {
  const found = await session.connection.runAndReadAll(
    `SELECT file, md5 FROM tollgate.loads WHERE ${inTable(full)} AND directory = ${quoteDuckText(directory)}
       AND loaded_at_ms > ${nowOf(request) - KEPT_MS}`,
  );
  return new Set(
    found.getRows().map(([path, md5]) => mark('', { path: String(path), md5: String(md5) })),
  );
}

/** Notes that the table has these files, in the transaction that is open. */
export async function recordLoads(
  session: StageSession,
  target: Target,
  directory: string,
  files: readonly FileMark[],
  request: StatementRequest,
): Promise<void> {
  if (files.length === 0) return;
  if (target.isTemporary) {
    const known = temporaryLoads(session, target.full);
    for (const file of files) known.add(mark(directory, file));
    return;
  }
  const { full } = target;
  const table = [full.database, full.schema, full.name, directory].map(quoteDuckText).join(', ');
  const rows = files.map(
    (file) =>
      `(${table}, ${quoteDuckText(file.path)}, ${quoteDuckText(file.md5)}, ${nowOf(request)})`,
  );
  await session.connection.run(`INSERT INTO tollgate.loads VALUES ${rows.join(', ')}`);
}

/** Forgets the loads of a table that is emptied, dropped or made anew. */
export async function forgetLoads(session: StageSession, full: FullName): Promise<void> {
  ofTemporary.get(session)?.delete(dotted(full));
  await session.connection.run(`DELETE FROM tollgate.loads WHERE ${inTable(full)}`);
}
