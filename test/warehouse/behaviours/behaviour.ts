/**
 * What Snowflake's reference says of a function, type or form, as a statement and its answer. A case that the warehouse
 * refuses counts as refused; any other answer is silently wrong, and no run may have one.
 */
import type { EngineSession } from '../../../warehouse/engine/engine.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { request } from '../engine/support.js';

export interface Behaviour {
  readonly sql: string;
  /** Statements run before it in the same session; their failures count as its own. */
  readonly before: readonly string[];
  /** Rows as the wire has them, or the code of the failure that Snowflake gives. */
  readonly expected: { readonly rows: readonly (readonly Cell[])[] } | { readonly code: string };
  /** Wire types of the columns: `text`, `fixed:2` (with its scale), `timestamp_ntz`, …; not looked at when empty. */
  readonly types: readonly string[];
}

/** Behaviours under one heading of the reference. */
export interface Theme {
  readonly title: string;
  readonly behaviours: readonly Behaviour[];
}

/** The value of an expression, and its wire type. */
export function is(expression: string, cell: Cell, type?: string): Behaviour {
  return {
    sql: `SELECT ${expression}`,
    before: [],
    expected: { rows: [[cell]] },
    types: type === undefined ? [] : [type],
  };
}

/** The rows of a query, in its order. */
export function rows(
  sql: string,
  expected: readonly (readonly Cell[])[],
  types: readonly string[] = [],
): Behaviour {
  return { sql, before: [], expected: { rows: expected }, types };
}

/** A statement that Snowflake itself refuses, by its code. */
export function fails(sql: string, code: string): Behaviour {
  return { sql, before: [], expected: { code }, types: [] };
}

/** The same after other statements. */
export function after(before: readonly string[], behaviour: Behaviour): Behaviour {
  return { ...behaviour, before };
}

export type Finding =
  | { readonly kind: 'right' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'wrong'; readonly seen: string };

const UNSUPPORTED = '000002';

/** Runs one behaviour. */
export async function find(session: EngineSession, behaviour: Behaviour): Promise<Finding> {
  for (const sql of behaviour.before) {
    const answer = await session.execute(request(sql), new AbortController().signal);
    if (answer.kind === 'failed') return failed(behaviour, answer.code, answer.message, sql);
  }
  const answer = await session.execute(request(behaviour.sql), new AbortController().signal);
  if (answer.kind === 'failed')
    return failed(behaviour, answer.code, answer.message, behaviour.sql);
  const { expected } = behaviour;
  if ('code' in expected)
    return { kind: 'wrong', seen: `${JSON.stringify(answer.rows)} instead of ${expected.code}` };
  const types = answer.columns.map(typeText);
  const isSame =
    JSON.stringify(answer.rows) === JSON.stringify(expected.rows) &&
    (behaviour.types.length === 0 || behaviour.types.join() === types.join());
  if (isSame) return { kind: 'right' };
  return {
    kind: 'wrong',
    seen: `${JSON.stringify(answer.rows)} ${types.join()} instead of ${JSON.stringify(expected.rows)} ${behaviour.types.join()}`,
  };
}

function failed(behaviour: Behaviour, code: string, message: string, sql: string): Finding {
  const { expected } = behaviour;
  if ('code' in expected && expected.code === code && sql === behaviour.sql)
    return { kind: 'right' };
  if (code === UNSUPPORTED) return { kind: 'refused', why: message };
  return { kind: 'wrong', seen: `${code} ${message}` };
}

function typeText(column: RowType): string {
  return column.type === 'fixed' ? `fixed:${column.scale ?? 0}` : column.type;
}
