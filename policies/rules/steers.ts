/**
 * What a statement changes of its session, of warehouses, users or the account, in words that conditions of rules can
 * ask for: `USE WAREHOUSE BATCH_WH`, `ALTER SESSION QUERY_TAG`, `ALTER WAREHOUSE BATCH_WH`. A name that the text does
 * not show is `?`.
 */
import { KIND, kindAt, lex, type Tokens } from '#base/sql/lexer.js';
import { splitStatements, type StatementRange } from '#base/sql/splitter.js';
import { classifyStatement, type StatementHead } from '#base/sql/statement-class.js';
import { foldName } from './glob.js';
import type { StatementFacts } from '../sql/facts.js';
import { TokenCursor } from '../sql/words/token-cursor.js';

const STEERING: ReadonlySet<StatementFacts['class']> = new Set(['session', 'administration']);
/** Parameters of one ALTER SESSION that are told. */
const PARAMETERS_MAX = 100;

/** One entry a statement; the text is read again only where some statement changes something. */
export function steersOf(
  sqlText: string,
  statements: readonly StatementFacts[],
): readonly (readonly string[])[] {
  if (!statements.some((facts) => STEERING.has(facts.class))) return statements.map(insideOf);
  const tokens = lex(sqlText);
  const ranges = splitStatements(tokens);
  return statements.map((facts, index) => {
    const range = ranges[index];
    if (!STEERING.has(facts.class)) return insideOf(facts);
    return range === undefined ? ['?'] : steersIn(tokens, range);
  });
}

/** Statements inside another are not read for names. */
function insideOf(facts: StatementFacts): readonly string[] {
  const isInside = facts.innerClasses.some((each) => STEERING.has(each));
  return isInside || (facts.setsWarehouse && facts.class !== 'session') ? ['?'] : [];
}

function steersIn(tokens: Tokens, range: StatementRange): readonly string[] {
  const head = classifyStatement(tokens, range);
  if (head.isAlterSession)
    return parametersIn(tokens, range, head).map((each) => `ALTER SESSION ${each}`);
  if (head.use !== null) {
    const hasKind = head.object !== '' && head.objectAt !== head.verbAt;
    const target = foldName(head.use.replace('-', ' '));
    const name = nameAfter(tokens, range, hasKind ? head.objectAt : head.verbAt);
    return [`USE ${target} ${name}`];
  }
  if (head.verb === 'SET' || head.verb === 'UNSET') return [];
  if (head.object === '') return [head.verb];
  return [`${head.verb} ${head.object} ${nameAfter(tokens, range, head.objectAt)}`];
}

function nameAfter(tokens: Tokens, range: StatementRange, at: number): string {
  const cursor = new TokenCursor(tokens, at + 1, range.to);
  cursor.skip('IF', 'NOT', 'EXISTS');
  cursor.skip('EXISTS');
  const name = cursor.name();
  return name === undefined || name.isDynamic ? '?' : name.parts.join('.');
}

/** `SET A = 1 B = 2`, with or without commas; `UNSET A, B`. */
function parametersIn(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
): readonly string[] {
  const cursor = new TokenCursor(tokens, head.objectAt + 1, range.to);
  const isUnset = cursor.word() === 'UNSET';
  cursor.step();
  const parameters: string[] = [];
  while (!cursor.isAtEnd && parameters.length < PARAMETERS_MAX) {
    const word = cursor.word();
    const kind = kindAt(tokens, cursor.at);
    cursor.step();
    const isName = word !== '' && (isUnset || cursor.is('='));
    if (isName) parameters.push(word);
    // A quoted name, or one that a variable gives.
    else if (kind === KIND.quotedIdentifier && (isUnset || cursor.is('='))) parameters.push('?');
    if (!isUnset && cursor.is('=')) {
      cursor.step();
      cursor.step();
    }
  }
  return parameters.length === 0 ? ['?'] : parameters;
}
