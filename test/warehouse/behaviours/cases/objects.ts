/** OBJECT and ARRAY functions of "Semi-structured and structured data functions". */
import { fails, is, type Theme } from '../behaviour.js';

export const OBJECTS: Theme = {
  title: 'Objects',
  behaviours: [
    is(
      `OBJECT_CONSTRUCT('a', 1, 'b', 'BBBB', 'c', NULL)`,
      '{\n  "a": 1,\n  "b": "BBBB"\n}',
      'object',
    ),
    is(`OBJECT_CONSTRUCT()`, '{}', 'object'),
    is(`OBJECT_CONSTRUCT('k', OBJECT_CONSTRUCT('z', [1]))::STRING`, '{"k":{"z":[1]}}', 'text'),
    is(
      `OBJECT_CONSTRUCT_KEEP_NULL('key_1', 'one', 'key_2', NULL)::STRING`,
      '{"key_1":"one","key_2":null}',
      'text',
    ),
    is(`{ 'a': 1, 'b': [1, 2] }::STRING`, '{"a":1,"b":[1,2]}', 'text'),
    is(`{ 'a': 'x' }['a']::STRING`, 'x', 'text'),
    fails(`SELECT OBJECT_CONSTRUCT('a', 1, 'a', 2)`, '100104'),
    is(`OBJECT_INSERT(OBJECT_CONSTRUCT('a', 1), 'b', 2)::STRING`, '{"a":1,"b":2}', 'text'),
    is(`OBJECT_INSERT(OBJECT_CONSTRUCT('a', 1), 'a', 2, TRUE)::STRING`, '{"a":2}', 'text'),
    fails(`SELECT OBJECT_INSERT(OBJECT_CONSTRUCT('a', 1), 'a', 2)`, '100104'),
    is(`OBJECT_DELETE(OBJECT_CONSTRUCT('a', 1, 'b', 2), 'a', 'c')::STRING`, '{"b":2}', 'text'),
    is(
      `OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2, 'c', 3), 'a', 'b')::STRING`,
      '{"a":1,"b":2}',
      'text',
    ),
    is(
      `OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2), ARRAY_CONSTRUCT('a'))::STRING`,
      '{"a":1}',
      'text',
    ),
    is(`OBJECT_KEYS(OBJECT_CONSTRUCT('b', 1, 'a', 2))::STRING`, '["a","b"]', 'text'),
    is(`ARRAYS_TO_OBJECT(['key1', 'key2'], [1, 2])::STRING`, '{"key1":1,"key2":2}', 'text'),
    is(`TO_OBJECT(PARSE_JSON('{"a":1}'))`, '{\n  "a": 1\n}', 'object'),
    is(`OBJECT_CONSTRUCT('a', 1):a + 1`, '2'),
  ],
};
