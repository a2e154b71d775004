/** A billed month as FOCUS's Billing Period: one record, that says whether anything of it may still change. */
import type { BilledMonth } from '../billed-month.js';
import { type Column, filled, secondsOf } from './column.js';
import { ISSUER, isInvoiced, periodOf } from './row.js';

const TEXT = { feature: 'Mandatory', type: 'String', since: '1.4' } as const;
const TIME = { feature: 'Mandatory', type: 'DateTime', since: '1.4' } as const;

export const BILLING_PERIOD_COLUMNS: readonly Column<BilledMonth>[] = [
  filled('BillingPeriodCreated', TIME, 'its first instant', (month) => periodOf(month).start),
  filled('BillingPeriodEnd', TIME, 'the month, end exclusive', (month) => periodOf(month).end),
  filled('BillingPeriodLastUpdated', TIME, 'when it was closed, frozen or read', (month) =>
    secondsOf(month.closedAt ?? month.asOf),
  ),
  filled('BillingPeriodStart', TIME, 'the month', (month) => periodOf(month).start),
  filled('BillingPeriodStatus', TEXT, '`Closed` of a closed month, else `Open`', (month) =>
    isInvoiced(month) ? 'Closed' : 'Open',
  ),
  filled('InvoiceIssuerName', TEXT, '`Snowflake`', () => ISSUER),
];
