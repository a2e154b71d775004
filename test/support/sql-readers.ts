/** The readers of SQL that run on the event loop, each by itself, so that the time of one can be told. */
import { lex, type Tokens } from '#base/sql/lexer.js';
import { splitStatements, type StatementRange } from '#base/sql/splitter.js';
import { classifyStatement } from '#base/sql/statement-class.js';
import type { Catalogue, NameContext, StatementFacts } from '#policies/sql/facts.js';
import { fingerprint, fingerprintOfShapes, shapeOf } from '#policies/sql/fingerprint.js';
import { parserText } from '#policies/sql/parser/parser-text.js';
import type { ParseOutcome } from '#policies/sql/tree/raw-facts.js';
import { scriptParts } from '#policies/sql/words/script-parts.js';
import { contextAfter } from '#policies/sql/session-context.js';
import { statementFacts } from '#policies/sql/statement-facts.js';
import { TokenList } from '#policies/sql/words/token-list.js';
import { traitsOf } from '#policies/sql/words/traits.js';

/** A text as far as it has been read before the reader that is timed. */
export interface ReadText {
  readonly text: string;
  readonly tokens: Tokens;
  readonly ranges: readonly StatementRange[];
}

/** Every catalogue is empty and every session in DB.S where a test does not say otherwise. */
export const NO_CATALOGUE: Catalogue = { version: 'empty', columnsOf: () => undefined };
export const SESSION: NameContext = { database: 'DB', schema: 'S' };

/** What stands before every reader but the first two. */
export function readText(text: string): ReadText {
  const tokens = lex(text);
  return { text, tokens, ranges: splitStatements(tokens) };
}

/** Each reader over a whole text. */
export const SQL_READERS: Readonly<Record<string, (read: ReadText) => unknown>> = {
  lexer: ({ text }) => lex(text),
  splitter: ({ tokens }) => splitStatements(tokens),
  class: ({ tokens, ranges }) => ranges.map((range) => classifyStatement(tokens, range)),
  fingerprint: ({ text }) => fingerprint(text),
  shape: ({ tokens, ranges }) =>
    fingerprintOfShapes(ranges.map((range) => shapeOf(tokens, range).text)),
  traits: ({ tokens, ranges }) =>
    ranges.map((range) => traitsOf(new TokenList(tokens, range), classifyStatement(tokens, range))),
  parserText: ({ tokens, ranges }) =>
    ranges.map((range) => parserText(new TokenList(tokens, range))),
  scriptParts: ({ tokens, ranges }) => ranges.map((range) => scriptParts(tokens, range)),
};

/** What stands in for the parser workers. */
export type ParseText = (sql: string) => ParseOutcome;

const REFUSED: ParseOutcome = { kind: 'refused', isTooComplex: false };

/** Facts of every statement of `text`, parsed in this thread; EXECUTE IMMEDIATE is not followed. */
export async function factsInThread(
  text: string,
  parse: ParseText,
): Promise<readonly StatementFacts[]> {
  const { tokens, ranges } = readText(text);
  const facts: StatementFacts[] = [];
  let context = SESSION;
  for (const range of ranges) {
    facts.push(
      await statementFacts({
        tokens,
        range,
        fingerprint: fingerprintOfShapes([shapeOf(tokens, range).text]).hash,
        context,
        catalogue: NO_CATALOGUE,
        depth: 0,
        rest: () => Promise.resolve(),
        shapes: { recall: () => Promise.resolve(undefined), keep: () => Promise.resolve() },
        parse: (list) => {
          const sql = parserText(list);
          return Promise.resolve(sql === undefined ? REFUSED : parse(sql));
        },
        analyseInner: () => Promise.resolve({ statements: [], fingerprint: '' }),
      }),
    );
    context = contextAfter(tokens, range, context);
  }
  return facts;
}

/** Facts with a parser that refuses all. */
export async function factsWithoutParser(text: string): Promise<readonly StatementFacts[]> {
  return await factsInThread(text, () => REFUSED);
}
