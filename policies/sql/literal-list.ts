/** A bracketed list of literals, read token by token: a list may be longer than a step. */
import { KIND, kindAt, operatorCodeAt, wordAt, type Tokens } from '#base/sql/lexer.js';

/** Words that stand for a value in a list of literals. */
const VALUE_WORDS: ReadonlySet<string> = new Set(['NULL', 'TRUE', 'FALSE', 'DEFAULT']);

/** What is known of a list: it goes on, it has ended, or it holds something else than literals, binds, signs and commas. */
export type ListState = 'open' | 'ended' | 'other';

/** The list behind the bracket at `open`. */
export class LiteralList {
  /** Token that is read next; of a list that has ended, the one past its bracket. */
  at: number;
  /** Values and binds so far. */
  count = 0;
  hasBind = false;
  /** NULL, TRUE, FALSE or DEFAULT is among the values. */
  hasWord = false;
  readonly open: number;

  constructor(open: number) {
    this.open = open;
    this.at = open + 1;
  }

  /** Reads on as far as token `to`, not included. */
  read(tokens: Tokens, to: number): ListState {
    for (; this.at < to; this.at += 1) {
      const kind = kindAt(tokens, this.at);
      if (kind === KIND.operator) {
        const code = operatorCodeAt(tokens, this.at);
        if (code === 41) {
          this.at += 1;
          return 'ended';
        }
        if (code !== 44 && code !== 45 && code !== 43) return 'other';
      } else if (kind === KIND.word) {
        if (!VALUE_WORDS.has(wordAt(tokens, this.at))) return 'other';
        this.hasWord = true;
        this.count += 1;
      } else if (
        kind === KIND.string ||
        kind === KIND.number ||
        kind === KIND.bind ||
        kind === KIND.dollarString
      ) {
        this.hasBind ||= kind === KIND.bind;
        this.count += 1;
      } else if (kind > KIND.comment) return 'other';
    }
    return 'open';
  }
}
