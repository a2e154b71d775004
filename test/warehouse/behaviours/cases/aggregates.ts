/** "Aggregate functions" of the reference. */
import { fails, rows, type Behaviour, type Theme } from '../behaviour.js';
import type { Cell } from '#base/wire/row-type.js';

/** The aggregates of one column x over `values`. */
const over = (
  select: string,
  values: string,
  cells: readonly Cell[],
  types: readonly string[] = [],
): Behaviour => rows(`SELECT ${select} FROM (VALUES ${values}) AS t(x)`, [cells], types);
const NOTHING = `FROM (SELECT 1 AS x WHERE FALSE)`;

export const AGGREGATES: Theme = {
  title: 'Aggregates',
  behaviours: [
    over(
      `COUNT(*), COUNT(x), COUNT(DISTINCT x)`,
      `(1), (1), (NULL), (2)`,
      ['4', '3', '2'],
      ['fixed:0', 'fixed:0', 'fixed:0'],
    ),
    rows(
      `SELECT COUNT(DISTINCT a, b), COUNT(a, b) FROM (VALUES (1, 2), (1, 2), (1, NULL), (3, 4)) AS t(a, b)`,
      [['2', '3']],
    ),
    over(`COUNT_IF(x > 1)`, `(1), (2), (NULL)`, ['1'], ['fixed:0']),
    over(
      `SUM(x), MIN(x), MAX(x)`,
      `(1), (5), (NULL)`,
      ['6', '1', '5'],
      ['fixed:0', 'fixed:0', 'fixed:0'],
    ),
    over(`MIN(x), MAX(x)`, `('b'), ('a')`, ['a', 'b'], ['text', 'text']),
    rows(`SELECT SUM(x), MIN(x), COUNT(x) ${NOTHING}`, [[null, null, '0']]),
    over(`LISTAGG(x, '|')`, `('a')`, ['a'], ['text']),
    over(
      `LISTAGG(x, ', ') WITHIN GROUP (ORDER BY x DESC)`,
      `('a'), ('c'), (NULL), ('b')`,
      ['c, b, a'],
      ['text'],
    ),
    over(
      `LISTAGG(DISTINCT x, '|') WITHIN GROUP (ORDER BY x)`,
      `('O'), ('F'), ('O')`,
      ['F|O'],
      ['text'],
    ),
    over(`LISTAGG(x) WITHIN GROUP (ORDER BY x)`, `(1), (2)`, ['12'], ['text']),
    rows(`SELECT LISTAGG(x, ',') ${NOTHING}`, [['']], ['text']),
    over(
      `ARRAY_AGG(x) WITHIN GROUP (ORDER BY x DESC)`,
      `(1), (NULL), (2)`,
      ['[\n  2,\n  1\n]'],
      ['array'],
    ),
    over(`ARRAY_AGG(DISTINCT x) WITHIN GROUP (ORDER BY x)::STRING`, `(2), (1), (2)`, ['[1,2]']),
    rows(`SELECT ARRAY_AGG(x) ${NOTHING}`, [['[]']], ['array']),
    over(`ARRAY_SIZE(ARRAY_UNIQUE_AGG(x))`, `(2), (1), (2), (NULL)`, ['2']),
    rows(
      `SELECT OBJECT_AGG(k, v)::STRING FROM (VALUES ('a', 1), ('b', 2), ('c', NULL)) AS t(k, v)`,
      [['{"a":1,"b":2}']],
    ),
    fails(`SELECT OBJECT_AGG(k, 1) FROM (VALUES ('a'), ('a')) AS t(k)`, '100104'),
    over(`MEDIAN(x)`, `(10.00), (20.00), (25.00), (30.00)`, ['22.50000'], ['fixed:5']),
    over(`MEDIAN(x)`, `(10), (20), (NULL)`, ['15.000'], ['fixed:3']),
    over(
      `PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x)`,
      `(1.00), (2.00), (3.00), (4.00)`,
      ['1.75000'],
      ['fixed:5'],
    ),
    over(
      `PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x)`,
      `(1), (2), (3), (4)`,
      ['2'],
      ['fixed:0'],
    ),
    over(`MODE(x)`, `(1), (3), (3)`, ['3'], ['fixed:0']),
    over(`ANY_VALUE(x)`, `(7), (7)`, ['7'], ['fixed:0']),
    over(`APPROX_COUNT_DISTINCT(x)`, `(1), (2), (1)`, ['2'], ['fixed:0']),
    over(
      `BITAND_AGG(x), BITOR_AGG(x), BITXOR_AGG(x)`,
      `(15), (26), (12), (14)`,
      ['8', '31', '23'],
      ['fixed:0', 'fixed:0', 'fixed:0'],
    ),
    over(
      `BOOLAND_AGG(x > 0), BOOLOR_AGG(x > 1), BOOLXOR_AGG(x > 1)`,
      `(1), (2)`,
      ['1', '1', '1'],
      ['boolean', 'boolean', 'boolean'],
    ),
    over(`STDDEV(x), STDDEV_SAMP(x), VARIANCE(x)`, `(1)`, [null, null, null]),
    over(`STDDEV_POP(x)`, `(2), (4)`, ['1'], ['real']),
    over(`VAR_POP(x) = 1`, `(2), (4)`, ['1']),
    rows(
      `SELECT CORR(y, x), COVAR_POP(y, x), REGR_SLOPE(y, x), REGR_COUNT(y, x) FROM (VALUES (1, 2), (3, 6)) AS t(x, y)`,
      [['1', '2', '2', '2']],
    ),
    rows(
      `SELECT MAX_BY(name, pay), MIN_BY(name, pay) FROM (VALUES ('a', 10), ('b', 30), ('c', NULL)) AS t(name, pay)`,
      [['b', 'a']],
      ['text', 'text'],
    ),
    rows(
      `SELECT MAX_BY(name, pay, 2)::STRING FROM (VALUES ('a', 10), ('b', 30), ('c', 20)) AS t(name, pay)`,
      [['["b","c"]']],
    ),
    rows(
      `SELECT a, GROUPING(a), GROUPING_ID(a, b), COUNT(*) FROM (VALUES (1, 2)) AS t(a, b) GROUP BY CUBE (a, b) ORDER BY 3`,
      [
        ['1', '0', '0', '1'],
        ['1', '0', '1', '1'],
        [null, '1', '2', '1'],
        [null, '1', '3', '1'],
      ],
    ),
    rows(`SELECT HASH_AGG(x) FROM (VALUES (1)) AS t(x)`, [['0']]),
    rows(`SELECT APPROX_TOP_K(x) FROM (VALUES (1)) AS t(x)`, [['[[1,1]]']]),
    fails(`SELECT MEDIAN()`, '000938'),
  ],
};
