/**
 * CREATE, ALTER, DROP and DESCRIBE SECURITY INTEGRATION of TYPE = EXTERNAL_OAUTH (Snowflake, "CREATE SECURITY
 * INTEGRATION (External OAuth)"), for ACCOUNTADMIN. Keys are given with it: this warehouse fetches none from anywhere.
 */
import { columnType } from '#base/wire/row-type.js';
import type { Cell } from '#base/wire/row-type.js';
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
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import { alreadyExists, isAdministrator, nameTaken, notPrivileged } from './administration.js';
import { readPublicKey } from './json-web-token.js';
import {
  booleanOf,
  invalidProperty,
  invalidValue,
  nameTooLong,
  readProperties,
  textOf,
} from './properties.js';
import type { Property } from './properties.js';
import type { IntegrationRecord } from './user-records.js';

const INTEGRATIONS_MAX = 100;
const DONE = 'Statement executed successfully.';
const PROVIDERS = ['OKTA', 'AZURE', 'PING_FEDERATE', 'CUSTOM'] as const;

/** The answer, or undefined when the statement is about no security integration. */
export function integrationStatement(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<Outcome> | Outcome | undefined {
  const reader = new TokenReader(tokens);
  const verb = reader.acceptOne('CREATE', 'ALTER', 'DROP', 'DESC', 'DESCRIBE');
  const isReplacing = verb === 'CREATE' && reader.accept('OR', 'REPLACE');
  const isSecurity = reader.accept('SECURITY');
  if (verb === undefined || !reader.accept('INTEGRATION')) return undefined;
  const ifExists = reader.accept('IF', 'EXISTS');
  const ifNotExists = reader.accept('IF', 'NOT', 'EXISTS');
  const name = reader.acceptName()?.[0];
  if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'INTEGRATION');
  if (!isAdministrator(world, statement.session)) return notPrivileged('integration', name);
  const known = world.users.table.integrations.get(name);
  if (verb === 'CREATE') {
    const long = nameTooLong(name);
    if (long !== undefined) return long;
    if (!isSecurity) return unsupported('integrations other than SECURITY INTEGRATION');
    if (known !== undefined && !isReplacing) return nameTaken(name, ifNotExists);
    return keep(
      world,
      reader,
      blank(name, world.clock.now()),
      `Integration ${name} successfully created.`,
    );
  }
  if (known === undefined)
    return ifExists ? statusRow(DONE, STATEMENT_TYPES.ddl) : missingObject('Integration', name);
  switch (verb) {
    case 'ALTER':
      return reader.accept('SET')
        ? keep(world, reader, known, DONE)
        : syntaxFailure(reader.peek()?.value ?? 'ALTER');
    case 'DROP':
      return drop(world, name);
    default:
      return describe(known);
  }
}

async function keep(
  world: OwnWorld,
  reader: TokenReader,
  start: IntegrationRecord,
  done: string,
): Promise<Outcome> {
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  let integration: IntegrationRecord | EngineFailure = start;
  for (const property of properties) {
    integration = withProperty(integration, property, world.realNow());
    if ('kind' in integration) return integration;
  }
  const kept = integration;
  const missing =
    kept.issuer === BLANK
      ? 'EXTERNAL_OAUTH_ISSUER'
      : kept.keys.length === 0
        ? 'EXTERNAL_OAUTH_RSA_PUBLIC_KEY'
        : kept.userClaims[0] === BLANK
          ? 'EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM'
          : undefined;
  if (missing !== undefined)
    return failure('002029', '42601', `SQL compilation error:\nMissing option(s): [${missing}]`);
  const others = [...world.users.table.integrations.values()].filter(
    (one) => one.name !== kept.name,
  );
  // Two integrations with one issuer would leave open whose keys count.
  if (others.some((one) => one.issuer === kept.issuer)) return alreadyExists(kept.issuer);
  if (others.length >= INTEGRATIONS_MAX)
    return unsupported(`more than ${INTEGRATIONS_MAX} integrations`);
  await world.users.change((table) => ({
    ...table,
    integrations: new Map([...table.integrations, [kept.name, kept]]),
  }));
  return statusRow(done, STATEMENT_TYPES.ddl);
}

async function drop(world: OwnWorld, name: string): Promise<Outcome> {
  await world.users.change((table) => {
    const integrations = new Map(table.integrations);
    integrations.delete(name);
    return { ...table, integrations };
  });
  return statusRow(`${name} successfully dropped.`, STATEMENT_TYPES.ddl);
}

/** Stands where a property that must be given is not given yet. */
const BLANK = '-';

function blank(name: string, now: number): IntegrationRecord {
  return {
    name,
    isEnabled: false,
    provider: 'CUSTOM',
    issuer: BLANK,
    keys: [],
    audiences: [],
    userClaims: [BLANK],
    userAttribute: 'LOGIN_NAME',
    anyRoleMode: 'DISABLE',
    scopeClaim: 'scp',
    scopeDelimiter: ',',
    comment: '',
    createdAtMs: now,
  };
}

