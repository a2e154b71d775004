/** "Conditional expression functions" of the reference. */
import { is, type Theme } from '../behaviour.js';

export const CONDITIONALS: Theme = {
  title: 'Conditional expressions',
  behaviours: [
    is(`IFF(1 < 2, 'yes', 'no')`, 'yes', 'text'),
    is(`IFF(NULL, 'yes', 'no')`, 'no', 'text'),
    is(`NVL(NULL, 7)`, '7', 'fixed:0'),
    is(`NVL2(NULL, 1, 2)`, '2', 'fixed:0'),
    is(`COALESCE(NULL, NULL, 'c')`, 'c', 'text'),
    is(`NULLIF(3, 3)`, null),
    is(`ZEROIFNULL(NULL)`, '0', 'fixed:0'),
    is(`NULLIFZERO(0)`, null),
    is(`EQUAL_NULL(NULL, NULL)`, '1', 'boolean'),
    is(`DECODE(2, 1, 'one', 2, 'two', 'other')`, 'two', 'text'),
    is(`DECODE(NULL, NULL, 'null matches', 'no')`, 'null matches', 'text'),
    is(`CASE WHEN NULL THEN 1 ELSE 2 END`, '2', 'fixed:0'),
    is(`GREATEST(1, NULL, 3)`, null),
    is(`LEAST(4, 2, 3)`, '2', 'fixed:0'),
    is(`GREATEST(1, 2.55, 3)`, '3.00', 'fixed:2'),
    is(`IFF(TRUE, 1, 2.5)`, '1.0', 'fixed:1'),
    is(`COALESCE(NULL, 0.125, 1)`, '0.125', 'fixed:3'),
    is(`NVL(NULL::INT, 0.5)`, '0.5', 'fixed:1'),
    is(`BOOLAND(1, 0)`, '0', 'boolean'),
    is(`BOOLOR(0, -2.35)`, '1', 'boolean'),
    is(`BOOLXOR(2, 0)`, '1', 'boolean'),
    is(`BOOLXOR(2, 3)`, '0', 'boolean'),
    is(`BOOLNOT(0)`, '1', 'boolean'),
    is(`EQUAL_NULL(1, NULL)`, '0', 'boolean'),
    is(`NULLIF(1, 2)`, '1', 'fixed:0'),
    is(`CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END`, 'b', 'text'),
  ],
};
