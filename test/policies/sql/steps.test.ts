/** Texts at the cap are read in steps, and short ones as long ones. */
import { expect, test } from 'vitest';
import { lex, lexSteps } from '../../../base/sql/lexer.js';
import { splitStatements } from '../../../base/sql/splitter.js';
import type { Steps } from '../../../base/sql/steps.js';
import { shapeOf } from '../../../policies/sql/fingerprint.js';
import { scriptPartSteps } from '../../../policies/sql/words/script-parts.js';
import { flowPartSteps } from '../../../policies/sql/words/copy-shell.js';
import { createAnalyser } from '../../../policies/sql/analyser.js';
import { NO_CATALOGUE, SESSION } from '../../support/sql-readers.js';

const LENGTH = 200_000;

function stepsOf(steps: Steps<unknown>): number {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
}

test('a long text is lexed, and its blocks and chains are read, in many steps', () => {
  const block = 'begin if (a) then '.repeat(LENGTH / 18);
  const chain = `select 1${' ->> select 2'.repeat(LENGTH / 13)}`;
  const [blocks, flow] = [lex(block), lex(chain)];
  expect(stepsOf(lexSteps(block))).toBeGreaterThan(10);
  const [first] = splitStatements(blocks);
  const [second] = splitStatements(flow);
  expect(first && stepsOf(scriptPartSteps(blocks, first))).toBeGreaterThan(10);
  expect(second && stepsOf(flowPartSteps(flow, second))).toBeGreaterThan(10);
});

test('a statement has the same shape in a short text and in a long one', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const sql = statementText(seed);
    const [short, long] = [lex(sql), lex(sql + ' '.repeat(5_000))];
    const [one] = splitStatements(short);
    const [other] = splitStatements(long);
    expect(one === undefined ? undefined : shapeOf(short, one), sql).toEqual(
      other === undefined ? undefined : shapeOf(long, other),
    );
  }
});

function statementText(seed: number): string {
  return STATEMENTS[seed % STATEMENTS.length]?.replaceAll('9', String(seed)) ?? '';
}

const STATEMENTS = [
  `select "Q"."c9", a.b, -9, 'x''9', $$9$$, :9, ?, @st/p9 from t9 where x in (9, 'b', null) and y = +9`,
  `insert into t values (9, 'a'), (1, 'b'), (?, 2), ()`,
  `select identifier('t9'), result_scan('9'), system$wait(9), f(9) from table('t9')`,
  `create table t9 (a number(9, 2)) comment = 'x9' as select 9 /* c */ -- d`,
  `select a.$1:b[9]::string->>'x' from db..t limit 9`,
];

test('what reads nothing is free without a parser, and what may read is not', async () => {
  const analyser = createAnalyser();
  await analyser.stop();
  const factsOf = async (sql: string): Promise<readonly [boolean, boolean]> => {
    const { statements } = await analyser.analyse(sql, SESSION, NO_CATALOGUE);
    const [only] = statements;
    return [only?.isFree === true, only?.opaque === true];
  };
  for (const sql of [
    'select 1',
    'SELECT CURRENT_ROLE() as "r", current_date, null',
    "select 'a' || upper('b'), ? where 1 = 0",
    'select $x',
  ])
    expect(await factsOf(sql), sql).toEqual([true, false]);
  for (const sql of [
    'select 1 from t',
    'select f(1)',
    'select 1 union select 2',
    'select seq.nextval',
    "select * from table(result_scan('x')), t",
    'select (select a from t)',
  ])
    expect((await factsOf(sql))[0], sql).toBe(false);
});