function withProperty(
  integration: IntegrationRecord,
  property: Property,
  now: number,
): IntegrationRecord | EngineFailure {
  const text = textOf(property);
  const word = text.toUpperCase();
  const invalid = invalidValue(property);
  switch (property.name) {
    case 'TYPE':
      return word === 'EXTERNAL_OAUTH'
        ? integration
        : unsupported(`security integrations of TYPE = ${word.slice(0, 100)}`);
    case 'ENABLED': {
      const isEnabled = booleanOf(property);
      return isEnabled === undefined ? invalid : { ...integration, isEnabled };
    }
    case 'EXTERNAL_OAUTH_TYPE': {
      const provider = PROVIDERS.find((one) => one === word);
      return provider === undefined ? invalid : { ...integration, provider };
    }
    case 'EXTERNAL_OAUTH_ISSUER':
      return text === '' || text === BLANK ? invalid : { ...integration, issuer: text };
    case 'EXTERNAL_OAUTH_RSA_PUBLIC_KEY':
      return withKey(integration, property, 0, now);
    case 'EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2':
      return withKey(integration, property, 1, now);
    case 'EXTERNAL_OAUTH_AUDIENCE_LIST':
      return { ...integration, audiences: [...property.list] };
    case 'EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM':
      return property.list.length === 0 || property.list.includes('')
        ? invalid
        : { ...integration, userClaims: [...property.list] };
    case 'EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE':
      return word === 'LOGIN_NAME' || word === 'EMAIL_ADDRESS'
        ? { ...integration, userAttribute: word }
        : invalid;
    case 'EXTERNAL_OAUTH_ANY_ROLE_MODE':
      return word === 'DISABLE' || word === 'ENABLE'
        ? { ...integration, anyRoleMode: word }
        : word === 'ENABLE_FOR_PRIVILEGE'
          ? unsupported('EXTERNAL_OAUTH_ANY_ROLE_MODE = ENABLE_FOR_PRIVILEGE')
          : invalid;
    case 'EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE':
      return text === 'scp' || text === 'scope' ? { ...integration, scopeClaim: text } : invalid;
    case 'EXTERNAL_OAUTH_SCOPE_DELIMITER':
      return text.length === 1 ? { ...integration, scopeDelimiter: text } : invalid;
    case 'COMMENT':
      return { ...integration, comment: text.slice(0, 1000) };
    case 'EXTERNAL_OAUTH_JWS_KEYS_URL':
      return unsupported('EXTERNAL_OAUTH_JWS_KEYS_URL; give EXTERNAL_OAUTH_RSA_PUBLIC_KEY');
    case 'EXTERNAL_OAUTH_ALLOWED_ROLES_LIST':
    case 'EXTERNAL_OAUTH_BLOCKED_ROLES_LIST':
      return unsupported(property.name);
    default:
      return invalidProperty(property.name, 'INTEGRATION');
  }
}

function withKey(
  integration: IntegrationRecord,
  property: Property,
  place: 0 | 1,
  now: number,
): IntegrationRecord | EngineFailure {
  const key = readPublicKey(textOf(property));
  if (key === undefined) return invalidValue(property);
  const [first, second] = integration.keys;
  const record = { ...key, setAtMs: now };
  const keys = place === 0 ? [record, second] : [first, record];
  return { ...integration, keys: keys.flatMap((one) => (one === undefined ? [] : [one])) };
}

function describe(integration: IntegrationRecord): Outcome {
  const row = (
    property: string,
    type: string,
    value: string,
    fallback: string,
  ): readonly Cell[] => [property, type, value, fallback];
  return rowsOf(
    ['property', 'property_type', 'property_value', 'property_default'].map((name) =>
      columnType(name, 'text'),
    ),
    [
      row('ENABLED', 'Boolean', String(integration.isEnabled), 'false'),
      row('EXTERNAL_OAUTH_ISSUER', 'String', integration.issuer, ''),
      row('EXTERNAL_OAUTH_ANY_ROLE_MODE', 'String', integration.anyRoleMode, 'DISABLE'),
      row('EXTERNAL_OAUTH_RSA_PUBLIC_KEY', 'String', integration.keys[0]?.key ?? '', ''),
      row('EXTERNAL_OAUTH_RSA_PUBLIC_KEY_2', 'String', integration.keys[1]?.key ?? '', ''),
      row('EXTERNAL_OAUTH_BLOCKED_ROLES_LIST', 'List', 'ACCOUNTADMIN,ORGADMIN,SECURITYADMIN', '[]'),
      row('EXTERNAL_OAUTH_AUDIENCE_LIST', 'List', integration.audiences.join(','), '[]'),
      row(
        'EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM',
        'Object',
        JSON.stringify(integration.userClaims),
        '',
      ),
      row(
        'EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE',
        'String',
        integration.userAttribute,
        'LOGIN_NAME',
      ),
      row('EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE', 'String', integration.scopeClaim, 'scp'),
      row('EXTERNAL_OAUTH_SCOPE_DELIMITER', 'String', integration.scopeDelimiter, ','),
      row('COMMENT', 'String', integration.comment, ''),
    ],
    STATEMENT_TYPES.describe,
  );
}
