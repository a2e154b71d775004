import { beforeAll, expect, test } from 'vitest';
import { lex, significantIndexes, textAt } from '#base/sql/lexer.js';
import {
  loadPrinter,
  withFilter,
  type MissingFilter,
  type Printer,
} from '../../../proxy/surface/rewrite.js';
import { fuzzedText } from '../../support/sql-fuzz.js';
import { plainQueryOf, randomOf, writtenPlainly } from '../../support/sql-grammar.js';

const CONDITION = /(?:[\w"]+\.)?EVENT_DATE = '2026-06-30'/;
/** What stands beside the condition: a WHERE where there was none, else an AND, and brackets around an OR. */
const BESIDE = ['WHERE', 'AND', 'AND ( )'];

let printer: Printer;
beforeAll(async () => {
  printer = await loadPrinter();
});

/** A filter on the first table that the text names. */
function filterFor(text: string): MissingFilter {
  const name = /\bFROM\s+([\w.]+)/i.exec(text)?.[1] ?? 'EVENTS';
  const table = `A.B.${name}`.split('.').slice(-3).join('.').toUpperCase();
  return { table, column: 'EVENT_DATE', day: '2026-06-30', hasTime: false };
}

/** The tokens that `made` has more than `text`; undefined where it does not have all of the text's, in order. */
function additions(text: string, made: string): readonly string[] | undefined {
  const [wanted, found] = [text, made].map((each) => {
    const tokens = lex(each);
    return significantIndexes(tokens).map((index) => textAt(tokens, index));
  });
  let at = 0;
  const more = found?.filter((token) => {
    if (token !== wanted?.[at]) return true;
    at += 1;
    return false;
  });
  return at === wanted?.length ? more : undefined;
}

test('a suggestion is the text itself with one condition more, whatever the text is', () => {
  const random = randomOf(7);
  let suggested = 0;
  for (let count = 0; count < 200; count += 1) {
    const text = count % 2 === 0 ? writtenPlainly(plainQueryOf(random)) : fuzzedText(random);
    const made = withFilter(text, filterFor(text), printer);
    if (made === null) continue;
    suggested += 1;
    const rest = made.replace(CONDITION, ' ');
    expect(rest, made).not.toBe(made);
    expect(BESIDE, `${text}\n${made}`).toContain(additions(text, rest)?.join(' '));
  }
  expect(suggested).toBeGreaterThan(10);
});
