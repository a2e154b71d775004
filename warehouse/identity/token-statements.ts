/**
 * ALTER USER … ADD, ROTATE, REMOVE and MODIFY PROGRAMMATIC ACCESS TOKEN, and SHOW USER PROGRAMMATIC ACCESS TOKENS
 * (Snowflake's pages of these names). A secret is in the answer that made it and nowhere else.
 */
import { columnType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import type { EngineFailure } from '../engine/engine.js';
import {
  failure,
  missingObject,
  rowsOf,
  statusRow,
  syntaxFailure,
  unsupported,
} from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { Statement } from '../statement/statement.js';
import type { TokenReader } from '../statement/tokens.js';
import { isUsable, newTokenSecret, TOKENS_PER_USER_MAX } from './access-tokens.js';
import { alreadyExists, isAdministrator, nameTaken, notPrivileged } from './administration.js';
import {
  booleanOf,
  invalidProperty,
  invalidValue,
  nameOf,
  nameTooLong,
  readNames,
  readProperties,
  textOf,
  wholeNumberOf,
} from './properties.js';
import type { TokenRecord, UserRecord } from './user-records.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS_DEFAULT = 15;
const DAYS_MAX = 365;
const HOURS_DEFAULT = 24;
/** How long an expired token is still listed. */
const LISTED_AFTER_END_MS = 30 * DAY_MS;
const DONE = 'Statement executed successfully.';

/** The answer, when what follows the user's name in ALTER USER is about a token; undefined, nothing read, otherwise. */
export function tokenStatement(
  world: OwnWorld,
  statement: Statement,
  user: UserRecord,
  reader: TokenReader,
  isAdmin: boolean,
): Promise<Outcome> | Outcome | undefined {
  for (const verb of ['ADD', 'ROTATE', 'REMOVE', 'MODIFY'] as const) {
    const isToken =
      reader.accept(verb, 'PAT') || reader.accept(verb, 'PROGRAMMATIC', 'ACCESS', 'TOKEN');
    if (!isToken) continue;
    const ifNotExists = verb === 'ADD' && reader.accept('IF', 'NOT', 'EXISTS');
    const name = reader.acceptName()?.[0];
    if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'TOKEN');
    // A session that a token opened makes no further ones of more power than its own.
    if (statement.session.roleLimit !== null && verb !== 'REMOVE')
      return notPrivileged('user', user.name);
    const change: Change = { world, statement, user, name, isAdmin };
    if (verb === 'ADD') return add(change, reader, ifNotExists);
    const token = user.tokens.find((one) => one.name === name);
    if (token === undefined) return missingObject('Programmatic access token', name);
    switch (verb) {
      case 'ROTATE':
        return rotate(change, token, reader);
      case 'REMOVE':
        return keepTokens(change, (tokens) => tokens.filter((one) => one.name !== name));
      case 'MODIFY':
        return modify(change, token, reader);
    }
  }
  return undefined;
}

interface Change {
  readonly world: OwnWorld;
  readonly statement: Statement;
  readonly user: UserRecord;
  readonly name: string;
  readonly isAdmin: boolean;
}

