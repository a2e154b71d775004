/** How an accepted document closes months: who is booked where on a day, and from which amounts on a second person is needed. */
import { parseMoney, type Money } from '#base/units.js';
import type { BookingDocument, BookingMode } from './closing-documents.js';
import type { ControlDocument } from './document.js';

export interface BookedAt {
  readonly legalEntity: string;
  readonly costCentre: string;
  readonly glAccount: string;
  readonly mode: BookingMode;
}

export interface ClosingTerms {
  readonly clearingAccount: string;
  readonly roundingTeamId: string;
  /** null: one who approves is enough for every month. */
  readonly twoApprovalsFrom: Money | null;
  /** Zero: every adjustment needs a second person. */
  readonly adjustmentApprovalFrom: Money;
  readonly disputeDays: number;
}

const GL_ACCOUNT = 'snowflake-usage';
const CLEARING_ACCOUNT = 'snowflake-clearing';
const DISPUTE_DAYS = 14;

type Organised = Pick<ControlDocument, 'organisation' | 'departments' | 'teams' | 'bookings'>;

/**
 * Where a team is booked on a day: each field from the nearest that says it, of team, department and organisation, of each
 * the latest entry that has begun; then what the document says beside bookings.
 * @param teamId of no team, it is booked as the organisation is.
 * @param day `YYYY-MM-DD`.
 */
export function bookingOf(document: Organised, teamId: string, day: string): BookedAt {
  const { organisation, teams } = document;
  const { closing = {} } = organisation;
  const team = teams.find(({ id }) => id === teamId);
  const entries = nodesOf(document, teamId).flatMap((node) => latestFirst(document, node, day));
  const said = (key: 'legalEntity' | 'costCentre' | 'glAccount'): string | undefined =>
    entries.find((entry) => entry[key] !== undefined)?.[key];
  return {
    legalEntity: said('legalEntity') ?? closing.legalEntity ?? organisation.name,
    // A department's cost centre is not more than the team's own of the document.
    costCentre:
      latestFirst(document, team?.id, day).find((entry) => entry.costCentre !== undefined)
        ?.costCentre ??
      team?.costCentre ??
      said('costCentre') ??
      '',
    glAccount: said('glAccount') ?? closing.glAccount ?? GL_ACCOUNT,
    mode: entries.find((entry) => entry.mode !== undefined)?.mode ?? closing.mode ?? 'showback',
  };
}

/**
 * The currency that a team's bill is in on a day: that of the nearest booking that says one, else the organisation's.
 * @param teamId of no team, it is that of the organisation's bookings.
 */
export function billCurrencyOf(document: Organised, teamId: string, day: string): string {
  const { organisation } = document;
  const entries = nodesOf(document, teamId).flatMap((node) => latestFirst(document, node, day));
  return entries.find(({ currency }) => currency !== undefined)?.currency ?? organisation.currency;
}

/** From the nearest to the root. */
function nodesOf({ organisation, teams }: Organised, teamId: string): readonly string[] {
  const team = teams.find(({ id }) => id === teamId);
  return team === undefined ? [organisation.id] : [team.id, team.department, organisation.id];
}

function latestFirst(
  { bookings = [] }: Organised,
  node: string | undefined,
  day: string,
): readonly BookingDocument[] {
  return bookings
    .filter((entry) => entry.node === node && entry.effectiveFrom <= day)
    .sort((a, b) => (a.effectiveFrom < b.effectiveFrom ? 1 : -1));
}

/** What a document says of closing, and the defaults of what it does not. */
export function closingTerms({ organisation, teams }: Organised): ClosingTerms {
  const { closing = {} } = organisation;
  const { twoApprovalsFrom, adjustmentApprovalFrom = '0' } = closing;
  return {
    clearingAccount: closing.clearingAccount ?? CLEARING_ACCOUNT,
    roundingTeamId: closing.roundingTeam ?? teams[0]?.id ?? 'unallocated',
    twoApprovalsFrom: twoApprovalsFrom === undefined ? null : parseMoney(twoApprovalsFrom),
    adjustmentApprovalFrom: parseMoney(adjustmentApprovalFrom),
    disputeDays: closing.disputeDays ?? DISPUTE_DAYS,
  };
}
