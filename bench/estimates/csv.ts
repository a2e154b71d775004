/** Rows of the history as an export of Snowflake's QUERY_HISTORY, with what QUERY_ATTRIBUTION_HISTORY says of each. */
import { hash } from 'node:crypto';
import { analystOf } from '../../warehouse/seed-month/teams.js';
import { WAREHOUSES } from './profile.js';
import type { Ended } from './simulation.js';

export const COLUMNS = [
  'QUERY_ID',
  'QUERY_TEXT',
  'DATABASE_NAME',
  'SCHEMA_NAME',
  'QUERY_TYPE',
  'SESSION_ID',
  'USER_NAME',
  'ROLE_NAME',
  'WAREHOUSE_NAME',
  'WAREHOUSE_SIZE',
  'WAREHOUSE_TYPE',
  'CLUSTER_NUMBER',
  'QUERY_TAG',
  'EXECUTION_STATUS',
  'ERROR_CODE',
  'ERROR_MESSAGE',
  'START_TIME',
  'END_TIME',
  'TOTAL_ELAPSED_TIME',
  'BYTES_SCANNED',
  'COMPILATION_TIME',
  'EXECUTION_TIME',
  'QUEUED_PROVISIONING_TIME',
  'QUEUED_REPAIR_TIME',
  'QUEUED_OVERLOAD_TIME',
  'QUERY_HASH',
  'QUERY_PARAMETERIZED_HASH',
  'CREDITS_ATTRIBUTED_COMPUTE',
] as const;

export const HEADER: string = `${COLUMNS.join(',')}\n`;

export interface RowOptions {
  /** Makes query ids; those of two histories differ. */
  readonly seed: number;
  /** Without it the column of attributed credits stays empty. */
  readonly hasCredits: boolean;
}

/** One line of the file. */
export function lineOf(ended: Ended, options: RowOptions): string {
  const { arrival, cluster } = ended;
  const { shape, text, team } = arrival;
  const warehouse = WAREHOUSES.find(({ name }) => name === arrival.warehouse);
  const isOnWarehouse = cluster !== null;
  const credits = isOnWarehouse
    ? ((ended.shareMs * (warehouse?.creditsPerHour ?? 0)) / 3_600_000).toFixed(12)
    : '';
  return `${[
    queryId(ended.number, options.seed),
    quoted(text),
    'ANALYTICS,PUBLIC',
    shape.queryType,
    ended.number % 97,
    analystOf(team),
    `${team.toUpperCase().replaceAll('-', '_')}_ROLE`,
    arrival.warehouse,
    isOnWarehouse ? (warehouse?.label ?? '') : '',
    'STANDARD',
    cluster ?? '',
    quoted(arrival.tag),
    ended.status,
    ended.error === null ? ',' : `${ended.error[0]},${quoted(ended.error[1])}`,
    instantText(ended.startedAt),
    instantText(ended.endedAt),
    ended.endedAt - ended.startedAt,
    ended.bytesScanned,
    ended.compileMs,
    ended.executionMs,
    ended.provisioningMs,
    0,
    ended.queuedMs,
    hash('md5', text),
    parameterizedHash(shape.id),
    options.hasCredits ? credits : '',
  ].join(',')}\n`;
}

/** RFC 4180: in quotes where it must be. */
export function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function queryId(number: number, seed: number): string {
  const hex = (value: number, length: number): string => value.toString(16).padStart(length, '0');
  return `01be${hex(seed % 65_536, 4)}-0000-${hex(Math.floor(number / 65_536), 4)}-0000-${hex(number % 65_536, 12)}`;
}

const HASHES_MAX = 100_000;
const hashes = new Map<string, string>();

function parameterizedHash(id: string): string {
  const known = hashes.get(id);
  if (known !== undefined) return known;
  if (hashes.size >= HASHES_MAX) hashes.clear();
  const made = hash('md5', id);
  hashes.set(id, made);
  return made;
}

let hourStartsAt = -1;
let hourText = '';

/** As Snowflake prints TIMESTAMP_LTZ: `2025-06-01 10:15:00.123 +0000`. */
export function instantText(at: number): string {
  const hour = Math.floor(at / 3_600_000);
  if (hour !== hourStartsAt) {
    hourStartsAt = hour;
    hourText = new Date(hour * 3_600_000).toISOString().slice(0, 13).replace('T', ' ');
  }
  const rest = at - hour * 3_600_000;
  const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
  const minutes = Math.floor(rest / 60_000);
  const seconds = Math.floor((rest % 60_000) / 1_000);
  const millis = String(rest % 1_000).padStart(3, '0');
  return `${hourText}:${two(minutes)}:${two(seconds)}.${millis} +0000`;
}
