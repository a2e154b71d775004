/** `NAME = value` of CREATE and ALTER WAREHOUSE: how each property is read, and which combinations exist. */
import type { EpochMs } from '#base/time.js';
import type { EngineFailure } from '../engine/engine.js';
import { unsupported } from '../engine/failures.js';
import type { WarehouseMake } from './rates.js';
import { failure, syntaxFailure } from '../statement/outcome.js';
import type { Token, TokenReader } from '../statement/tokens.js';
import {
  ACCELERATION_SCALE_MAX,
  CLUSTERS_MAX,
  COMMENT_LENGTH_MAX,
  CONCURRENCY_MAX,
  SCALING_POLICIES,
  TIMEOUT_SECONDS_MAX,
  defaultDefinition,
} from './definition.js';
import type { WarehouseDefinition } from './definition.js';
import { RATE_ROWS } from './rate-table.js';
import { SIZE_LABELS, STANDARD_MAKE, tryCreditsPerHour, tryParseSize } from './rates.js';

/** What a statement asks for. */
export interface Wanted {
  readonly definition: WarehouseDefinition;
  readonly isInitiallySuspended: boolean;
}

/** Properties that are being read; what makes a make is resolved at the end, in whatever order it came. */
interface Draft {
  definition: WarehouseDefinition;
  isInitiallySuspended: boolean;
  hasSize: boolean;
  kind: WarehouseMake['kind'] | undefined;
  generation: 1 | 2 | undefined;
  constraint: string | undefined;
}

const KINDS: Readonly<Record<string, WarehouseMake['kind']>> = {
  STANDARD: 'STANDARD',
  'SNOWPARK-OPTIMIZED': 'SNOWPARK-OPTIMIZED',
  INTERACTIVE: 'INTERACTIVE',
};
const CONSTRAINTS: ReadonlyMap<string, string> = new Map(
  RATE_ROWS.flatMap(({ resourceConstraint }) =>
    resourceConstraint === null
      ? []
      : [[resourceConstraint.toUpperCase(), resourceConstraint] as const],
  ),
);
const GENERATIONS: Readonly<Record<string, 1 | 2>> = {
  STANDARD_GEN_1: 1,
  STANDARD_GEN_2: 2,
};
/** Source: Snowflake, "Snowpark-optimized warehouses": the defaults of the type. */
const SNOWPARK_CONSTRAINT = 'MEMORY_16X';
const SNOWPARK_SIZE = 'MEDIUM';

/** The kind's own generation and constraint. */
export function makeOfKind(kind: WarehouseMake['kind']): WarehouseMake {
  return {
    ...STANDARD_MAKE,
    kind,
    resourceConstraint: kind === 'SNOWPARK-OPTIMIZED' ? SNOWPARK_CONSTRAINT : null,
  };
}

/**
 * Reads `[WITH] NAME = value [,] …` up to the end. Source: Snowflake, CREATE WAREHOUSE and ALTER WAREHOUSE.
 *
 * @param start what is not named keeps this value.
 * @param isNew for CREATE: INITIALLY_SUSPENDED may be said, and the type decides the default size.
 * @param now decides which rates are in force: what has no rate does not exist.
 * @returns a failure `001003` for a text that is no property, `001008` for a value or combination that does not
 *   exist, `001420` for a name that is no property, `000002` for what is not modelled here.
 */
export function readProperties(
  reader: TokenReader,
  start: WarehouseDefinition,
  isNew: boolean,
  now: EpochMs,
): Wanted | EngineFailure {
  const draft: Draft = {
    definition: start,
    isInitiallySuspended: false,
    hasSize: false,
    kind: undefined,
    generation: undefined,
    constraint: undefined,
  };
  const seen = new Set<string>();
  reader.accept('WITH');
  while (!reader.atEnd) {
    const name = reader.next();
    if (name?.kind !== 'word') return syntaxFailure(name?.value ?? 'SET');
    if (name.value === 'TAG' || name.value === 'TABLES') return unsupported(name.value);
    const value = reader.accept('=') ? readValue(reader) : undefined;
    if (value === undefined) return syntaxFailure(reader.peek()?.value ?? name.value);
    reader.accept(',');
    if (seen.has(name.value)) return invalid(`duplicate property '${name.value}'`);
    seen.add(name.value);
    const refused = apply(draft, name.value, value, isNew);
    if (refused !== undefined) return refused;
  }
  return resolve(draft, isNew, now);
}

