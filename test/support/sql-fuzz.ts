/** Texts for fuzzing: statements that are cut, doubled, spliced and sprinkled with what no tool writes. */
import { ADVERSARIES } from './sql-adversaries.js';
import { pick, statementOf, writtenAnew, writtenPlainly, type Random } from './sql-grammar.js';

const PIECES = (
  '\' " $$ /* */ -- // \\ ; ( ) [ ] { } , . .. :: : -> ->> => := @ @s @~ @% $1 $v :1 ? # & ^ | || ! % file:// put get begin end declare case when then else if for do loop ' +
  'while repeat until execute immediate select from where with as join using lateral table identifier pivot unpivot in not like values over within group union insert into merge update ' +
  'delete copy create task alter drop call explain use set limit qualify match_recognize 1 1e 1e+ .5 0x \0 \u0001 \u200b \ufeff \u00a0 \ud800 \udfff é ß 漢 🦊'
).split(' ');
const LONG_FAMILY_LENGTH_MAX = 8_000;

/** One text; most have under a thousand characters, one in a hundred is made to be slow. */
export function fuzzedText(random: Random): string {
  const kind = random();
  if (kind < 0.01) {
    const length = Math.floor(random() * LONG_FAMILY_LENGTH_MAX);
    return mutated(pick(random, ADVERSARIES).text(length), random, 1);
  }
  if (kind < 0.1) return units(random, 1 + Math.floor(random() * 200));
  if (kind < 0.25) {
    const count = 1 + Math.floor(random() * 60);
    return Array.from(
      { length: count },
      () => pick(random, PIECES) + (random() < 0.5 ? ' ' : ''),
    ).join('');
  }
  const count = 1 + Math.floor(random() * 3);
  const statements = Array.from({ length: count }, () => {
    const parts = statementOf(random);
    return random() < 0.5 ? writtenPlainly(parts) : writtenAnew(parts, random);
  });
  return mutated(statements.join(';'), random, Math.floor(random() * 6));
}

/** Any UTF-16 units: control characters, halves of pairs. */
function units(random: Random, count: number): string {
  const limit = random() < 0.5 ? 0x80 : 0x1_0000;
  return String.fromCharCode(...Array.from({ length: count }, () => Math.floor(random() * limit)));
}

function mutated(text: string, random: Random, times: number): string {
  let out = text;
  for (let time = 0; time < times; time += 1) {
    const at = Math.floor(random() * (out.length + 1));
    const to = Math.min(out.length, at + Math.floor(random() * 20));
    switch (Math.floor(random() * 6)) {
      case 0:
        out = out.slice(0, at);
        break;
      case 1:
        out = out.slice(0, at) + out.slice(to);
        break;
      case 2:
        out = out.slice(0, to) + out.slice(at);
        break;
      case 3:
        out = out.slice(0, at) + units(random, 2) + out.slice(at);
        break;
      default:
        out = out.slice(0, at) + pick(random, PIECES) + out.slice(random() < 0.5 ? at : to);
    }
  }
  return out;
}
