/** SHOW PARAMETERS [LIKE …] [IN|FOR …] (Snowflake's page of this name). */
import type { Cell } from '#base/wire/row-type.js';
import { isAdministrator, notPrivileged } from '../identity/administration.js';
import type { Session } from '../identity/sessions.js';
import { missingObject, syntaxFailure } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import { PARAMETERS } from '../statement/parameter-table.js';
import type { ParameterDefinition } from '../statement/parameter-table.js';
import type { ParameterValue } from '../statement/parameters.js';
import type { TokenReader } from '../statement/tokens.js';
import { listingOf } from './listing.js';
import type { Listing } from './listing.js';

/** What stands after PARAMETERS: a pattern, and whose parameters. */
export interface ParameterClauses {
  readonly like: string | undefined;
  readonly listing: Listing | Outcome;
}

interface SetValue {
  readonly value: ParameterValue;
  readonly level: string;
}

/** Reads the clauses and lists the parameters of the session, the account, a user, a warehouse or another object. */
export function showParameters(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): ParameterClauses {
  let like = reader.accept('LIKE') ? reader.next()?.value : undefined;
  let listing: Listing | Outcome | undefined;
  if (reader.accept('IN') || reader.accept('FOR')) listing = ofOwner(world, session, reader);
  if (reader.accept('LIKE')) like = reader.next()?.value;
  if (!reader.atEnd) listing = syntaxFailure(reader.peek()?.value ?? 'PARAMETERS');
  return { like, listing: listing ?? ofSession(session) };
}

function ofOwner(world: OwnWorld, session: Session, reader: TokenReader): Listing | Outcome {
  const kind = reader.next()?.value ?? '';
  switch (kind) {
    case 'SESSION':
      return ofSession(session);
    case 'ACCOUNT': {
      const set = world.users.table.accountParameters;
      return rowsOf(isSessions, (name) => levelled(set[name], 'ACCOUNT'));
    }
    case 'USER':
      return ofUser(world, session, nameAfter(reader) ?? session.user.name);
    case 'WAREHOUSE':
      return ofWarehouse(world, nameAfter(reader) ?? session.warehouse);
    case 'DATABASE':
    case 'SCHEMA':
    case 'TABLE':
      reader.acceptName();
      return rowsOf(
        (one) => one.object === 'DATABASE',
        () => undefined,
      );
    default:
      return syntaxFailure(kind);
  }
}

/** A name, unless the pattern follows at once. */
function nameAfter(reader: TokenReader): string | undefined {
  return reader.peek()?.value === 'LIKE' ? undefined : reader.acceptName()?.[0];
}

function ofSession(session: Session): Listing {
  return rowsOf(isSessions, (name) => {
    const value = session.parameters.get(name);
    const inherited = session.inherited.get(name);
    return value !== undefined && value === inherited?.value
      ? inherited
      : levelled(value, 'SESSION');
  });
}

function ofUser(world: OwnWorld, session: Session, name: string): Listing | Outcome {
  if (name !== session.user.name && !isAdministrator(world, session))
    return notPrivileged('user', name);
  const user = world.users.get(name);
  if (user === undefined) return missingObject('User', name);
  const account = world.users.table.accountParameters;
  return rowsOf(
    isSessions,
    (one) => levelled(user.parameters[one], 'USER') ?? levelled(account[one], 'ACCOUNT'),
  );
}

function ofWarehouse(world: OwnWorld, name: string | null): Listing | Outcome {
  const definition = name === null ? undefined : world.fleet.get(name)?.definition;
  if (definition === undefined) return missingObject('Warehouse', name ?? '');
  const own: Readonly<Record<string, ParameterValue>> = {
    MAX_CONCURRENCY_LEVEL: definition.maxConcurrency,
    STATEMENT_TIMEOUT_IN_SECONDS: definition.statementTimeoutSeconds,
  };
  const names = [...Object.keys(own), 'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS'];
  return rowsOf(
    (one) => names.includes(one.name),
    (one) =>
      PARAMETERS.get(one)?.default === own[one] ? undefined : levelled(own[one], 'WAREHOUSE'),
  );
}

function isSessions(definition: ParameterDefinition): boolean {
  return definition.object === undefined;
}

function levelled(value: ParameterValue | undefined, level: string): SetValue | undefined {
  return value === undefined ? undefined : { value, level };
}

function rowsOf(
  isWanted: (definition: ParameterDefinition) => boolean,
  setValue: (name: string) => SetValue | undefined,
): Listing {
  const rows = [...PARAMETERS.values()].filter(isWanted).map((definition) => {
    const set = setValue(definition.name);
    const row: Readonly<Record<string, Cell>> = {
      key: definition.name,
      value: String(set?.value ?? definition.default),
      default: String(definition.default),
      level: set?.level ?? '',
      description: definition.description,
      type: TYPES[typeof definition.default] ?? 'STRING',
    };
    return row;
  });
  return listingOf('key value default level description type', rows, 'key');
}

const TYPES: Readonly<Record<string, string>> = { boolean: 'BOOLEAN', number: 'NUMBER' };