/**
 * Reads `NAME [, NAME …]` of UNSET and gives each the value of a warehouse that is created without it.
 *
 * @returns the failures of {@link readProperties}.
 */
export function readUnset(
  reader: TokenReader,
  start: WarehouseDefinition,
  now: EpochMs,
): Wanted | EngineFailure {
  const fallback = defaultDefinition(start.name, start.createdAtMs, start.id);
  let definition = start;
  if (reader.atEnd) return syntaxFailure('UNSET');
  while (!reader.atEnd) {
    const name = reader.next();
    if (name?.kind !== 'word') return syntaxFailure(name?.value ?? 'UNSET');
    reader.accept(',');
    const fields = FIELDS[name.value];
    if (fields === undefined) return unknown(name.value);
    for (const field of fields) {
      definition =
        field === 'make'
          ? { ...definition, make: makeOfKind(definition.make.kind) }
          : { ...definition, [field]: fallback[field] };
    }
    if (name.value === 'WAREHOUSE_TYPE') definition = { ...definition, make: STANDARD_MAKE };
  }
  return checked({ definition, isInitiallySuspended: false }, now);
}

const FIELDS: Readonly<Record<string, readonly (keyof WarehouseDefinition)[]>> = {
  WAREHOUSE_TYPE: ['make'],
  GENERATION: ['make'],
  RESOURCE_CONSTRAINT: ['make'],
  WAREHOUSE_SIZE: ['size'],
  AUTO_SUSPEND: ['autoSuspendSeconds'],
  AUTO_RESUME: ['autoResume'],
  MIN_CLUSTER_COUNT: ['clustersMin'],
  MAX_CLUSTER_COUNT: ['clustersMax'],
  SCALING_POLICY: ['scalingPolicy'],
  MAX_CONCURRENCY_LEVEL: ['maxConcurrency'],
  STATEMENT_TIMEOUT_IN_SECONDS: ['statementTimeoutSeconds'],
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: ['queuedTimeoutSeconds'],
  ENABLE_QUERY_ACCELERATION: ['hasQueryAcceleration'],
  QUERY_ACCELERATION_MAX_SCALE_FACTOR: ['accelerationScaleMax'],
  COMMENT: ['comment'],
  RESOURCE_MONITOR: [],
};

/** One value; `X-SMALL` and `SNOWPARK-OPTIMIZED` also without quotes. */
function readValue(reader: TokenReader): string | undefined {
  const sign = reader.accept('-') ? '-' : '';
  const first = reader.next();
  if (first === undefined || first.kind === 'mark') return undefined;
  let value = sign + first.value;
  if (first.kind === 'string' || first.kind === 'quoted') return value;
  let end = first.end;
  for (;;) {
    const token: Token | undefined = reader.peek();
    const isPart = token?.kind === 'word' || token?.kind === 'number' || token?.value === '-';
    if (token === undefined || !isPart || token.start !== end) return value;
    reader.next();
    value += token.value;
    end = token.end;
  }
}

/** Properties that take a whole number, with their field and bounds. */
const COUNTS: Readonly<
  Record<
    string,
    {
      readonly field:
        | 'clustersMin'
        | 'clustersMax'
        | 'maxConcurrency'
        | 'statementTimeoutSeconds'
        | 'queuedTimeoutSeconds'
        | 'accelerationScaleMax';
      readonly min: number;
      readonly max: number;
    }
  >
