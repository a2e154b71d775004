import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lex } from '../../../base/sql/lexer.js';
import { splitStatements } from '../../../base/sql/splitter.js';

function split(text: string): string[] {
  return splitStatements(lex(text)).map((range) => text.slice(range.start, range.end));
}

const CASES: readonly (readonly [name: string, text: string, parts: readonly string[]])[] = [
  ['plain statements', 'select 1; select 2;\n', ['select 1', 'select 2']],
  ['empty pieces', ';;  ; -- only a note\n; select 1 ;', ['select 1']],
  [
    'strings',
    "select ';' ; select 'a''; b'; select '\\';'",
    ["select ';'", "select 'a''; b'", "select '\\';'"],
  ],
  ['quoted names', 'select ";" ; select 1', ['select ";"', 'select 1']],
  [
    'dollar bodies',
    'execute immediate $$ a; b; $$; select 1',
    ['execute immediate $$ a; b; $$', 'select 1'],
  ],
  [
    'comments',
    'select 1 -- a; b\n; /* ; */ select 2 // ;',
    ['select 1 -- a; b', '/* ; */ select 2 // ;'],
  ],
  ['file addresses', 'put file:///x/*.csv @s; select 1', ['put file:///x/*.csv @s', 'select 1']],
  [
    'transactions',
    'begin; insert into t values (1); commit',
    ['begin', 'insert into t values (1)', 'commit'],
  ],
  ['named transactions', 'begin name x; select 1; end', ['begin name x', 'select 1', 'end']],
  [
    'blocks',
    'begin select 1; select 2; end; select 3',
    ['begin select 1; select 2; end', 'select 3'],
  ],
  [
    'nested blocks',
    'begin begin select 1; end; exception when other then begin return 2; end; end; select 3',
    ['begin begin select 1; end; exception when other then begin return 2; end; end', 'select 3'],
  ],
  [
    'CASE inside a block',
    'begin let x := case when a then 1 else 2 end; return x; end; select 3',
    ['begin let x := case when a then 1 else 2 end; return x; end', 'select 3'],
  ],
  [
    'CASE statements inside a block',
    'begin case (x) when 1 then if (y) then return 1; end if; else return 2; end case; return 3; end; select 4',
    [
      'begin case (x) when 1 then if (y) then return 1; end if; else return 2; end case; return 3; end',
      'select 4',
    ],
  ],
  [
    'loops inside a block',
    'begin for r in c do select 1; end for; while (a) loop b := 1; end loop; repeat x := 1; until (y) end repeat; end; select 1',
    [
      'begin for r in c do select 1; end for; while (a) loop b := 1; end loop; repeat x := 1; until (y) end repeat; end',
      'select 1',
    ],
  ],
  [
    'declarations',
    'declare x int default 1; c cursor for select 1; begin return x; end; select 2',
    ['declare x int default 1; c cursor for select 1; begin return x; end', 'select 2'],
  ],
  [
    'procedures with a bare body',
    'create procedure p() returns int language sql as begin select 1; return 2; end; select 3',
    ['create procedure p() returns int language sql as begin select 1; return 2; end', 'select 3'],
  ],
  [
    'procedures with declarations',
    'create or replace procedure p() returns int as declare x int; begin x := 1; return x; end; select 3',
    [
      'create or replace procedure p() returns int as declare x int; begin x := 1; return x; end',
      'select 3',
    ],
  ],
  [
    'transactions inside a block',
    'begin begin transaction; insert into t values (1); commit; end; select 3',
    ['begin begin transaction; insert into t values (1); commit; end', 'select 3'],
  ],
  [
    'columns named like keywords',
    'select t.begin, case when 1=1 then 2 end; select 2',
    ['select t.begin, case when 1=1 then 2 end', 'select 2'],
  ],
  [
    'a block without end',
    'begin select 1; drop table t; select 2',
    ['begin select 1; drop table t; select 2'],
  ],
];

test.each(CASES)('splits %s', (_name, text, parts) => {
  expect(split(text)).toEqual(parts);
});

test('pieces of any text keep their order, do not overlap and leave out only semicolons and blanks', () => {
  const pieces = fc.constantFrom(
    "'",
    '"',
    '$$',
    ';',
    ' ',
    'begin',
    'end',
    'case',
    'declare',
    'if',
    'create',
    'as',
    'select',
    '--',
    '\n',
    '/*',
    '*/',
  );
  const text = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (sql) => {
      let end = 0;
      for (const range of splitStatements(lex(sql))) {
        expect(range.start).toBeGreaterThanOrEqual(end);
        expect(range.end).toBeGreaterThan(range.start);
        expect(range.head).toBeGreaterThanOrEqual(range.from);
        expect(range.head).toBeLessThan(range.to);
        end = range.end;
      }
      expect(end).toBeLessThanOrEqual(sql.length);
    }),
    { numRuns: 2_000 },
  );
});