async function add(change: Change, reader: TokenReader, ifNotExists: boolean): Promise<Outcome> {
  const { user, name, statement } = change;
  const long = nameTooLong(name);
  if (long !== undefined) return long;
  if (user.tokens.some((one) => one.name === name)) return nameTaken(name, ifNotExists);
  const now = change.world.realNow();
  const { secret, hash } = newTokenSecret();
  let token: TokenRecord | EngineFailure = {
    name,
    hash,
    roleRestriction: null,
    expiresAtMs: now + DAYS_DEFAULT * DAY_MS,
    createdAtMs: now,
    createdBy: statement.session.user.name,
    comment: '',
    isDisabled: false,
    rotatedTo: null,
  };
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  for (const property of properties) {
    switch (property.name) {
      case 'ROLE_RESTRICTION': {
        const role = nameOf(property).join('.');
        if (!change.world.users.availableRoles(user.name).includes(role))
          return missingObject('Role', role);
        token = { ...token, roleRestriction: role };
        break;
      }
      case 'DAYS_TO_EXPIRY': {
        const days = wholeNumberOf(property, 1, DAYS_MAX);
        if (days === undefined) return invalidValue(property);
        token = { ...token, expiresAtMs: now + days * DAY_MS };
        break;
      }
      case 'COMMENT':
        token = { ...token, comment: textOf(property).slice(0, 1000) };
        break;
      default:
        return invalidProperty(property.name, 'PROGRAMMATIC ACCESS TOKEN');
    }
  }
  if (user.type === 'SERVICE' && token.roleRestriction === null)
    return failure(
      '001423',
      '22023',
      'ROLE_RESTRICTION is required for a token of a user of TYPE = SERVICE.',
    );
  if (user.tokens.length >= TOKENS_PER_USER_MAX)
    return failure('000002', '0A000', `A user may have at most ${TOKENS_PER_USER_MAX} tokens.`);
  const made = token;
  const kept = await keepTokens(change, (tokens) => [...tokens, made]);
  return kept.kind === 'failed'
    ? kept
    : rowsOf(
        [columnType('token_name', 'text'), columnType('token_secret', 'text')],
        [[name, secret]],
        STATEMENT_TYPES.ddl,
      );
}

/** A new secret under the name; the old one goes on under another name until it expires. */
async function rotate(change: Change, token: TokenRecord, reader: TokenReader): Promise<Outcome> {
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  let hours = HOURS_DEFAULT;
  for (const property of properties) {
    if (property.name !== 'EXPIRE_ROTATED_TOKEN_AFTER_HOURS')
      return invalidProperty(property.name, 'PROGRAMMATIC ACCESS TOKEN');
    const wanted = wholeNumberOf(property, 0, DAYS_MAX * 24);
    if (wanted === undefined) return invalidValue(property);
    hours = wanted;
  }
  const now = change.world.realNow();
  // Those that rotated away stay listed for a month; who turns faster than that waits.
  if (change.user.tokens.length >= 2 * TOKENS_PER_USER_MAX)
    return unsupported(
      `more than ${2 * TOKENS_PER_USER_MAX} tokens of a user, rotated ones included`,
    );
  const { secret, hash } = newTokenSecret();
  const oldName = `${token.name}_ROTATED_${now}`;
  const lifeMs = token.expiresAtMs - token.createdAtMs;
  const fresh: TokenRecord = { ...token, hash, createdAtMs: now, expiresAtMs: now + lifeMs };
  const old: TokenRecord = {
    ...token,
    name: oldName,
    rotatedTo: token.name,
    expiresAtMs: Math.min(token.expiresAtMs, now + hours * HOUR_MS),
  };
  const kept = await keepTokens(change, (tokens) => [
    ...tokens.filter((one) => one.name !== token.name && !isLongGone(one, now)),
    fresh,
    old,
  ]);
  return kept.kind === 'failed'
    ? kept
    : rowsOf(
        ['token_name', 'token_secret', 'rotated_token_name'].map((column) =>
          columnType(column, 'text'),
        ),
        [[token.name, secret, oldName]],
        STATEMENT_TYPES.ddl,
      );
}

