import { expect, test } from 'vitest';
import { lex } from '../../../base/sql/lexer.js';
import { splitStatements } from '../../../base/sql/splitter.js';
import { parserText } from '../../../policies/sql/parser/parser-text.js';
import { TokenList } from '../../../policies/sql/words/token-list.js';

function read(sql: string): string | undefined {
  const tokens = lex(sql);
  const [range] = splitStatements(tokens);
  return range === undefined
    ? undefined
    : parserText(new TokenList(tokens, range))?.replaceAll(/\s+/g, ' ');
}

test.each([
  ['select not f(not a like b) like c from t', 'select f( a NOT LIKE b) NOT LIKE c from t'],
  ['select not (a) in (1) from t', 'select not (a) in (1) from t'],
  ['select not a[b] like c from t', 'select a[b] NOT LIKE c from t'],
  ['select f(x, (a number(3, 2), b int) -> a + b)', 'select f(x, (a, b) -> a + b)'],
  [
    'select * from t unpivot (x for m in (a as p, b q, (c, d) as r))',
    'select * from t unpivot (x for m in (a , b , (c, d) ))',
  ],
  [
    'select * from table(f(a) over (partition by g(b) order by c desc))',
    'select * from table(f(a, g(b) , c ))',
  ],
  ['select a::int::object(x int):b from t', 'select a from t'],
  ['select a from t first where first.b = 1', 'select a from t "FIRST" where first.b = 1'],
  ['select a from t full join u', 'select a from t full join u'],
  ['select a from t order by a, b desc limit 1', 'select a from t order by a, b desc limit 1'],
  ['select date.a, limit from t date limit 5', 'select "DATE".a, "LIMIT" from t "DATE" limit 5'],
  [
    'merge into t using s on t.key = s.key when matched then update set type = s.type',
    'merge into t using s on t."KEY" = s."KEY" when matched then update set "TYPE" = s."TYPE"',
  ],
  [
    'merge into t using s on 1 = 2 when not matched then insert (a, date) values (current_date, 1)',
    'merge into t using s on 1 = 2 when not matched then insert (a, "DATE") values (current_date, 1)',
  ],
])('%s is read by the parser as another form', (sql, expected) => {
  expect(read(sql)).toBe(expected);
});
