/** Our tables beside those of node-sql-parser, a parser made by others in another way. */
import { Dialect, parse as parseSql } from '@polyglot-sql/sdk';
import grammar from 'node-sql-parser/build/snowflake.js';
import { describe, expect, test } from 'vitest';
import { parseStatement, type Parse } from '../../../policies/sql/parser/parse.js';
import { factsInThread } from '../../support/sql-readers.js';
import { AGREED, LOST } from './oracle-statements.js';

const parser = new grammar.Parser();

/** The one name of the CTEs in the set. */
const CTE = 'DB.S.RECENT';

/** Tables by node-sql-parser, without CTEs: its `operation::database.schema::table`, qualified for a session in DB.S. */
function theirs(sql: string): readonly string[] {
  const names = parser.tableList(sql, { database: 'snowflake' }).map((entry) => {
    const [, before = '', table = ''] = entry.split('::');
    const parts = [...(before === 'null' ? [] : before.split('.')), table];
    const [last = '', schema = 'S', database = 'DB'] = parts.toReversed();
    return [database, schema === '' ? 'PUBLIC' : schema, last].join('.').toUpperCase();
  });
  return [...new Set(names)].filter((name) => name !== CTE).toSorted();
}

const parseWithPolyglot: Parse = (sql) => {
  const { success, ast } = parseSql(sql, Dialect.Snowflake);
  return { success, ast };
};

async function ours(sql: string): Promise<readonly string[]> {
  const facts = await factsInThread(sql, (text) => parseStatement(parseWithPolyglot, text));
  expect(facts.filter(({ opaque }) => opaque)).toEqual([]);
  return [
    ...new Set(facts.flatMap((each) => [...each.tablesRead, ...each.tablesWritten])),
  ].toSorted();
}

describe('the tables that node-sql-parser finds are ours', () => {
  test.each(AGREED)('%s', async (sql) => {
    expect(await ours(sql)).toEqual(expect.arrayContaining([...theirs(sql)]));
    expect(theirs(sql).length).toBeGreaterThan(0);
  });
});

describe('the tables that node-sql-parser loses are not lost here', () => {
  test.each(LOST)('%s', async (sql, tables) => {
    expect(await ours(sql)).toEqual([...theirs(sql), ...tables].toSorted());
  });
});
