/** What the parser host and its workers say to each other. */
export interface ParseRequest {
  readonly id: number;
  readonly sql: string;
}

export type ParserMessage =
  | { readonly kind: 'ready' }
  /** `outcome` is a `ParseOutcome` as JSON: a text goes to another thread in a third of the time of its objects. */
  | { readonly kind: 'answer'; readonly id: number; readonly outcome: string }
  /** The parser's instance trapped; it cannot be trusted any more. */
  | { readonly kind: 'broken'; readonly id: number; readonly why: string };
