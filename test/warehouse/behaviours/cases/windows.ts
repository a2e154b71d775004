/** "Window functions" of the reference. */
import { rows, type Behaviour, type Theme } from '../behaviour.js';
import type { Cell } from '#base/wire/row-type.js';

/** A window function of x over the rows 1, 2, 3 in their order. */
const over = (select: string, cells: readonly Cell[], types: readonly string[] = []): Behaviour =>
  rows(
    `SELECT ${select} FROM (VALUES (1, 10), (2, NULL), (3, 30)) AS t(x, y) ORDER BY x`,
    cells.map((cell) => [cell]),
    types,
  );

export const WINDOWS: Theme = {
  title: 'Window functions',
  behaviours: [
    over(`ROW_NUMBER() OVER (ORDER BY x DESC)`, ['3', '2', '1'], ['fixed:0']),
    over(`RANK() OVER (ORDER BY x > 1)`, ['1', '2', '2'], ['fixed:0']),
    over(`DENSE_RANK() OVER (ORDER BY x > 1 DESC)`, ['2', '1', '1'], ['fixed:0']),
    over(`NTILE(2) OVER (ORDER BY x)`, ['1', '1', '2'], ['fixed:0']),
    over(`PERCENT_RANK() OVER (ORDER BY x)`, ['0', '0.5', '1'], ['real']),
    over(`CUME_DIST() OVER (ORDER BY x > 1)`, ['0.3333333333333333', '1', '1'], ['real']),
    over(`LAG(x) OVER (ORDER BY x)`, [null, '1', '2'], ['fixed:0']),
    over(`LAG(x, 1, 0) OVER (ORDER BY x)`, ['0', '1', '2'], ['fixed:0']),
    over(`LEAD(x, 2) OVER (ORDER BY x)`, ['3', null, null], ['fixed:0']),
    over(`LAG(y) IGNORE NULLS OVER (ORDER BY x)`, [null, '10', '10'], ['fixed:0']),
    over(`FIRST_VALUE(x) OVER (ORDER BY x DESC)`, ['3', '3', '3'], ['fixed:0']),
    over(`LAST_VALUE(x) OVER (ORDER BY x)`, ['3', '3', '3'], ['fixed:0']),
    over(`LAST_VALUE(x) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`, [
      '1',
      '2',
      '3',
    ]),
    over(`LAST_VALUE(y) IGNORE NULLS OVER (ORDER BY x DESC)`, ['10', '10', '10']),
    over(`FIRST_VALUE(y) IGNORE NULLS OVER (PARTITION BY x > 1 ORDER BY x)`, ['10', '30', '30']),
    over(`NTH_VALUE(x, 2) OVER (ORDER BY x)`, ['2', '2', '2']),
    over(`NTH_VALUE(x, 2) FROM LAST OVER (ORDER BY x)`, ['2', '2', '2']),
    over(`SUM(x) OVER (ORDER BY x)`, ['1', '3', '6'], ['fixed:0']),
    over(`SUM(x) OVER (ORDER BY x > 1)`, ['1', '6', '6'], ['fixed:0']),
    over(`SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)`, ['3', '6', '5']),
    over(`COUNT(*) OVER (PARTITION BY x > 1)`, ['1', '2', '2']),
    over(`RATIO_TO_REPORT(x) OVER () > 0.3`, ['0', '1', '1']),
    over(`CONDITIONAL_TRUE_EVENT(x > 1) OVER (ORDER BY x)`, ['0', '1', '2'], ['fixed:0']),
    over(`CONDITIONAL_CHANGE_EVENT(x) OVER (ORDER BY x)`, ['0', '1', '2']),
    over(`ROW_NUMBER() OVER (ORDER BY y)`, ['1', '3', '2']),
    over(`ROW_NUMBER() OVER (ORDER BY y DESC)`, ['3', '1', '2']),
    over(`ROW_NUMBER() OVER (ORDER BY y NULLS FIRST)`, ['2', '1', '3']),
    over(`LISTAGG(x, ',') OVER (PARTITION BY x > 1)`, ['1', '2,3', '2,3']),
    over(`ARRAY_AGG(x) OVER (PARTITION BY x)::STRING`, ['[1]', '[2]', '[3]']),
    rows(
      `SELECT x, ROW_NUMBER() OVER (ORDER BY x DESC) AS rn FROM (VALUES (1), (2)) AS t(x) QUALIFY rn = 1`,
      [['2', '1']],
    ),
    rows(`SELECT x FROM (VALUES (1), (NULL), (2)) AS t(x) ORDER BY x DESC`, [[null], ['2'], ['1']]),
    rows(`SELECT x FROM (VALUES (1), (NULL), (2)) AS t(x) ORDER BY x`, [['1'], ['2'], [null]]),
  ],
};
