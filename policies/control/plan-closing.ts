/** Sentences about where teams' money is booked. */
import type { BookingDocument } from './closing-documents.js';
import { arrow, type Words } from './plan-words.js';

const FIELDS = {
  legalEntity: 'legal entity',
  costCentre: 'cost centre',
  glAccount: 'GL account',
  mode: 'mode',
  currency: 'currency of bills',
} as const;

export const BOOKING_WORDS: Words<BookingDocument> = {
  subject: ({ node, effectiveFrom }) => `booking of ${node} from ${effectiveFrom} on`,
  added: (entry) => `new: ${bookedText(entry)}`,
  removed: (entry) => `removed; it was: ${bookedText(entry)}`,
  changed: (before, after, field) => {
    switch (field) {
      case 'legalEntity':
      case 'costCentre':
      case 'glAccount':
      case 'mode':
      case 'currency':
        return `${FIELDS[field]} ${arrow(before[field], after[field])}; closed months keep theirs`;
      default:
        return null;
    }
  },
};

function bookedText(entry: BookingDocument): string {
  return (['legalEntity', 'costCentre', 'glAccount', 'mode', 'currency'] as const)
    .flatMap((field) => (entry[field] === undefined ? [] : [`${FIELDS[field]} ${entry[field]}`]))
    .join(', ');
}
