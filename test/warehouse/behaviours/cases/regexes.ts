/** "String functions (regular expressions)" of the reference. */
import { fails, is, type Theme } from '../behaviour.js';

const SENTENCE = `'It was the best of times, it was the worst of times.'`;

export const REGEXES: Theme = {
  title: 'Regular expressions',
  behaviours: [
    is(`REGEXP_LIKE('San Francisco', 'san.*', 'i')`, '1', 'boolean'),
    is(`REGEXP_LIKE('Sacramento', 'Sac')`, '0', 'boolean'),
    is(`'San Francisco' REGEXP 'San* [fF].*'`, '1', 'boolean'),
    is(`'San Jose' RLIKE 'San [a-z]*'`, '0', 'boolean'),
    is(`'San Jose' NOT RLIKE 'San [a-z]*'`, '1', 'boolean'),
    is(`RLIKE('800-456-7891', '[2-9]\\\\d{2}-\\\\d{3}-\\\\d{4}')`, '1', 'boolean'),
    is(`RLIKE('jsmith@email.com', $$\\w+@[a-zA-Z_]+?\\.[a-zA-Z]{2,3}$$)`, '1', 'boolean'),
    is(`REGEXP_LIKE(NULL, 'a')`, null, 'boolean'),
    is(`REGEXP_LIKE('a\\nb', 'a.b')`, '0', 'boolean'),
    is(`REGEXP_LIKE('a\\nb', 'a.b', 's')`, '1', 'boolean'),
    is(`REGEXP_SUBSTR(${SENTENCE}, '\\\\bw\\\\S+')`, 'was', 'text'),
    is(`REGEXP_SUBSTR(${SENTENCE}, '\\\\bw\\\\S+', 1, 3)`, 'worst', 'text'),
    is(`REGEXP_SUBSTR(${SENTENCE}, 'the\\\\W+(\\\\w+)', 1, 2, 'e')`, 'worst', 'text'),
    is(`REGEXP_SUBSTR(${SENTENCE}, 'the\\\\W+(\\\\w+)', 1, 1, 'e', 1)`, 'best', 'text'),
    is(`REGEXP_SUBSTR(${SENTENCE}, 'none')`, null, 'text'),
    is(
      `REGEXP_SUBSTR('A MAN A PLAN A CANAL', 'A\\\\W+(\\\\w)(\\\\w)(\\\\w)', 1, 2, 'e', 3)`,
      'A',
      'text',
    ),
    is(`REGEXP_SUBSTR('aaabbb', 'a|aa|aaa')`, 'aaa', 'text'),
    is(`REGEXP_SUBSTR('ABC', 'b', 1, 1, 'i')`, 'B', 'text'),
    is(`REGEXP_SUBSTR('a:b', '(:)(b)?(c)?', 1, 1, 'e', 3)`, null, 'text'),
    is(`REGEXP_INSTR('nevermore1, nevermore2, nevermore3.', 'nevermore\\\\d')`, '1', 'fixed:0'),
    is(`REGEXP_INSTR('nevermore1, nevermore2, nevermore3.', 'nevermore\\\\d', 5)`, '13', 'fixed:0'),
    is(
      `REGEXP_INSTR('nevermore1, nevermore2, nevermore3.', 'nevermore\\\\d', 1, 3)`,
      '25',
      'fixed:0',
    ),
    is(
      `REGEXP_INSTR('nevermore1, nevermore2, nevermore3.', 'nevermore\\\\d', 1, 3, 1)`,
      '35',
      'fixed:0',
    ),
    is(`REGEXP_INSTR('abc', 'z')`, '0', 'fixed:0'),
    is(
      `REGEXP_COUNT('It was the best of times, it was the worst of times', '\\\\bwas\\\\b', 1)`,
      '2',
      'fixed:0',
    ),
    is(`REGEXP_COUNT('abcABC', 'b', 1, 'i')`, '2', 'fixed:0'),
    is(`REGEXP_COUNT('aaa', 'aa')`, '1', 'fixed:0'),
    is(
      `REGEXP_REPLACE('It was the best of times, it was the worst of times', '( ){1,}', '')`,
      'Itwasthebestoftimes,itwastheworstoftimes',
      'text',
    ),
    is(
      `REGEXP_REPLACE('It was the best of times, it was the worst of times', 'times', 'days', 1, 2)`,
      'It was the best of times, it was the worst of days',
      'text',
    ),
    is(
      `REGEXP_REPLACE('firstname middlename lastname', '(.*) (.*) (.*)', '\\\\3, \\\\1 \\\\2')`,
      'lastname, firstname middlename',
      'text',
    ),
    is(`REGEXP_REPLACE('a.b.c', '[.]')`, 'abc', 'text'),
    is(`REGEXP_REPLACE('a.b', $$\\.$$, '-')`, 'a-b', 'text'),
    is(`REGEXP_REPLACE(NULL, 'a', 'b')`, null, 'text'),
    is(
      `REGEXP_SUBSTR_ALL('a1_a2a3_a4A5a6', 'a[[:digit:]]')::STRING`,
      '["a1","a2","a3","a4","a6"]',
      'text',
    ),
    is(
      `REGEXP_SUBSTR_ALL('a1_a2a3_a4A5a6', 'a[[:digit:]]', 2)::STRING`,
      '["a2","a3","a4","a6"]',
      'text',
    ),
    is(
      `REGEXP_SUBSTR_ALL('a1_a2a3_a4A5a6', 'a[[:digit:]]', 1, 3)::STRING`,
      '["a3","a4","a6"]',
      'text',
    ),
    is(
      `REGEXP_SUBSTR_ALL('a1_a2a3_a4A5a6', '(a)([[:digit:]])', 1, 1, 'ie', 1)::STRING`,
      '["a","a","a","a","A","a"]',
      'text',
    ),
    is(`REGEXP_SUBSTR_ALL('a1', 'b')::STRING`, '[]', 'text'),
    fails(`SELECT REGEXP_LIKE('a', '(?i)A')`, '100048'),
    fails(`SELECT REGEXP_SUBSTR('a', '*a')`, '100048'),
    fails(`SELECT REGEXP_COUNT('a', '[a')`, '100048'),
  ],
};
