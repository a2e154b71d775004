/** What the parser host and its workers say to each other. */
import type { ParseOutcome } from '../tree/raw-facts.js';

export interface ParseRequest {
  readonly id: number;
  readonly sql: string;
}

export type ParserMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly outcome: ParseOutcome }
  /** The parser's instance trapped; it cannot be trusted any more. */
  | { readonly kind: 'broken'; readonly id: number; readonly why: string };
