/**
 * What the operator of the embedded warehouse asks for in SQL, and Snowflake has not: `CALL SYSTEM$SEED_MONTH(…)` and
 * `CALL SYSTEM$FAULT(…)`. For ACCOUNTADMIN, by CALL only: drivers describe a SELECT before they run it.
 */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { WarehouseFaults } from '../protocol/faults.js';
import type { SeedOutcome } from '../seed-month/import-month.js';
import type { SeedOptions } from '../seed-month/seed-month.js';
import { failure, rowsOf, textRow } from './outcome.js';
import type { Outcome } from './outcome.js';

const DEFAULT_SEED = 'tollgate';
const LATENCY_MS_MAX = 600_000;
const RESET_BYTES_MAX = 1_000_000_000;
const COUNT_MAX = 1_000;
/** Where faults hit unless a path is named: statements and their results, not logins. */
const DEFAULT_PATH = '/queries/';

/** What such calls act on. */
export interface Operations {
  readonly faults: WarehouseFaults;
  seedMonth(options: SeedOptions): Promise<SeedOutcome>;
}

/**
 * The answer to a call of an operator's function, or undefined when `name` is none.
 *
 * @param role of the session; anything but ACCOUNTADMIN is refused.
 */
export async function operatorFunction(
  operations: Operations,
  role: string,
  name: string,
  args: readonly string[],
): Promise<Outcome | undefined> {
  if (name !== 'SYSTEM$SEED_MONTH' && name !== 'SYSTEM$FAULT') return undefined;
  if (role !== 'ACCOUNTADMIN')
    return failure(
      WIRE_CODES.insufficientPrivileges,
      '42501',
      `SQL access control error:\nInsufficient privileges to call ${name}.`,
    );
  return name === 'SYSTEM$FAULT' ? fault(operations.faults, args) : seed(operations, args);
}

async function seed(
  operations: Operations,
  [month = '', seedText = DEFAULT_SEED, perDay]: readonly string[],
): Promise<Outcome> {
  const statementsPerDay = wholeNumber(perDay, 1, 50_000);
  if (perDay !== undefined && statementsPerDay === undefined)
    return invalid('SYSTEM$SEED_MONTH', `statements a day are from 1 to 50000, not ${perDay}`);
  const outcome = await operations.seedMonth({
    month,
    seed: seedText,
    ...(statementsPerDay === undefined ? {} : { statementsPerDay }),
  });
  if (outcome.kind === 'refused') return invalid('SYSTEM$SEED_MONTH', outcome.why);
  const columns = ['MONTH', 'STATEMENTS', 'WAREHOUSE_EVENTS', 'COMPUTE_CREDITS'];
  return rowsOf(
    columns.map((column) => columnType(column, 'text')),
    [[month, String(outcome.statements), String(outcome.warehouseEvents), outcome.computeCredits]],
    STATEMENT_TYPES.select,
  );
}

/**
 * `('latency', ms[, count[, path]])`, `('reset', bytes[, count[, path]])`, `('malformed'[, count[, path]])`,
 * `('status', status[, count[, path]])`: the next `count` replies to paths that begin with `path`, beginning with the
 * next request. `('expire'[, session[, 'master']])`, `('clear')`: at once.
 */
function fault(faults: WarehouseFaults, args: readonly string[]): Outcome {
  const [kind = '', ...rest] = args;
  const said = (text: string): Outcome => textRow('SYSTEM$FAULT', text);
  switch (kind.toLowerCase()) {
    case 'clear':
      faults.clear();
      return said('No faults.');
    case 'expire': {
      const [id, master] = rest;
      if (id === undefined) {
        faults.expireTokens();
        return said('Every session token has expired.');
      }
      const sessionId = wholeNumber(id, 1, Number.MAX_SAFE_INTEGER);
      if (sessionId === undefined || (master ?? 'master').toLowerCase() !== 'master') break;
      if (!faults.expireTokens({ sessionId, master: master !== undefined }))
        return invalid('SYSTEM$FAULT', `no session ${sessionId} is open`);
      return said(`The tokens of session ${sessionId} have expired.`);
    }
    case 'malformed': {
      const hit = hitOf(rest);
      if (hit === undefined) break;
      faults.malform(hit);
      return said(`The next ${hit.count} replies to ${hit.path} are cut.`);
    }
    case 'latency':
    case 'reset':
    case 'status': {
      const [value, ...where] = rest;
      const hit = hitOf(where);
      const planned =
        hit === undefined ? undefined : planValued(faults, kind.toLowerCase(), value, hit);
      if (hit === undefined || planned === undefined) break;
      return said(`The next ${hit.count} replies to ${hit.path} ${planned}.`);
    }
    default:
      return invalid('SYSTEM$FAULT', `no fault '${kind.slice(0, 100)}'`);
  }
  return invalid('SYSTEM$FAULT', `these arguments of '${kind.toLowerCase()}'`);
}

interface Hit {
  readonly count: number;
  readonly path: string;
}

function planValued(
  faults: WarehouseFaults,
  kind: string,
  value: string | undefined,
  hit: Hit,
): string | undefined {
  if (kind === 'latency') {
    const latencyMs = wholeNumber(value, 1, LATENCY_MS_MAX);
    if (latencyMs === undefined) return undefined;
    faults.delay(latencyMs, hit);
    return `come ${latencyMs} ms later`;
  }
  if (kind === 'reset') {
    const bytes = wholeNumber(value, 0, RESET_BYTES_MAX);
    if (bytes === undefined) return undefined;
    faults.reset(bytes, hit);
    return `are reset after ${bytes} bytes`;
  }
  const status = wholeNumber(value, 400, 599);
  if (status === undefined) return undefined;
  faults.answerStatus(status, hit);
  return `are ${status}`;
}

function hitOf([countText = '1', path = DEFAULT_PATH]: readonly string[]): Hit | undefined {
  const count = wholeNumber(countText, 1, COUNT_MAX);
  return count === undefined || !path.startsWith('/') ? undefined : { count, path };
}

function wholeNumber(text: string | undefined, least: number, most: number): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined;
}

function invalid(name: string, why: string): Outcome {
  return failure('100132', '22023', `Invalid argument of ${name}: ${why}.`);
}
