/** "FLATTEN", "SPLIT_TO_TABLE", "STRTOK_SPLIT_TO_TABLE" and "GENERATOR" of the reference. */
import { rows, type Theme } from '../behaviour.js';

const JSON_TEXT = `PARSE_JSON('{"a":1, "b":[77,88], "c": {"d":"X"}}')`;

export const FLATTEN: Theme = {
  title: 'FLATTEN and generators',
  behaviours: [
    rows(
      `SELECT SEQ, KEY, PATH, INDEX, VALUE FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1, ,77]'))) f`,
      [
        ['1', null, '[0]', '0', '1'],
        ['1', null, '[1]', '1', null],
        ['1', null, '[2]', '2', '77'],
      ],
      ['fixed:0', 'text', 'text', 'fixed:0', 'variant'],
    ),
    rows(
      `SELECT KEY, PATH, INDEX, VALUE, THIS FROM TABLE(FLATTEN(INPUT => PARSE_JSON('{"a":1, "b":[77,88]}'), PATH => 'b')) f`,
      [
        [null, 'b[0]', '0', '77', '[\n  77,\n  88\n]'],
        [null, 'b[1]', '1', '88', '[\n  77,\n  88\n]'],
      ],
    ),
    rows(`SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[]'))) f`, []),
    rows(`SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[]'), OUTER => TRUE)) f`, [
      ['1', null, '', null, null, '[]'],
    ]),
    rows(`SELECT KEY, PATH FROM TABLE(FLATTEN(INPUT => ${JSON_TEXT})) f`, [
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c'],
    ]),
    rows(
      `SELECT KEY, PATH, VALUE::STRING FROM TABLE(FLATTEN(INPUT => ${JSON_TEXT}, RECURSIVE => TRUE)) f`,
      [
        ['a', 'a', '1'],
        ['b', 'b', '[77,88]'],
        [null, 'b[0]', '77'],
        [null, 'b[1]', '88'],
        ['c', 'c', '{"d":"X"}'],
        ['d', 'c.d', 'X'],
      ],
    ),
    rows(
      `SELECT PATH FROM TABLE(FLATTEN(INPUT => ${JSON_TEXT}, RECURSIVE => TRUE, MODE => 'OBJECT')) f`,
      [['a'], ['b'], ['c'], ['c.d']],
    ),
    rows(
      `SELECT p.id, f.value:type::STRING, f1.value::STRING
       FROM (SELECT 1 AS id, PARSE_JSON('{"contact":[{"type":"phone","l":["1","2"]},{"type":"mail","l":["m"]}]}') AS c) p,
            LATERAL FLATTEN(INPUT => p.c, PATH => 'contact') f, LATERAL FLATTEN(INPUT => f.value:l) f1 ORDER BY 3`,
      [
        ['1', 'phone', '1'],
        ['1', 'phone', '2'],
        ['1', 'mail', 'm'],
      ],
    ),
    rows(
      `SELECT t.id, f.value FROM (SELECT 1 AS id, [1] AS a UNION ALL SELECT 2, []) t, LATERAL FLATTEN(INPUT => t.a, OUTER => TRUE) f ORDER BY 1`,
      [
        ['1', '1'],
        ['2', null],
      ],
    ),
    rows(
      `SELECT value FROM TABLE(FLATTEN([30, 4, 10])) ORDER BY value`,
      [['4'], ['10'], ['30']],
      ['variant'],
    ),
    rows(`SELECT value::STRING FROM TABLE(FLATTEN(['x', 'y'])) WHERE value = 'y'`, [['y']]),
    rows(
      `SELECT * FROM TABLE(SPLIT_TO_TABLE('a.b', '.')) AS t ORDER BY seq, index`,
      [
        ['1', '1', 'a'],
        ['1', '2', 'b'],
      ],
      ['fixed:0', 'fixed:0', 'text'],
    ),
    rows(`SELECT * FROM ( TABLE (SPLIT_TO_TABLE('a b', ' ')) )`, [
      ['1', '1', 'a'],
      ['1', '2', 'b'],
    ]),
    rows(
      `SELECT (ROW_NUMBER() OVER (ORDER BY SEQ8()) - 1) * (3) + (1) AS id FROM ( TABLE (GENERATOR(ROWCOUNT => 2)))`,
      [['1'], ['4']],
    ),
    rows(`SELECT index, value FROM TABLE(STRTOK_SPLIT_TO_TABLE('a@.b', '.@')) ORDER BY 1`, [
      ['1', 'a'],
      ['2', 'b'],
    ]),
    rows(`SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 100))`, [['100']]),
    rows(`SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 3)) ORDER BY 1`, [['0'], ['1'], ['2']]),
    rows(`SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) FROM TABLE(GENERATOR(ROWCOUNT => 2))`, [
      ['1'],
      ['2'],
    ]),
  ],
};
