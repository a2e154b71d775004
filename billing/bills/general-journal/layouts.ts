/** The general journal as CSV, in the layouts that ledgers import. Header values stand in every record. */
import { createHash } from 'node:crypto';
import { csvRecord } from '#base/csv.js';
import { formatMoney } from '#base/currency.js';
import { formatAmount } from '#base/units.js';
import type { BilledMonth } from '../billed-month.js';
import { type GeneralJournal, type Posting, generalJournals } from './postings.js';

/** `netsuite`: one amount column a side. `sap`: one amount with an indicator, S for debit and H for credit. */
export const JOURNAL_LAYOUTS = ['netsuite', 'sap'] as const;
export type JournalLayout = (typeof JOURNAL_LAYOUTS)[number];

export interface JournalRequest {
  readonly layout: JournalLayout;
  /** Takes back what a closed version posted. */
  readonly isReversal: boolean;
}

interface Entry {
  readonly month: BilledMonth;
  readonly journal: GeneralJournal;
  readonly posting: Posting;
  /** From 1, within its journal. */
  readonly line: number;
}

interface Field {
  readonly name: string;
  readonly value: (entry: Entry) => string;
}

const NETSUITE: readonly Field[] = [
  { name: 'External ID', value: ({ journal }) => journal.externalId },
  { name: 'Date', value: ({ journal }) => journal.date },
  { name: 'Posting Period', value: ({ journal }) => postingPeriod(journal.month) },
  { name: 'Subsidiary', value: ({ journal }) => journal.legalEntity },
  { name: 'Currency', value: ({ journal }) => journal.currency },
  { name: 'Memo', value: ({ journal }) => headline(journal) },
  { name: 'Reversal Date', value: ({ journal }) => journal.reversesOn ?? '' },
  { name: 'Journal Entry - Line: Number', value: ({ line }) => String(line) },
  { name: 'Journal Entry - Line: Account', value: ({ posting }) => posting.account },
  { name: 'Journal Entry - Line: Debit', value: (entry) => amountOn(entry, 'debit') },
  { name: 'Journal Entry - Line: Credit', value: (entry) => amountOn(entry, 'credit') },
  { name: 'Journal Entry - Line: Department', value: ({ posting }) => posting.costCentre ?? '' },
  { name: 'Journal Entry - Line: Memo', value: lineText },
  { name: 'Journal Entry - Line: Bill', value: ({ posting }) => posting.bill?.id ?? '' },
];

/** Lengths of SAP's fields: reference 16, header text 25, text 50. */
const SAP: readonly Field[] = [
  { name: 'Company Code', value: ({ journal }) => journal.legalEntity },
  { name: 'Document Type', value: () => 'SA' },
  { name: 'Document Date', value: ({ journal }) => journal.date },
  { name: 'Posting Date', value: ({ journal }) => journal.date },
  { name: 'Fiscal Year', value: ({ journal }) => journal.month.slice(0, 4) },
  { name: 'Posting Period', value: ({ journal }) => journal.month.slice(5) },
  { name: 'Currency', value: ({ journal }) => journal.currency },
  { name: 'Reference', value: ({ journal }) => hashOf(journal.externalId, 16) },
  { name: 'Header Text', value: ({ journal }) => headline(journal).slice(0, 25) },
  { name: 'Reversal Date', value: ({ journal }) => journal.reversesOn ?? '' },
  { name: 'Item', value: ({ line }) => String(line) },
  { name: 'GL Account', value: ({ posting }) => posting.account },
  { name: 'Debit/Credit Indicator', value: ({ posting }) => INDICATORS[posting.side] },
  { name: 'Amount', value: (entry) => amountOn(entry, entry.posting.side) },
  { name: 'Cost Center', value: ({ posting }) => posting.costCentre ?? '' },
  { name: 'Text', value: (entry) => lineText(entry).slice(0, 50) },
  { name: 'External ID', value: ({ journal }) => journal.externalId },
  { name: 'Bill', value: ({ posting }) => posting.bill?.id ?? '' },
];

/** Behind the others, where a bill of the month is in another currency than the invoice's. */
const CONVERTED: readonly Field[] = [
  {
    name: 'Invoice Currency',
    value: ({ month, posting }) => (isConverted(posting) ? month.currency : ''),
  },
  { name: 'Invoice Amount', value: invoicedAmount },
  { name: 'Rate', value: ({ posting }) => rateText(posting) },
  { name: 'Rate Source', value: ({ posting }) => posting.bill?.conversion?.source ?? '' },
  { name: 'Rate Day', value: ({ posting }) => posting.bill?.conversion?.day ?? '' },
];

const LAYOUTS: Readonly<Record<JournalLayout, readonly Field[]>> = { netsuite: NETSUITE, sap: SAP };

const INDICATORS = { debit: 'S', credit: 'H' } as const;

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** The file: a header, then every posting of every journal; the same bytes for the same month. */
export function generalJournalCsv(month: BilledMonth, request: JournalRequest): string {
  const isInOthers = month.bills.some(({ conversion }) => conversion !== null);
  const fields = [...LAYOUTS[request.layout], ...(isInOthers ? CONVERTED : [])];
  const records = generalJournals(month, request).flatMap((journal) =>
    journal.postings.map((posting, index) =>
      csvRecord(fields.map(({ value }) => value({ month, journal, posting, line: index + 1 }))),
    ),
  );
  return [csvRecord(fields.map(({ name }) => name)), ...records].join('');
}

function amountOn({ journal, posting }: Entry, side: Posting['side']): string {
  return posting.side === side ? formatMoney(posting.amount, journal.currency) : '';
}

function isConverted({ bill }: Posting): boolean {
  return bill !== null && bill.conversion !== null;
}

/** What was converted, with its sign as on the bill. */
function invoicedAmount({ month, posting }: Entry): string {
  return posting.bill === null || !isConverted(posting)
    ? ''
    : formatMoney(posting.bill.totalAmount, month.currency);
}

function rateText({ bill }: Posting): string {
  return bill?.conversion === null || bill === null ? '' : formatAmount(bill.conversion.rate);
}

/** `Oct 2026`, as NetSuite names its periods. */
function postingPeriod(month: string): string {
  return `${MONTHS[Number(month.slice(5)) - 1] ?? ''} ${month.slice(0, 4)}`;
}

const HEADLINES = {
  chargeback: 'Snowflake',
  accrual: 'Snowflake accrual',
  reversal: 'Snowflake reversal',
} as const;

function headline({ kind, month }: GeneralJournal): string {
  return `${HEADLINES[kind]} ${month}`;
}

function lineText({ journal, posting }: Entry): string {
  return `${headline(journal)}, ${posting.bill?.teamName ?? 'clearing'}`;
}

function hashOf(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
