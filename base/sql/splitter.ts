/**
 * Cuts a request text into its statements. Semicolons inside strings, `$$` bodies and comments are no cuts by the
 * lexer's work; those inside scripting blocks (`BEGIN … END`, `DECLARE … BEGIN … END`, `CREATE … AS BEGIN … END`)
 * are no cuts by the tracking here. A block that is never closed swallows the rest, so nothing hides behind it.
 */
import {
  isOperator,
  KIND,
  kindAt,
  nextSignificant,
  startAt,
  wordAt,
  type Tokens,
} from './lexer.js';
import { atOnce, STEP_TOKENS, type Steps } from './steps.js';

/** One statement of a text, without its semicolon. */
export interface StatementRange {
  /** Offsets in UTF-16 units; comments around the statement belong to it, white space does not. */
  readonly start: number;
  readonly end: number;
  /** First token, and one past the last. */
  readonly from: number;
  readonly to: number;
  /** First token that is neither white space nor comment. */
  readonly head: number;
  /** The text is a scripting block, or creates something whose body is one. */
  readonly hasBlock: boolean;
  /** `->>` pipes one statement into the next. */
  readonly hasFlow: boolean;
  /** Control or zero-width characters outside quotes. */
  readonly hasStray: boolean;
}

/**
 * Statements of `tokens` in order; pieces without any significant token are left out. Linear, never throws.
 */
export function splitStatements(tokens: Tokens): readonly StatementRange[] {
  return [...eachStatement(tokens)];
}

/** {@link splitStatements}, each when it is asked for. */
export function* eachStatement(tokens: Tokens): Generator<StatementRange> {
  let from = 0;
  while (from < tokens.count) {
    const { range, next } = atOnce(statementSteps(tokens, from));
    if (range !== undefined) yield range;
    from = next;
  }
}

/** What stands before a semicolon. */
export interface Piece {
  /** Undefined for a piece without any significant token. */
  readonly range: StatementRange | undefined;
  /** First token of the next piece. */
  readonly next: number;
}

/** The piece of the text that begins with token `from`, in steps. */
export function* statementSteps(tokens: Tokens, from: number): Steps<Piece> {
  const scan = new StatementScan(tokens, from);
  while (!scan.advance()) yield;
  return { range: scan.head < scan.at ? scan.range(scan.at) : undefined, next: scan.at + 1 };
}

/** Words after which a statement may begin inside a block. */
const BEFORE_STATEMENT: ReadonlySet<string> = new Set([
  'THEN',
  'ELSE',
  'DO',
  'LOOP',
  'REPEAT',
  'BEGIN',
  'AS',
]);
const LOOP_ENDS: ReadonlySet<string> = new Set(['IF', 'FOR', 'WHILE', 'LOOP', 'REPEAT']);
const BLOCK_OWNERS: ReadonlySet<string> = new Set(['CREATE', 'ALTER']);

class StatementScan {
  readonly head: number;
  /** Token that is read next; at the end the semicolon that ends the statement, or the token count. */
  at: number;
  readonly #tokens: Tokens;
  readonly #from: number;
  readonly #mayOwnBlock: boolean;
  #depth = 0;
  /** Brackets that are open: a chain in them is part of something else. */
  #brackets = 0;
  #isDeclaring = false;
  #hasBlock = false;
  #hasFlow = false;
  #hasStray = false;
  #previousWord = '';
  #isAfterSemicolon = false;

  constructor(tokens: Tokens, from: number) {
    this.#tokens = tokens;
    this.#from = from;
    this.head = nextSignificant(tokens, from);
    this.at = this.head;
    const word = wordAt(tokens, this.head);
    this.#mayOwnBlock = BLOCK_OWNERS.has(word);
    if (word === 'DECLARE') {
      this.#isDeclaring = true;
      this.#hasBlock = true;
      this.#previousWord = 'BEGIN';
    }
    if (word === 'BEGIN' && !isTransactionStart(tokens, this.head)) this.#openBlock();
  }

