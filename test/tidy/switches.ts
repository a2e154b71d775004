/**
 * What could keep a test from running, or from counting. What is allowed is named and all else is a finding, so that a
 * switch that nobody has thought of yet is one too.
 */
import { matches } from './words.js';
import type { Source } from './tree.js';

const IMPORTED = new Set(
  'afterAll afterEach beforeAll beforeEach describe expect inject test vi'.split(' '),
);
const CHAINED = new Set(['concurrent', 'each']);

/** Names of vitest's that do more than tests need, other chains of `test` and `describe`, and options of one test. */
export function switchedOffTests(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ folder, withStrings }) => folder === 'test' && /from 'vitest'/.test(withStrings))
    .flatMap((file) => [
      ...foreignImports(file),
      ...foreignChains(file),
      ...leftOut(file),
      // In the options of a test, or of the context that it is given.
      ...matches(file, file.code, /\b(?:skip|only|todo|fails|retry|repeats)\s*(?:[:,}]|\()/),
    ]);
}

function foreignImports(file: Source): readonly string[] {
  return [...file.withStrings.matchAll(/import\s+([^;]*?)\s+from 'vitest'/g)].flatMap((match) => {
    // Inside a text, the keyword is blank in the code.
    if (file.code[match.index] !== match[0][0]) return [];
    const clause = match[1] ?? '';
    if (clause.startsWith('type ')) return [];
    const names = clause.replace(/[{}]/g, '').split(',');
    return names
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type ') && !IMPORTED.has(name))
      .map((name) => `${file.path} imports ${name} of vitest`);
  });
}

function foreignChains(file: Source): readonly string[] {
  const chain = /(?<![\w.$])(?:test|it|describe|suite)((?:\s*\??\.\s*\w+|\s*\??\.?\[[^\]]*\])+)/g;
  return [...file.code.matchAll(chain)].flatMap((match) => {
    const links = (match[1] ?? '').split(/[\s?.]+/).filter((link) => link !== '');
    return links
      .filter((link) => !CHAINED.has(link))
      .map((link) => `${file.path} chains ${link} to a test`);
  });
}

/**
 * Cases that `npm test` leaves out: a short count of nothing, a table of cases that may be empty, an end before anything
 * was looked at.
 */
function leftOut(file: Source): readonly string[] {
  return [
    ...matches(file, file.code, /\blongRun\(\s*[^,()]*,\s*0\s*,?\s*\)/),
    ...matches(file, file.code, /\bisLong\b[^;]*?\?[^;]*?\[\s*\]/),
    ...matches(
      file,
      file.code,
      /\.each\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*?[?:]\s*\[\s*\]\s*[):]/,
    ),
    ...matches(file, file.code, /\bif\s*\([^;{}]*\bisLong\b[^;{}]*\)\s*\{?\s*return\s*;/),
  ];
}

/** Names of the environment that tests read by name; one that a test reads otherwise is `?`. */
export function environmentSwitches(sources: readonly Source[]): readonly string[] {
  const found = sources
    .filter(({ path, folder }) => folder === 'test' && !path.startsWith('test/tidy'))
    .flatMap(({ code, withStrings }) =>
      [...code.matchAll(/\bprocess\s*\.\s*env\s*(?:\?\.)?\s*[.[]/g)].flatMap(
        ({ index, 0: head }) => {
          const rest = withStrings.slice(index + head.length - 1);
          // What is set is no switch.
          if (/^(?:\['\w+'\]|\.\w+)\s*(?:\?\?|\|\|)?=(?!=)/.test(rest)) return [];
          return [/^(?:\['|\.)(\w+)/.exec(rest)?.[1] ?? '?'];
        },
      ),
    );
  return [...new Set(found)].sort();
}
