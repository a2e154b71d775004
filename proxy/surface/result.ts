/** Rows of the surface in Snowflake's JSON result format, and the whole `data` of a successful query reply. */
import { assert } from '#base/assert.js';
import type { TicketId } from '#base/ids.js';
import { DEFAULT_CLIENT_PARAMETERS, type ClientParameter } from '#base/wire/client-parameters.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import type { Cell, RowType } from '#base/wire/row-type.js';

/** A complete result: every row has one cell a column. */
export interface SurfaceResult {
  readonly columns: readonly RowType[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A result with the JSON twin of what people read in its rows. */
export interface SurfaceAnswered {
  readonly result: SurfaceResult;
  readonly twin?: object;
  /** Binds that the statement takes, where more is known than what came with it: a description has none with it. */
  readonly bindCount?: number;
}

/**
 * Text as Postgres wrote it → a cell. Numbers get exactly the scale of their column (JDBC and Python rely on it),
 * instants seconds since the epoch with nine decimals, booleans `1` and `0`.
 */
export function toCell(text: string | null, type: RowType): Cell {
  if (text === null) return null;
  switch (type.type) {
    case 'fixed':
      return withScale(text, type.scale ?? 0);
    case 'timestamp_ltz':
    case 'timestamp_ntz':
      return withScale(text, type.scale ?? 9);
    case 'boolean':
      return text === 'true' || text === 't' ? '1' : '0';
    case 'real':
      return text === 'Infinity' ? 'inf' : text === '-Infinity' ? '-inf' : text;
    default:
      return text;
  }
}

function withScale(text: string, scale: number): string {
  const match = /^(-?\d+)(?:\.(\d*?)0*)?$/.exec(text);
  assert(match !== null, 'Postgres writes numerics as plain decimals');
  const [, whole = '0', fraction = ''] = match;
  assert(fraction.length <= scale, 'a cell has more decimals than its column');
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

/** What the session looks like after the statement: ours change nothing. */
export interface FinalNames {
  readonly finalDatabaseName: string | null;
  readonly finalSchemaName: string | null;
  readonly finalWarehouseName: string | null;
  readonly finalRoleName: string | null;
}

/** `data` of a query reply, with what some driver needs and no more. */
export interface SurfaceReplyData extends FinalNames {
  readonly parameters: readonly ClientParameter[];
  readonly rowtype: readonly RowType[];
  readonly rowset: readonly (readonly Cell[])[];
  readonly total: number;
  readonly returned: number;
  readonly queryId: TicketId;
  readonly sqlState: '00000';
  readonly databaseProvider: null;
  readonly numberOfBinds: number;
  readonly arrayBindSupported: false;
  readonly statementTypeId: number;
  readonly version: 1;
  readonly sendResultTime: number;
  readonly queryResultFormat: 'json';
  readonly tollgate?: object;
}

export interface SurfaceReplyInput {
  readonly ticketId: TicketId;
  readonly result: SurfaceResult;
  readonly names: FinalNames;
  /** Parameters of this session as last seen from upstream; each takes the place of the default of its name. */
  readonly parameters: readonly ClientParameter[];
  /** Epoch milliseconds. */
  readonly sentAtMs: number;
  readonly numberOfBinds: number;
  /** The client only asked to describe: no rows travel. */
  readonly isDescribe: boolean;
  /** JSON twin of what people read in the rows. */
  readonly twin?: object;
}

/**
 * The reply's `data`. JSON, because every driver reads it and Node reads nothing else; all session parameters,
 * because Node formats dates by those of the result (docs/wire.md).
 */
export function surfaceReply(input: SurfaceReplyInput): SurfaceReplyData {
  const given = new Set(input.parameters.map((parameter) => parameter.name));
  const rows = input.isDescribe ? [] : input.result.rows;
  return {
    parameters: [
      ...DEFAULT_CLIENT_PARAMETERS.filter((each) => !given.has(each.name)),
      ...input.parameters,
    ],
    rowtype: input.result.columns,
    rowset: rows,
    total: rows.length,
    returned: rows.length,
    queryId: input.ticketId,
    sqlState: '00000',
    databaseProvider: null,
    ...input.names,
    numberOfBinds: input.numberOfBinds,
    arrayBindSupported: false,
    statementTypeId: STATEMENT_TYPES.select,
    version: 1,
    sendResultTime: input.sentAtMs,
    queryResultFormat: 'json',
    ...(input.twin === undefined ? {} : { tollgate: input.twin }),
  };
}