> = {
  MIN_CLUSTER_COUNT: { field: 'clustersMin', min: 1, max: CLUSTERS_MAX.XSMALL },
  MAX_CLUSTER_COUNT: { field: 'clustersMax', min: 1, max: CLUSTERS_MAX.XSMALL },
  MAX_CONCURRENCY_LEVEL: { field: 'maxConcurrency', min: 1, max: CONCURRENCY_MAX },
  STATEMENT_TIMEOUT_IN_SECONDS: {
    field: 'statementTimeoutSeconds',
    min: 0,
    max: TIMEOUT_SECONDS_MAX,
  },
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: {
    field: 'queuedTimeoutSeconds',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  },
  QUERY_ACCELERATION_MAX_SCALE_FACTOR: {
    field: 'accelerationScaleMax',
    min: 0,
    max: ACCELERATION_SCALE_MAX,
  },
};

/** Takes one property over into the draft; a failure for what is not one or has no such value. */
function apply(draft: Draft, name: string, raw: string, isNew: boolean): EngineFailure | undefined {
  const value = raw.toUpperCase();
  const set = (fields: Partial<WarehouseDefinition>): undefined => {
    draft.definition = { ...draft.definition, ...fields };
  };
  const count = COUNTS[name];
  if (count !== undefined) {
    const number = wholeNumber(value);
    return number === undefined || number < count.min || number > count.max
      ? invalidValue(name, raw)
      : set({ [count.field]: number });
  }
  switch (name) {
    case 'WAREHOUSE_TYPE':
    case 'GENERATION':
    case 'RESOURCE_CONSTRAINT':
    case 'WAREHOUSE_SIZE':
      return applyServers(draft, name, raw);
    case 'AUTO_SUSPEND': {
      const seconds = value === 'NULL' ? 0 : wholeNumber(value);
      return seconds === undefined ? invalidValue(name, raw) : set({ autoSuspendSeconds: seconds });
    }
    case 'SCALING_POLICY': {
      const policy = SCALING_POLICIES.find((one) => one === value);
      return policy === undefined ? invalidValue(name, raw) : set({ scalingPolicy: policy });
    }
    case 'COMMENT':
      return raw.length > COMMENT_LENGTH_MAX ? invalidValue(name, raw) : set({ comment: raw });
    case 'RESOURCE_MONITOR':
      return value === 'NULL' ? undefined : unsupported(name);
    case 'MAX_QUERY_PERFORMANCE_LEVEL':
    case 'QUERY_THROUGHPUT_MULTIPLIER':
      return unsupported(`${name}, which adaptive warehouses have`);
    default:
      return applySwitch(draft, name, raw, isNew);
  }
}

function applySwitch(
  draft: Draft,
  name: string,
  raw: string,
  isNew: boolean,
): EngineFailure | undefined {
  const isOn = /^true$/i.test(raw) ? true : /^false$/i.test(raw) ? false : undefined;
  switch (name) {
    case 'AUTO_RESUME':
      if (isOn !== undefined) draft.definition = { ...draft.definition, autoResume: isOn };
      break;
    case 'ENABLE_QUERY_ACCELERATION':
      if (isOn !== undefined)
        draft.definition = { ...draft.definition, hasQueryAcceleration: isOn };
      break;
    case 'INITIALLY_SUSPENDED':
      if (!isNew) return unknown(name);
      draft.isInitiallySuspended = isOn === true;
      break;
    // A resize takes no modelled time, so there is nothing to wait for.
    case 'WAIT_FOR_COMPLETION':
      if (isNew) return unknown(name);
      break;
    default:
      return unknown(name);
  }
  return isOn === undefined ? invalidValue(name, raw) : undefined;
}

