/**
 * The case of names. Snowflake stores unquoted names in capitals and compares exactly (page "Identifier requirements");
 * DuckDB compares without case. A name that only DuckDB would find is refused as Snowflake refuses it.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { invalidIdentifier, missingObject, StatementFailed, unsupported } from '../failures.js';
import { nameUses, type NameUse } from '../sql/name-uses.js';
import { isSymbol, isWord, quoteDuckText, quoteName, type Piece } from '../sql/pieces.js';
import { dotted } from '../sql/resolve.js';
import type { ResolvedMention } from '../sql/table-names.js';
import type { Statistics } from '../statistics/statistics.js';

interface StoredColumn {
  /** `DB.SCHEMA`. */
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

interface Known {
  readonly statistics: Statistics;
  readonly temporary: ReadonlySet<string>;
}

const isCapital = (name: string): boolean => name === name.toUpperCase();
const isOfView = ({ name, isDefinition }: NameUse): boolean => isCapital(name) && !isDefinition;

/** The stored names that are not in capitals: few, so they are read once for each state of the catalogue. */
export class ExactNames {
  #version = -1;
  #others: readonly StoredColumn[] = [];

  /**
   * `temporary` are the full dotted names of the session's temporary tables, which are exact.
   *
   * Throws StatementFailed: 002003 for a table and 000904 for a column whose name differs in case from the stored one,
   * 000002 where two names that differ only in case stand for different things and DuckDB cannot tell them apart.
   */
  async check(
    connection: DuckDBConnection,
    { statistics, temporary }: Known,
    pieces: readonly Piece[],
    mentions: readonly ResolvedMention[],
    sql: string,
  ): Promise<void> {
    await this.#read(connection, statistics);
    const uses = nameUses(pieces);
    const hasOwn = uses.some(({ name, isQuoted }) => isQuoted && !isCapital(name));
    if (!hasOwn && this.#others.length === 0) return;
    for (const mention of mentions)
      if (!temporary.has(dotted(mention.full))) this.#checkTable(mention);
    const tables = mentions.filter(({ full }) => full.schema !== 'INFORMATION_SCHEMA');
    const stored = await columnsOf(connection, tables);
    // Columns of its views are all in capitals: a name in capitals is one, or DuckDB finds none.
    const listed = tables.length === mentions.length ? [] : uses.filter(isOfView);
    checkColumns(uses, new Set([...stored, ...listed.map(({ name }) => name)]), sql, pieces);
  }

  async #read(connection: DuckDBConnection, statistics: Statistics): Promise<void> {
    if (this.#version === statistics.version) return;
    const found = await connection.runAndReadAll(
      `SELECT schema_name, table_name, column_name FROM duckdb_columns()
       WHERE database_name = 'warehouse' AND contains(schema_name, '.')
         AND (schema_name <> upper(schema_name) OR table_name <> upper(table_name) OR column_name <> upper(column_name))`,
    );
    this.#others = found.getRows().map((row) => ({
      schema: String(row[0]),
      table: String(row[1]),
      column: String(row[2]),
    }));
    this.#version = statistics.version;
  }

  #checkTable({ full }: ResolvedMention): void {
    const schema = `${full.database}.${full.schema}`;
    const isSame = (a: string, b: string): boolean => a.toUpperCase() === b.toUpperCase();
    const alike = this.#others.filter(
      (other) => isSame(other.schema, schema) && isSame(other.table, full.name),
    );
    const isExact = (other: StoredColumn): boolean =>
      other.schema === schema && other.table === full.name;
    const isOwn = !isCapital(schema) || !isCapital(full.name);
    if (alike.some(isExact)) return;
    const isOtherTable = alike.some((other) => !isCapital(other.schema) || !isCapital(other.table));
    if (isOwn || isOtherTable) throw new StatementFailed(missingObject(dotted(full)));
  }
}

/** Exact names of the columns of the mentioned tables. */
async function columnsOf(
  connection: DuckDBConnection,
  mentions: readonly ResolvedMention[],
): Promise<ReadonlySet<string>> {
  if (mentions.length === 0) return new Set();
  const tests = mentions.map(
    ({ full }) =>
      `(table_name = ${quoteDuckText(full.name)} AND schema_name IN ('main', ${quoteDuckText(`${full.database}.${full.schema}`)}))`,
  );
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT column_name FROM duckdb_columns() WHERE database_name IN ('warehouse', 'temp') AND (${tests.join(' OR ')})`,
  );
  return new Set(found.getRows().map(([name]) => String(name)));
}

function checkColumns(
  uses: readonly NameUse[],
  stored: ReadonlySet<string>,
  sql: string,
  pieces: readonly Piece[],
): void {
  const defined = new Set(uses.filter((use) => use.isDefinition).map(({ name }) => name));
  const known = new Set([...stored, ...defined]);
  const byCapitals = new Map<string, Set<string>>();
  for (const name of known) {
    const capitals = name.toUpperCase();
    byCapitals.set(capitals, (byCapitals.get(capitals) ?? new Set<string>()).add(name));
  }
  for (const { name, isQuoted, isDefinition, at } of uses) {
    const alike = byCapitals.get(name.toUpperCase());
    if (alike === undefined || isDefinition) continue;
    if (!alike.has(name) && [...alike].some((other) => !isCapital(other) || !isCapital(name))) {
      const written = isQuoted ? quoteName(name) : name;
      throw new StatementFailed(invalidIdentifier(sql, pieces[at]?.start ?? -1, written));
    }
    if (alike.size > 1 && isMistaken(name, at, uses, pieces))
      throw new StatementFailed(unsupported(`names that differ only in case, such as ${name}`));
  }
}

const CLAUSES: ReadonlySet<string> = new Set(
  'SELECT FROM WHERE GROUP HAVING QUALIFY ORDER LIMIT'.split(' '),
);

/**
 * Whether DuckDB would take another of the names that differ only in case: in ORDER BY it takes an alias before a
 * column, elsewhere a column before an alias. An alias that only renames the column is the same value either way.
 */
function isMistaken(
  name: string,
  at: number,
  uses: readonly NameUse[],
  pieces: readonly Piece[],
): boolean {
  const definitions = uses.filter(
    (use) => use.isDefinition && use.name.toUpperCase() === name.toUpperCase(),
  );
  if (definitions.every((definition) => isRename(definition, pieces))) return false;
  return isCapital(name) === (clauseOf(pieces, at) === 'ORDER');
}

function isRename({ name, at }: NameUse, pieces: readonly Piece[]): boolean {
  if (!isWord(pieces, at - 1, 'AS')) return false;
  if (pieces[at - 2]?.value.toUpperCase() !== name.toUpperCase()) return false;
  let start = at - 2;
  while (isSymbol(pieces, start - 1, '.')) start -= 2;
  return ['SELECT', 'DISTINCT', ','].includes(pieces[start - 1]?.value ?? '');
}

function clauseOf(pieces: readonly Piece[], from: number): string | undefined {
  let depth = 0;
  for (let at = from - 1; at >= 0; at -= 1) {
    if (isSymbol(pieces, at, ')')) depth += 1;
    else if (isSymbol(pieces, at, '(')) depth -= 1;
    if (depth < 0) return undefined;
    const piece = pieces[at];
    if (depth === 0 && piece?.kind === 'word' && CLAUSES.has(piece.value)) return piece.value;
  }
  return undefined;
}