async function modify(change: Change, token: TokenRecord, reader: TokenReader): Promise<Outcome> {
  let changed = token;
  if (reader.accept('RENAME', 'TO')) {
    const name = reader.acceptName()?.[0];
    if (name === undefined) return syntaxFailure('RENAME');
    if (change.user.tokens.some((one) => one.name === name)) return alreadyExists(name);
    changed = { ...token, name };
  } else if (reader.accept('UNSET')) {
    const names = readNames(reader);
    if ('kind' in names) return names;
    for (const name of names) {
      if (name === 'COMMENT') changed = { ...changed, comment: '' };
      else if (name === 'DISABLED') changed = { ...changed, isDisabled: false };
      else return invalidProperty(name, 'PROGRAMMATIC ACCESS TOKEN');
    }
  } else if (reader.accept('SET')) {
    const properties = readProperties(reader);
    if ('kind' in properties) return properties;
    for (const property of properties) {
      const isDisabled = booleanOf(property);
      if (property.name === 'COMMENT')
        changed = { ...changed, comment: textOf(property).slice(0, 1000) };
      else if (property.name !== 'DISABLED')
        return invalidProperty(property.name, 'PROGRAMMATIC ACCESS TOKEN');
      else if (isDisabled === undefined) return invalidValue(property);
      // Only an administrator may lift what an administrator may have laid upon it.
      else if (!isDisabled && !change.isAdmin) return notPrivileged('user', change.user.name);
      else changed = { ...changed, isDisabled };
    }
  } else return syntaxFailure(reader.peek()?.value ?? 'MODIFY');
  return keepTokens(change, (tokens) =>
    tokens.map((one) => (one.name === token.name ? changed : one)),
  );
}

async function keepTokens(
  { world, user }: Change,
  change: (tokens: readonly TokenRecord[]) => readonly TokenRecord[],
): Promise<Outcome> {
  await world.users.change((table) => {
    const now = table.users.get(user.name);
    if (now === undefined) return table;
    const changed = { ...now, tokens: [...change(now.tokens)] };
    return { ...table, users: new Map([...table.users, [user.name, changed]]) };
  });
  return statusRow(DONE, STATEMENT_TYPES.ddl);
}

function isLongGone(token: TokenRecord, now: number): boolean {
  return token.expiresAtMs + LISTED_AFTER_END_MS < now;
}

const COLUMNS = [
  columnType('name', 'text'),
  columnType('user_name', 'text'),
  columnType('role_restriction', 'text'),
  columnType('expires_at', 'timestamp_ltz', { scale: 3 }),
  columnType('status', 'text'),
  columnType('comment', 'text'),
  columnType('created_on', 'timestamp_ltz', { scale: 3 }),
  columnType('created_by', 'text'),
  columnType('mins_to_bypass_network_policy_requirement', 'fixed'),
  columnType('rotated_to', 'text'),
];

/**
 * `SHOW USER [PROGRAMMATIC ACCESS TOKENS | PATS] [FOR USER name]`: the session's own, another's for administrators.
 * Times are real time, like every credential's.
 */
export function showTokens(
  world: OwnWorld,
  statement: Statement,
  reader: TokenReader,
): Outcome | undefined {
  if (!reader.accept('PATS') && !reader.accept('PROGRAMMATIC', 'ACCESS', 'TOKENS'))
    return undefined;
  const own = statement.session.user.name;
  const name = reader.accept('FOR', 'USER') ? reader.acceptName()?.[0] : own;
  if (name === undefined || !reader.atEnd) return syntaxFailure(reader.peek()?.value ?? 'USER');
  if (name !== own && !isAdministrator(world, statement.session))
    return notPrivileged('user', name);
  const user = world.users.get(name);
  if (user === undefined) return missingObject('User', name);
  const now = world.realNow();
  const rows = user.tokens
    .filter((token) => !isLongGone(token, now))
    .map((token) => [
      token.name,
      user.name,
      token.roleRestriction,
      (token.expiresAtMs / 1000).toFixed(3),
      user.isDisabled || token.isDisabled
        ? 'DISABLED'
        : isUsable(token, now)
          ? 'ACTIVE'
          : 'EXPIRED',
      token.comment,
      (token.createdAtMs / 1000).toFixed(3),
      token.createdBy,
      null,
      token.rotatedTo,
    ]);
  return rowsOf(COLUMNS, rows, STATEMENT_TYPES.show);
}
