/**
 * The SQL statements inside a scripting block, whatever branch, loop or handler they stand in. They are listed so that
 * rules and prices see what a block touches at least; how often it does nobody can tell, so a block stays opaque.
 */
import { isOperator, nextSignificant, wordAt, type Tokens } from '#base/sql/lexer.js';
import { isTransactionStart, type StatementRange } from '#base/sql/splitter.js';
import { atOnce, STEP_TOKENS, type Steps } from '#base/sql/steps.js';
import { partOf } from './statement-shell.js';

/** Words that begin a statement of SQL, in a block or in brackets. */
const STATEMENT_WORDS: ReadonlySet<string> = new Set(
  (
    'SELECT WITH VALUES INSERT UPDATE DELETE MERGE TRUNCATE CREATE ALTER DROP UNDROP COMMENT USE SET UNSET START COMMIT ' +
    'ROLLBACK SHOW DESCRIBE DESC EXPLAIN LIST LS PUT GET REMOVE RM CALL EXECUTE GRANT REVOKE COPY'
  ).split(' '),
);

/** Those that brackets can hold without being the arguments of a function of that name. */
const BRACKETED_WORDS: ReadonlySet<string> = new Set(
  'SELECT WITH UPDATE DELETE MERGE SHOW DESCRIBE DESC CALL EXECUTE COPY ALTER CREATE DROP'.split(
    ' ',
  ),
);

/** Words that are statements of the scripting language by themselves: what follows begins another statement. */
const LEADS: ReadonlySet<string> = new Set('BEGIN DECLARE THEN ELSE DO LOOP REPEAT'.split(' '));

/** Statements of the block in `range`, in order of the text. Linear. */
export function scriptParts(tokens: Tokens, range: StatementRange): readonly StatementRange[] {
  return atOnce(scriptPartSteps(tokens, range));
}

/** {@link scriptParts} in steps. */
export function* scriptPartSteps(
  tokens: Tokens,
  range: StatementRange,
): Steps<readonly StatementRange[]> {
  const scan = new BlockScan(tokens, range);
  while (scan.advance()) yield;
  return scan.parts;
}

class BlockScan {
  readonly #tokens: Tokens;
  readonly #range: StatementRange;
  readonly parts: StatementRange[] = [];
  /** Token that is read next. */
  #at: number;

  constructor(tokens: Tokens, range: StatementRange) {
    this.#tokens = tokens;
    this.#range = range;
    this.#at = range.head;
  }

  /** Reads on for a step, to the end of the statement it ends in; false at the end. */
  advance(): boolean {
    const { to } = this.#range;
    let at = this.#at;
    const stepTo = Math.min(to, at + STEP_TOKENS);
    while (at < stepTo) {
      const word = wordAt(this.#tokens, at);
      if (word === 'BEGIN' && isTransactionStart(this.#tokens, at)) at = this.#statement(at);
      else if (LEADS.has(word)) at = this.#next(at);
      else if (STATEMENT_WORDS.has(word) && !this.#isAssigned(at)) at = this.#statement(at);
      else at = this.#control(at);
    }
    this.#at = at;
    return at < to;
  }

  #next(at: number): number {
    return nextSignificant(this.#tokens, at + 1, this.#range.to);
  }

  /** `get := 1` assigns to a variable of that name. */
  #isAssigned(at: number): boolean {
    return isOperator(this.#tokens, this.#next(at), ':=');
  }

  /** Notes the statement from `at` to its semicolon; the token after it. */
  #statement(at: number): number {
    const { to } = this.#range;
    let end = at;
    while (end < to && !isOperator(this.#tokens, end, ';')) end += 1;
    this.#note(at, end);
    return this.#next(end);
  }

  #note(from: number, to: number): void {
    const part = partOf(this.#tokens, this.#range, from, to);
    if (part !== undefined) this.parts.push(part);
  }

  /** A statement of the language: notes the queries in it, and ends where another statement may begin. */
  #control(from: number): number {
    const { to } = this.#range;
    let previous = '';
    let at = from;
    while (at < to) {
      if (isOperator(this.#tokens, at, ';')) return this.#next(at);
      const word = wordAt(this.#tokens, at);
      if (at > from && LEADS.has(word)) return at;
      const isCursor = previous === 'FOR' && (word === 'SELECT' || word === 'WITH');
      if (isCursor) return this.#statement(at);
      previous = word;
      if (isOperator(this.#tokens, at, '(')) at = this.#bracket(at);
      else at = this.#next(at);
    }
    return at;
  }

  #isStatementAt(at: number): boolean {
    const word = wordAt(this.#tokens, at);
    if (word === 'INSERT')
      return /^(?:INTO|OVERWRITE|ALL|FIRST)$/.test(wordAt(this.#tokens, this.#next(at)));
    return BRACKETED_WORDS.has(word);
  }

  /** Passes a bracket: a statement in it is noted, anything else is looked into for queries. */
  #bracket(open: number): number {
    const { to } = this.#range;
    const first = this.#next(open);
    const isStatement = this.#isStatementAt(first);
    let depth = 1;
    let at = first;
    while (at < to) {
      if (isOperator(this.#tokens, at, '(')) {
        if (!isStatement && this.#isStatementAt(this.#next(at))) {
          at = this.#bracket(at);
          continue;
        }
        depth += 1;
      } else if (isOperator(this.#tokens, at, ')')) {
        depth -= 1;
        if (depth === 0) break;
      }
      at = this.#next(at);
    }
    if (isStatement) this.#note(first, at);
    return this.#next(at);
  }
}
