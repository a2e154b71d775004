/** Answers the TOLLGATE surface from the ledger's tables, scoped to the caller, at 0 credits. */
import { Fault, toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import { sqlStateOf, type Database } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import type { RowType } from '#base/wire/row-type.js';
import { withdrawRequest, type Withdrawal } from '#billing/decide-request.js';
import { askApproval } from '#billing/requests.js';
import type { Price } from '#policies/prices/price-lookup.js';
import type { ToldWait } from '../admission/waits.js';
import { callerRefusal, type Refusal } from '../wire/refusal.js';
import { loadGrammar, parseSurface, type Astify } from './parse.js';
import { FormError, formRefusal, type SurfaceQuery } from './query.js';
import type { Recognised } from './recognise.js';
import { parseRequest, REQUEST_COLUMNS, requestArguments, requestResult } from './request.js';
import { toCell, type SurfaceAnswered, type SurfaceResult } from './result.js';
import { loadPrinter, withFilter, type MissingFilter, type Printer } from './rewrite.js';
import { ROWS_MAX, ticketOf, toPostgres } from './to-postgres.js';
import type { SurfaceBind } from './values.js';
import type { UsedSoFar } from './views.js';

export interface SurfaceCaller {
  readonly teamId: string;
  /** Of a compute credit of the caller's account now; absent: none is in force, and amounts are NULL. */
  readonly price?: Pick<Price, 'pricePerCredit' | 'currency'> | undefined;
}

/** Who asks for a refused ticket. */
export interface SurfaceAsker extends SurfaceCaller {
  readonly principalId: string;
  /** Who answers for the team's budgets. */
  readonly owner: string;
}

export type SurfaceAnswer =
  | ({ readonly kind: 'answer' } & SurfaceAnswered)
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Surface {
  /**
   * Answers a recognised SELECT or WHY with the caller's own rows; a client that only asks to describe (`binds` null)
   * gets its columns. `refused`: TG1020 for a text outside the form, for
   * more than 10,000 rows or more than 5 s; TG1021 for a ticket that does not exist or belongs to another team, in
   * the same words. Faults: `ledgerUnavailable` when Postgres does not answer.
   */
  answer(
    recognised: Extract<Recognised, { kind: 'select' | 'why' }>,
    caller: SurfaceCaller,
    binds: readonly SurfaceBind[] | null,
  ): Promise<SurfaceAnswer>;
  /** The statement with every one of these filters added; null where one cannot be added for sure. Never rejects. */
  withFilters(sqlText: string, filters: readonly MissingFilter[]): Promise<string | null>;
  /**
   * Asks for a refused ticket, once, and answers with the request as it stands; a client that only asks to describe
   * (`binds` null) writes nothing. `refused`: TG1020 for another form, a reason that is empty or longer than 500
   * characters, or a ticket that no budget, ceiling or rule refused; TG1021 as for WHY. Faults: `ledgerUnavailable`.
   */
  request(
    recognised: Extract<Recognised, { kind: 'request' }>,
    caller: SurfaceAsker,
    binds: readonly SurfaceBind[] | null,
  ): Promise<SurfaceAnswer>;
}

export interface SurfaceOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** What statements that run on this replica have used so far. */
  readonly running: { usedOfTeam(teamId: string, at: EpochMs): readonly UsedSoFar[] };
  /** What statements that wait can be told; of the whole deployment. */
  readonly waits: (teamId: string) => Promise<readonly ToldWait[]>;
}

const STATEMENT_TIMEOUT_MS = 5000;
const QUERY_CANCELED = '57014';
/** Class 22 of the SQLSTATEs. */
const DATA_EXCEPTION = '22';

/** A surface over one database. The grammar is loaded by the first read. */
export function createSurface(options: SurfaceOptions): Surface {
  let grammar: Promise<Astify> | undefined;
  let printer: Promise<Printer> | undefined;
  return {
    async answer(recognised, caller, binds) {
      grammar ??= loadGrammar();
      const parsed = parseSurface(recognised.text, await grammar);
      if (parsed.kind === 'refused') return parsed;
      const { query, bindCount } = parsed;
      return guarded(() => read(options, query, caller, binds, bindCount));
    },
    async withFilters(sqlText, filters) {
      printer ??= loadPrinter();
      const loaded = await printer;
      return filters.reduce<string | null>(
        (text, filter) => (text === null ? null : withFilter(text, filter, loaded)),
        sqlText,
      );
    },
    request: (recognised, caller, binds) =>
      guarded(() => ask(options, recognised.text, caller, binds)),
  };
}

/** Turns what the caller can mend into a refusal, everything else into a fault. */
async function guarded(work: () => Promise<SurfaceAnswer>): Promise<SurfaceAnswer> {
  try {
    return await work();
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    if (refusal !== undefined) return { kind: 'refused', refusal };
    throw new Fault('ledgerUnavailable', 'The ledger cannot be read now', {
      cause: thrown,
      detail: { cause: toError(thrown).message },
    });
  }
}

