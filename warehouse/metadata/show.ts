/** SHOW: metadata that uses no warehouse. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { failure, rowsOf, syntaxFailure, unsupported } from '../statement/outcome.js';
import type { Outcome, Rows } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import { listWarehouses } from '../fleet/show-warehouses.js';
import type { Session } from '../identity/sessions.js';
import { showTokens } from '../identity/token-statements.js';
import type { Statement } from '../statement/statement.js';
import { ABSENT_KINDS } from './absent-kinds.js';
import { listingOf } from './listing.js';
import type { Listing } from './listing.js';
import {
  listColumns,
  listDatabases,
  listSchemas,
  listSequences,
  listTables,
} from './show-catalogue.js';
import { listIntegrations, listRoles, listUsers, showGrants } from './show-identity.js';
import { keysShown, listKeys } from './show-keys.js';
import type { KeysShown } from './show-keys.js';
import { showParameters } from './show-parameters.js';
import { likePattern, readClauses } from './show-clauses.js';
import type { ShowClauses } from './show-clauses.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';

/** Most rows of one SHOW (Snowflake, "SHOW <objects>"). */
const ROWS_MAX = 10_000;

/** The answer to a SHOW; of kinds that nobody knows a syntax failure. */
export async function show(
  world: OwnWorld,
  { session, ...statement }: Statement,
  tokens: readonly Token[],
): Promise<Outcome> {
  const reader = new TokenReader(tokens);
  reader.accept('SHOW');
  const isTerse = reader.accept('TERSE');
  if (reader.accept('PARAMETERS')) {
    const { like, listing } = showParameters(world, session, reader);
    return isListing(listing) ? finish(listing, { ...EVERYTHING, like }) : listing;
  }
  if (reader.accept('GRANTS')) return finishAll(showGrants(world, session, reader));
  if (reader.accept('FUTURE', 'GRANTS')) return finishAll(listingOf(FUTURE_GRANTS, []));
  const keys = keysShown(reader);
  if (keys !== undefined) return showKeys(world, session, reader, keys);
  const absent = absentKind(reader);
  if (absent !== undefined) return finishAll(listingOf(absent, []));
  const known = reader.peek()?.value;
  if (reader.accept('USER')) {
    const tokensOfUser = showTokens(world, { session, ...statement }, reader);
    return tokensOfUser ?? syntaxFailure(reader.peek()?.value ?? 'USER');
  }
  const kind = reader.next();
  if (kind?.kind !== 'word') return syntaxFailure(known ?? 'SHOW');
  if (SECURITY_WORDS.has(kind.value) && reader.accept('INTEGRATIONS'))
    return finishIntegrations(world, session, reader, kind.value);
  const clauses = await readClauses(world, reader, session, isTerse, kind.value);
  if (clauses === undefined) return syntaxFailure(reader.peek()?.value ?? kind.value);
  if (clauses.isMissing) return missingContainer();
  const listing = await list(world, session, kind.value, clauses);
  return listing === undefined ? unsupported(`SHOW ${kind.value}`) : finish(listing, clauses);
}

async function showKeys(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
  shown: KeysShown,
): Promise<Outcome> {
  // As with columns, a bare name after IN is that of a table.
  const clauses = await readClauses(world, reader, session, false, 'COLUMNS');
  if (clauses === undefined) return syntaxFailure(reader.peek()?.value ?? 'KEYS');
  if (clauses.isMissing) return missingContainer();
  return finish(listKeys(shown, await world.engine.tables(null, null), clauses), clauses);
}

async function list(
  world: OwnWorld,
  session: Session,
  kind: string,
  clauses: ShowClauses,
): Promise<Listing | undefined> {
  const { isTerse } = clauses;
  const { database, schema, table } = clauses.scope;
  switch (kind) {
    case 'WAREHOUSES':
      return listWarehouses(world.fleet, session);
    case 'DATABASES':
      return listDatabases(await world.engine.databases(), session, isTerse);
    case 'SCHEMAS':
      return listSchemas(await world.engine.schemas(database), session, isTerse);
    case 'TABLES':
    case 'VIEWS':
    case 'OBJECTS':
      return listTables(await world.engine.tables(database, schema), kind, isTerse);
    case 'SEQUENCES':
      return listSequences(await world.engine.sequences(database, schema));
    case 'COLUMNS':
      return listColumns(await world.engine.columns(database, schema, table));
    case 'ROLES':
      return listRoles(world, session);
    case 'USERS':
      return listUsers(world, session);
    case 'INTEGRATIONS':
      return listIntegrations(world, session);
    case 'VARIABLES':
      return listVariables(session);
    case 'REGIONS':
      return listingOf(
        'region_group snowflake_region cloud region display_name',
        [
          {
            region_group: 'PUBLIC',
            snowflake_region: 'EMBEDDED',
            cloud: 'none',
            region: 'embedded',
            display_name: 'Embedded warehouse',
          },
        ],
        'snowflake_region',
      );
    default:
      return undefined;
  }
}

function listVariables(session: Session): Listing {
  const rows = [...session.variables].map(([name, value]) => ({
    session_id: String(session.id),
    name,
    value,
    type: 'text',
    comment: '',
  }));
  return listingOf('session_id created_on updated_on name value type comment', rows);
}

const SECURITY_WORDS: ReadonlySet<string> = new Set([
  'SECURITY',
  'API',
  'STORAGE',
  'NOTIFICATION',
  'CATALOG',
]);

/** Integrations of one category; those that are no security integrations do not exist here. */
async function finishIntegrations(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
  category: string,
): Promise<Outcome> {
  const clauses = await readClauses(world, reader, session, false, 'INTEGRATIONS');
  if (clauses === undefined) return syntaxFailure(reader.peek()?.value ?? 'INTEGRATIONS');
  const all = listIntegrations(world, session);
  return finish(category === 'SECURITY' ? all : { ...all, rows: [] }, clauses);
}

const FUTURE_GRANTS = 'created_on privilege grant_on name grant_to grantee_name grant_option';
const EVERYTHING = {
  like: undefined,
  startsWith: undefined,
  after: undefined,
  limit: undefined,
} as const;

/** The columns of a kind of object that this account has none of; its words are read. */
function absentKind(reader: TokenReader): string | undefined {
  for (const [kind, columns] of Object.entries(ABSENT_KINDS))
    if (reader.accept(...kind.split(' '))) return columns;
  return undefined;
}

function isListing(answer: Listing | Outcome): answer is Listing {
  return !('kind' in answer);
}

function finishAll(answer: Listing | Outcome): Outcome {
  return isListing(answer) ? finish(answer, EVERYTHING) : answer;
}

function finish(
  listing: Listing,
  clauses: Pick<ShowClauses, 'like' | 'startsWith' | 'after' | 'limit'>,
): Rows {
  const pattern = clauses.like === undefined ? undefined : likePattern(clauses.like);
  const rows = listing.rows.filter((row) => {
    const name = row[listing.nameAt] ?? '';
    if (pattern !== undefined && !pattern.test(name)) return false;
    if (clauses.after !== undefined && name <= clauses.after) return false;
    return clauses.startsWith === undefined || name.startsWith(clauses.startsWith);
  });
  return rowsOf(listing.columns, rows.slice(0, clauses.limit ?? ROWS_MAX), STATEMENT_TYPES.show);
}

/** `002043`: what drivers and dbt take for "there is nothing". */
function missingContainer(): Outcome {
  return failure(
    '002043',
    '02000',
    'SQL compilation error:\nObject does not exist, or operation cannot be performed.',
  );
}