  /** Reads on for a step; true at the end of the statement. */
  advance(): boolean {
    const tokens = this.#tokens;
    const { count, text } = tokens;
    const to = Math.min(count, this.at + STEP_TOKENS);
    let { at } = this;
    for (; at < to; at += 1) {
      const kind = kindAt(tokens, at);
      if (kind === KIND.operator) {
        const start = startAt(tokens, at);
        const code = text.charCodeAt(start);
        if (code === 59) {
          if (this.#depth === 0 && !this.#isDeclaring) {
            this.at = at;
            return true;
          }
          this.#isAfterSemicolon = true;
          continue;
        }
        if (code === 40) this.#brackets += 1;
        else if (code === 41) this.#brackets -= 1;
        else if (code === 45 && this.#brackets === 0 && text.startsWith('->>', start))
          this.#hasFlow = true;
        this.#previousWord = code === 46 ? '.' : '';
      } else if (kind === KIND.word) {
        if (at > this.head && (this.#mayOwnBlock || this.#hasBlock)) this.#word(at);
      } else if (kind <= KIND.comment) {
        continue;
      } else {
        if (kind === KIND.stray) this.#hasStray = true;
        this.#previousWord = '';
      }
      this.#isAfterSemicolon = false;
    }
    this.at = at;
    return at >= count;
  }

  range(to: number): StatementRange {
    const tokens = this.#tokens;
    let from = this.#from;
    while (from < to && kindAt(tokens, from) === KIND.whitespace) from += 1;
    let end = to;
    while (end > from && kindAt(tokens, end - 1) === KIND.whitespace) end -= 1;
    return {
      start: startAt(tokens, from),
      end: startAt(tokens, end),
      from,
      to: end,
      head: this.head,
      hasBlock: this.#hasBlock,
      hasFlow: this.#hasFlow,
      hasStray: this.#hasStray,
    };
  }

  #word(at: number): void {
    const word = wordAt(this.#tokens, at);
    const previous = this.#previousWord;
    this.#previousWord = word;
    if (previous === '.') return;
    if (this.#depth === 0) {
      const opens = this.#isDeclaring
        ? word === 'BEGIN' && (this.#isAfterSemicolon || previous === 'BEGIN')
        : (word === 'BEGIN' || word === 'DECLARE') && (previous === 'AS' || previous === 'THEN');
      if (opens && word === 'DECLARE') {
        this.#isDeclaring = true;
        this.#hasBlock = true;
        this.#previousWord = 'BEGIN';
      } else if (opens) this.#openBlock();
      return;
    }
    if (word === 'END') this.#end(at);
    else if (word === 'CASE' && previous !== 'END') this.#depth += 1;
    else if (word === 'BEGIN' && (this.#isAfterSemicolon || BEFORE_STATEMENT.has(previous))) {
      if (!isTransactionStart(this.#tokens, at)) this.#depth += 1;
    }
  }

  #end(at: number): void {
    const next = nextSignificant(this.#tokens, at + 1);
    if (!LOOP_ENDS.has(wordAt(this.#tokens, next))) this.#depth -= 1;
  }

  #openBlock(): void {
    this.#depth = 1;
    this.#isDeclaring = false;
    this.#hasBlock = true;
    this.#previousWord = 'BEGIN';
  }
}

/** Whether the BEGIN at `at` starts a transaction: alone, or with TRANSACTION, WORK, NAME. */
export function isTransactionStart(tokens: Tokens, at: number): boolean {
  let next = nextSignificant(tokens, at + 1);
  const word = wordAt(tokens, next);
  if (word === 'TRANSACTION' || word === 'WORK') return true;
  if (word === 'NAME') {
    next = nextSignificant(tokens, nextSignificant(tokens, next + 1) + 1);
  }
  return next >= tokens.count || isOperator(tokens, next, ';');
}