/** What the caller can mend: the form, a statement that takes too long, a value that Postgres cannot hold. */
function refusalOf(thrown: unknown): Refusal | undefined {
  if (thrown instanceof FormError) return formRefusal(thrown.message);
  const sqlState = sqlStateOf(thrown);
  if (sqlState === QUERY_CANCELED)
    return formRefusal('It took longer than 5 s; narrow it by STARTED_AT');
  return sqlState?.startsWith(DATA_EXCEPTION) === true
    ? formRefusal('A value is out of range for its column')
    : undefined;
}

async function read(
  { db, clock, running, waits }: SurfaceOptions,
  query: SurfaceQuery,
  { teamId, price }: SurfaceCaller,
  binds: readonly SurfaceBind[] | null,
  bindCount: number,
): Promise<SurfaceAnswer> {
  const at = clock.now();
  const ticketId = binds === null ? null : ticketOf(query, binds);
  const scope = {
    teamId,
    price: price ?? null,
    at,
    ticketId,
    used: () => running.usedOfTeam(teamId, at).slice(0, ROWS_MAX),
    waits: binds === null ? [] : (await waits(teamId)).slice(0, ROWS_MAX),
  };
  const statement = toPostgres(query, scope, binds);
  if (binds === null)
    return { kind: 'answer', result: { columns: statement.columns, rows: [] }, bindCount };
  return db.transaction(async (tx) => {
    await tx.query(`SET TRANSACTION READ ONLY`);
    await tx.query(`SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    if (ticketId !== null) {
      const { rows } = await tx.query('SELECT 1 FROM ticket WHERE id = $1 AND team_id = $2', [
        ticketId,
        teamId,
      ]);
      if (rows.length === 0) return { kind: 'refused', refusal: unknownTicket(ticketId) };
    }
    const { rows } = await tx.query<Record<string, string | null>>(
      statement.text,
      statement.values,
    );
    if (rows.length > ROWS_MAX) {
      throw new FormError(
        `It has more than ${ROWS_MAX.toLocaleString('en')} rows; add a LIMIT or a WHERE`,
      );
    }
    return { kind: 'answer', result: toResult(statement.columns, rows) };
  });
}

async function ask(
  { db, clock }: SurfaceOptions,
  text: string,
  caller: SurfaceAsker,
  binds: readonly SurfaceBind[] | null,
): Promise<SurfaceAnswer> {
  const parsed = parseRequest(text);
  if (binds === null) return { kind: 'answer', result: { columns: REQUEST_COLUMNS, rows: [] } };
  const { ticketId, reason, wish } = requestArguments(parsed, binds);
  const { teamId, principalId, owner } = caller;
  const asked = { ticketId, teamId, principalId, reason, at: clock.now() };
  if (wish === 'withdraw') return withdraw(db, asked, owner);
  const outcome = await db.transaction((tx) => askApproval(tx, { ...asked, wish }));
  switch (outcome.kind) {
    case 'asked':
    case 'replayed':
      return {
        kind: 'answer',
        result: requestResult(outcome.request, outcome.kind === 'asked', owner),
      };
    case 'unknown':
      return { kind: 'refused', refusal: unknownTicket(ticketId) };
    case 'notRefused':
      return { kind: 'refused', refusal: nothingToAsk(ticketId) };
    case 'notApprovable':
      return { kind: 'refused', refusal: neverLifted(outcome.rule) };
    case 'otherCurrency':
      return {
        kind: 'refused',
        refusal: formRefusal(`Money is asked for in ${outcome.currency}, or as credits`),
      };
  }
}

/** Takes back what the caller has asked for. */
async function withdraw(
  db: Database,
  asked: Omit<Withdrawal, 'author'> & { readonly principalId: string },
  owner: string,
): Promise<SurfaceAnswer> {
  const outcome = await db.transaction((tx) =>
    withdrawRequest(tx, { ...asked, author: asked.principalId }),
  );
  if (outcome.kind === 'unknown')
    return { kind: 'refused', refusal: unknownTicket(asked.ticketId) };
  return { kind: 'answer', result: requestResult(outcome.request, false, owner) };
}

function neverLifted(rule: string): Refusal {
  return callerRefusal(
    'surfaceForm',
    `Rule ${rule} says that no request lifts it, so there is nothing to ask for. Its administrators change it.`,
  );
}

function nothingToAsk(ticketId: TicketId): Refusal {
  return callerRefusal(
    'surfaceForm',
    `Ticket ${ticketId} was not refused by a budget, a ceiling or a rule, so there is nothing to ask for.`,
  );
}

function unknownTicket(ticketId: TicketId): Refusal {
  return callerRefusal('ticketUnknown', `There is no ticket ${ticketId} in your team.`);
}

function toResult(
  columns: readonly RowType[],
  rows: readonly Readonly<Record<string, string | null>>[],
): SurfaceResult {
  return {
    columns,
    rows: rows.map((row) => columns.map((type, index) => toCell(row[`c${index}`] ?? null, type))),
  };
}
