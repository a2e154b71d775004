/**
 * A billed month as FOCUS's Invoice Detail: what Snowflake invoices by account, service and category, and for corrections by
 * the month that they mend. Each record is the sum of the rows of Cost and Usage that name it, exactly. Terms and dates of
 * payment are in none of Snowflake's views. Of every team: a part of an invoice is none.
 */
import { type Exact, NOTHING_EXACT, addExact, formatExact } from '#base/exact.js';
import type { BilledMonth } from '../billed-month.js';
import { type ChargeCategory, chargesOf } from './charges.js';
import { type Column, filled, nullable, secondsOf } from './column.js';
import { ISSUER, invoiceDetailIdOf, invoiceName, isInvoiced, periodOf } from './row.js';

export interface InvoiceDetail {
  readonly month: BilledMonth;
  readonly id: string;
  readonly account: string;
  readonly serviceName: string;
  readonly category: ChargeCategory;
  /** `YYYY-MM` whose invoice it mends; null: none. */
  readonly corrects: string | null;
  readonly billedCost: Exact;
  /** Rows of Cost and Usage that it sums. */
  readonly charges: number;
}

const TEXT = { feature: 'Mandatory', type: 'String', since: '1.4' } as const;
const TIME = { feature: 'Mandatory', type: 'DateTime', since: '1.4' } as const;
const MONEY = { feature: 'Mandatory', type: 'Decimal', since: '1.4' } as const;

/** FOCUS wants a text where nothing is known. */
const NOT_KNOWN = 'Not in the views of the issuer';

export const INVOICE_DETAIL_COLUMNS: readonly Column<InvoiceDetail>[] = [
  filled('BilledCost', MONEY, 'sum of its rows of Cost and Usage', (of) =>
    formatExact(of.billedCost),
  ),
  filled('BillingAccountId', TEXT, 'organisation', ({ month }) => month.organisation.id),
  filled('BillingCurrency', TEXT, "the organisation's", ({ month }) => month.currency),
  filled('BillingPeriodEnd', TIME, 'the month, end exclusive', ({ month }) => periodOf(month).end),
  filled('BillingPeriodStart', TIME, 'the month', ({ month }) => periodOf(month).start),
  filled('ChargeCategory', TEXT, 'as in Cost and Usage', ({ category }) => category),
  filled('InvoiceDetailCreated', TIME, 'when the month was frozen', ({ month }) =>
    secondsOf(month.asOf),
  ),
  nullable('InvoiceDetailDescription', TEXT, 'service and account', descriptionOf),
  nullable(
    'InvoiceDetailGrain',
    { ...TEXT, type: 'JSON' },
    'account and service; of corrections the month that is mended',
    grainOf,
  ),
  filled('InvoiceDetailId', TEXT, 'as in Cost and Usage', ({ id }) => id),
  filled('InvoiceDetailLastUpdated', TIME, 'when the month was closed, else frozen', ({ month }) =>
    secondsOf(month.closedAt ?? month.asOf),
  ),
  filled('InvoiceId', TEXT, 'organisation and month', ({ month }) => invoiceName(month)),
  nullable('InvoiceIssueDate', TIME, 'empty: in none of the views', () => null),
  filled(
    'InvoiceIssueStatus',
    TEXT,
    '`Issued` of a closed month, `Voided` of a superseded version, else `Open`',
    statusOf,
  ),
  filled('InvoiceIssuerName', TEXT, '`Snowflake`', () => ISSUER),
  filled('PaymentCurrency', TEXT, "the organisation's", ({ month }) => month.currency),
  nullable('PaymentDueDate', TIME, 'empty: in none of the views', () => null),
  filled('PaymentTerms', TEXT, `\`${NOT_KNOWN}\``, () => NOT_KNOWN),
  filled(
    'ReferenceInvoiceId',
    TEXT,
    'of corrections the invoice of the month that is mended, else its own',
    ({ month, corrects }) => invoiceName(corrects === null ? month : { ...month, month: corrects }),
  ),
  filled(
    'x_ChargeCount',
    { feature: 'Custom', type: 'Decimal', since: '1.4' },
    'rows of Cost and Usage that it sums',
    ({ charges }) => String(charges),
  ),
];

/** Records by their id; those that come to nothing too. */
export function invoiceDetails(month: BilledMonth): readonly InvoiceDetail[] {
  const details = new Map<string, InvoiceDetail>();
  for (const bill of month.bills)
    for (const charge of chargesOf(bill, month)) {
      const id = invoiceDetailIdOf(month, charge);
      const known = details.get(id);
      details.set(id, {
        month,
        id,
        account: charge.line.account,
        serviceName: charge.service.name,
        category: charge.category,
        corrects: charge.isCorrection ? (charge.line.corrects?.month ?? null) : null,
        billedCost: addExact(known?.billedCost ?? NOTHING_EXACT, charge.billedCost),
        charges: (known?.charges ?? 0) + 1,
      });
    }
  return [...details.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function descriptionOf({ serviceName, account, corrects }: InvoiceDetail): string {
  const mended = corrects === null ? '' : `, corrects ${corrects}`;
  return `${serviceName}, account ${account}${mended}`;
}

function grainOf({ account, serviceName, corrects }: InvoiceDetail): string {
  return JSON.stringify({
    SubAccountId: account,
    ServiceName: serviceName,
    ...(corrects === null ? {} : { x_CorrectsMonth: corrects }),
  });
}

function statusOf({ month }: InvoiceDetail): string {
  if (month.state === 'superseded') return 'Voided';
  return isInvoiced(month) ? 'Issued' : 'Open';
}
