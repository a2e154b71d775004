import { expect, test } from 'vitest';
import { readJsonBody } from '../../admin/json-body.js';

test.each<[string, string, string]>([
  ['what is not JSON', '{"a":', 'body'],
  ['nothing', '', 'body'],
  ['NaN', '{"a":NaN}', 'body'],
  ['a name twice', '{"a":1,"b":{"a":1,"a":2}}', 'a'],
  ['a name twice, once escaped', String.raw`{"role":1,"\u0072ole":2}`, 'role'],
  ['a name twice around a nested value', '{"a":{"b":[{}]},"a":2}', 'a'],
  ['__proto__', '{"__proto__":{}}', '__proto__'],
  ['__proto__, escaped and deep', String.raw`[{"a":[{"\u005f_proto__":1}]}]`, '__proto__'],
  ['constructor', '{"constructor":{"prototype":{}}}', 'constructor'],
  ['a NUL', String.raw`{"a":"x\u0000"}`, 'body'],
  ['a NUL in a name', String.raw`{"x\u0000":1}`, 'body'],
  ['half of a surrogate pair', String.raw`{"a":["\ud83d"]}`, 'body'],
  ['65 arrays', '['.repeat(65) + ']'.repeat(65), 'body'],
])('%s is refused by its name', (_what, text, field) => {
  expect(readJsonBody(text)).toMatchObject({ ok: false, field });
});

test.each([
  ['a name in two objects', '[{"a":1},{"a":2},{"b":{"a":1},"a":2}]'],
  ['text that looks like structure', String.raw`{"a":"{\"a\":1,\"a\":2}","b":"[\\"}`],
  ['a value that is the name of a prototype', '{"a":"__proto__"}'],
  ['a whole surrogate pair', String.raw`{"a":"\ud83d\ude00"}`],
  ['64 arrays', '['.repeat(64) + ']'.repeat(64)],
  ['numbers and words', '{"a":-1.5e3,"b":null,"c":[true,false]}'],
])('%s is read as JSON.parse reads it', (_what, text) => {
  expect(readJsonBody(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
});