function applyServers(draft: Draft, name: string, raw: string): EngineFailure | undefined {
  const value = raw.toUpperCase();
  if (name === 'WAREHOUSE_SIZE') {
    const size = tryParseSize(raw);
    if (size === undefined)
      return value === 'ADAPTIVE' ? unsupported('adaptive warehouses') : invalidValue(name, raw);
    draft.definition = { ...draft.definition, size };
    draft.hasSize = true;
    return undefined;
  }
  if (name === 'WAREHOUSE_TYPE') {
    if (value === 'ADAPTIVE') return unsupported('adaptive warehouses');
    draft.kind = KINDS[value];
    return draft.kind === undefined ? invalidValue(name, raw) : undefined;
  }
  if (name === 'GENERATION') {
    if (value !== '1' && value !== '2') return invalidValue(name, raw);
    draft.generation = value === '1' ? 1 : 2;
    return undefined;
  }
  const known = GENERATIONS[value] === undefined ? CONSTRAINTS.get(value) : value;
  draft.constraint = known;
  return known === undefined ? invalidValue(name, raw) : undefined;
}

/** Puts type, generation and constraint together and checks what depends on several properties. */
function resolve(draft: Draft, isNew: boolean, now: EpochMs): Wanted | EngineFailure {
  const { definition, constraint, generation } = draft;
  const kind = draft.kind ?? definition.make.kind;
  let make = kind === definition.make.kind ? definition.make : makeOfKind(kind);
  const named = constraint === undefined ? undefined : GENERATIONS[constraint];
  if (constraint !== undefined) {
    const fits = named === undefined ? kind === 'SNOWPARK-OPTIMIZED' : kind === 'STANDARD';
    if (!fits)
      return combination(`WAREHOUSE_TYPE '${kind}' has no RESOURCE_CONSTRAINT '${constraint}'`);
    make =
      named === undefined
        ? { ...make, resourceConstraint: constraint }
        : { ...make, generation: named };
  }
  if (generation !== undefined) {
    if (kind !== 'STANDARD') return combination(`WAREHOUSE_TYPE '${kind}' has no GENERATION`);
    if (named !== undefined && named !== generation)
      return combination(
        `GENERATION '${generation}' is not RESOURCE_CONSTRAINT '${constraint ?? ''}'`,
      );
    make = { ...make, generation };
  }
  const isSnowpark = isNew && !draft.hasSize && kind === 'SNOWPARK-OPTIMIZED';
  const size = isSnowpark ? SNOWPARK_SIZE : definition.size;
  return checked(
    { definition: { ...definition, make, size }, isInitiallySuspended: draft.isInitiallySuspended },
    now,
  );
}

function checked(wanted: Wanted, now: EpochMs): Wanted | EngineFailure {
  const { size, make, clustersMin, clustersMax } = wanted.definition;
  if (tryCreditsPerHour(size, now, make) === undefined)
    return combination(
      `WAREHOUSE_SIZE '${SIZE_LABELS[size]}' is not available for WAREHOUSE_TYPE '${make.kind}'` +
        (make.resourceConstraint === null
          ? `, GENERATION '${make.generation}'`
          : `, RESOURCE_CONSTRAINT '${make.resourceConstraint}'`),
    );
  if (clustersMin > clustersMax)
    return combination('MIN_CLUSTER_COUNT must be less than or equal to MAX_CLUSTER_COUNT');
  if (clustersMax > CLUSTERS_MAX[size])
    return combination(
      `MAX_CLUSTER_COUNT of a warehouse of size '${SIZE_LABELS[size]}' is at most ${CLUSTERS_MAX[size]}`,
    );
  return wanted;
}

function wholeNumber(text: string): number | undefined {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

function invalid(what: string): EngineFailure {
  return failure('001008', '22023', `SQL compilation error:\n${what}`);
}

function invalidValue(name: string, value: string): EngineFailure {
  return invalid(`invalid value [${value.slice(0, 100)}] for parameter '${name}'`);
}

function combination(what: string): EngineFailure {
  return invalid(`invalid combination of warehouse properties: ${what}.`);
}

function unknown(name: string): EngineFailure {
  return failure(
    '001420',
    '22023',
    `SQL compilation error:\ninvalid property '${name.slice(0, 100)}' for 'WAREHOUSE'`,
  );
}
