/** `CALL TOLLGATE.REQUEST('<ticket>', '<reason>'[, '<what>'])`: its form, and the one row that answers it. */
import { type TicketId, tryParseTicketId } from '#base/ids.js';
import {
  isOperator,
  KIND,
  kindAt,
  lex,
  significantIndexes,
  textAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { stringValueAt } from '#base/sql/token-values.js';
import { formatInstant } from '#base/time.js';
import { columnType, type RowType } from '#base/wire/row-type.js';
import {
  type ApprovalRequest,
  type AskedWish,
  NO_WISH,
  REASON_CHARACTERS_MAX,
} from '#billing/requests.js';
import { FormError, type Value } from './query.js';
import { isRequestCall } from './recognise.js';
import { toCell, type SurfaceResult } from './result.js';
import { readWish } from './wish.js';
import type { SurfaceBind } from './values.js';

const FORM =
  "REQUEST takes a ticket and a reason, and perhaps what is wanted: CALL TOLLGATE.REQUEST('<ticket>', '<reason>', '250 USD, 5 runs, 3 days, shape'), or 'withdraw' in its place";

/** The arguments as written. */
export interface ParsedRequest {
  readonly ticket: Value;
  readonly reason: Value;
  /** null: nothing beyond one run of the statement. */
  readonly wish: Value | null;
}

/** The arguments of a call. Throws FormError for any other text, and for more than this one statement. */
export function parseRequest(text: string): ParsedRequest {
  const tokens = lex(text);
  const indexes = significantIndexes(tokens);
  while (isOperator(tokens, indexes.at(-1) ?? tokens.count, ';')) indexes.pop();
  const is = (at: number, symbol: string): boolean =>
    isOperator(tokens, indexes[at] ?? tokens.count, symbol);
  const count = indexes.length === 11 ? 3 : 2;
  const isForm =
    !tokens.isUnterminated &&
    indexes.length === 5 + 2 * count &&
    isRequestCall(tokens, indexes, 0) &&
    is(4, '(') &&
    is(6, ',') &&
    (count === 2 || is(8, ',')) &&
    is(4 + 2 * count, ')');
  if (!isForm) throw new FormError(FORM);
  let binds = 0;
  const values = [5, 7, 9].slice(0, count).map((at) => {
    const index = indexes[at] ?? tokens.count;
    const value = valueAt(tokens, index, binds);
    if (textAt(tokens, index) === '?') binds += 1;
    return value;
  });
  const [ticket, reason, wish = null] = values;
  if (ticket === undefined || reason === undefined) throw new FormError(FORM);
  return { ticket, reason, wish };
}

/** A string or a bind; `?` stands for the bind `bindIndex`, `:2` for the second. */
function valueAt(tokens: Tokens, index: number, bindIndex: number): Value {
  const text = stringValueAt(tokens, index);
  if (text !== undefined) return { kind: 'text', text };
  if (kindAt(tokens, index) !== KIND.bind) throw new FormError(FORM);
  const bind = textAt(tokens, index);
  if (bind === '?') return { kind: 'bind', index: bindIndex };
  const position = /^:([1-9]\d{0,3})$/.exec(bind)?.[1];
  if (position === undefined)
    throw new FormError(`The bind ${bind.slice(0, 40)} must be ? or a number such as :1`);
  return { kind: 'bind', index: Number(position) - 1 };
}

/** The values of the arguments. Throws FormError, naming the rule, for what is no ticket id or no reason. */
export function requestArguments(
  parsed: ParsedRequest,
  binds: readonly SurfaceBind[],
): {
  readonly ticketId: TicketId;
  readonly reason: string;
  readonly wish: AskedWish | 'withdraw';
} {
  const ticketId = tryParseTicketId(textOf(parsed.ticket, binds).trim().toLowerCase());
  if (ticketId === undefined)
    throw new FormError('REQUEST takes a ticket id, which is in the refusal and in MY_QUERIES');
  const reason = textOf(parsed.reason, binds).trim();
  if (reason === '') throw new FormError('The reason must say why, in words');
  // Code points, as Postgres counts; a text of twice as many units is too long however it is counted.
  const isTooLong =
    reason.length > 2 * REASON_CHARACTERS_MAX || Array.from(reason).length > REASON_CHARACTERS_MAX;
  if (isTooLong)
    throw new FormError(`The reason must be at most ${REASON_CHARACTERS_MAX} characters`);
  const wish = parsed.wish === null ? NO_WISH : readWish(textOf(parsed.wish, binds));
  return { ticketId, reason, wish };
}

function textOf(value: Value, binds: readonly SurfaceBind[]): string {
  if (value.kind === 'text') return value.text;
  if (value.kind !== 'bind') throw new FormError(FORM);
  const bind = binds[value.index];
  if (bind === undefined) throw new FormError(`Bind ${value.index + 1} has no value`);
  return bind.value ?? '';
}

export const REQUEST_COLUMNS: readonly RowType[] = [
  columnType('REQUEST', 'text'),
  columnType('TICKET', 'text'),
  columnType('STATE', 'text'),
  columnType('OWNER', 'text'),
  columnType('ASKED_AT', 'timestamp_ltz', { scale: 9 }),
];

/** The row for a request, new or found; `owner` is whom the team's refusals name. */
export function requestResult(
  request: ApprovalRequest,
  isNew: boolean,
  owner: string,
): SurfaceResult {
  const cells = [
    statusText(request, isNew),
    request.ticketId,
    request.state,
    owner,
    `${Math.floor(request.askedAt / 1000)}.${String(request.askedAt % 1000).padStart(3, '0')}`,
  ];
  return {
    columns: REQUEST_COLUMNS,
    rows: [REQUEST_COLUMNS.map((type, index) => toCell(cells[index] ?? null, type))],
  };
}

function statusText(request: ApprovalRequest, isNew: boolean): string {
  const { decision } = request;
  if (isNew)
    return `Asked. The answer will be in SELECT * FROM TABLE(TOLLGATE.WHY('${request.ticketId}')).`;
  const asked = `Asked already, ${minute(request.askedAt)}`;
  if (decision === null)
    return `${asked}; it waits until ${minute(request.expiresAt)}, and nothing was changed.`;
  const { pass, state } = request;
  if (state !== 'granted') return `${asked}; ${state} ${minute(decision.at)}: ${decision.reason}`;
  const until = pass === null ? '' : ` until ${minute(pass.expiresAt)}`;
  return `${asked}; granted ${minute(decision.at)}${until}: send the statement again.`;
}

/** `2026-11-23 07:12 UTC`. */
function minute(at: number): string {
  return `${formatInstant(at).slice(0, 16).replace('T', ' ')} UTC`;
}
