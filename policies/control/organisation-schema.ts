/** Shape of the organisation, of how it closes its months, and of where its nodes are booked. */
import { z } from 'zod';
import { BOOKING_MODES, type BookingDocument, type ClosingDocument } from './closing-documents.js';
import type { OrganisationDocument } from './document.js';
import { calendarDay, currency, id, money, name, whole } from './schema-values.js';

const mode = z
  .enum(BOOKING_MODES)
  .describe('showback: told, posted nowhere; chargeback: posted to the cost centre');

const closing: z.ZodType<ClosingDocument> = z
  .strictObject({
    legalEntity: name
      .exactOptional()
      .describe('Legal entity of teams without another; absent: the name of the organisation'),
    glAccount: name
      .exactOptional()
      .describe('Account of the general ledger that is debited, where no booking names another'),
    clearingAccount: name
      .exactOptional()
      .describe('Account of the general ledger that is credited'),
    mode: mode.exactOptional(),
    roundingTeam: id
      .exactOptional()
      .describe('Id of the team that bears what rounding leaves; absent: the first team'),
    twoApprovalsFrom: money
      .exactOptional()
      .describe('A month of this amount or more needs two who approve it; absent: one'),
    adjustmentApprovalFrom: money
      .exactOptional()
      .describe('Adjustments of this amount or more need a second person; absent: all of them'),
    disputeDays: whole(1, 365)
      .exactOptional()
      .describe('Days until a dispute is due, unless it says so itself; 14'),
  })
  .describe('How months are closed');

export const organisation: z.ZodType<OrganisationDocument> = z
  .strictObject({
    id: id.describe('Id of the organisation, the root of all budgets'),
    name: name.describe('Name for people'),
    currency: currency.describe('Billing currency, ISO 4217'),
    closing: closing.exactOptional(),
  })
  .describe('The organisation that pays');

export const booking: z.ZodType<BookingDocument> = z
  .strictObject({
    node: id.describe('Id of the organisation, of a department or of a team'),
    effectiveFrom: calendarDay.describe(
      'First UTC day; a month is booked as it stands on its last day',
    ),
    legalEntity: name.exactOptional().describe('Legal entity; absent: as above it'),
    costCentre: name.exactOptional().describe('Cost centre; absent: as above it'),
    glAccount: name
      .exactOptional()
      .describe('Account of the general ledger that is debited; absent: as above it'),
    mode: mode.exactOptional(),
    currency: currency
      .exactOptional()
      .describe('Currency of bills, ISO 4217, converted at an exchange rate; absent: as above it'),
  })
  .refine(
    ({ legalEntity, costCentre, glAccount, mode: said, currency: into }) =>
      [legalEntity, costCentre, glAccount, said, into].some((each) => each !== undefined),
    'must say legalEntity, costCentre, glAccount, mode or currency',
  );
