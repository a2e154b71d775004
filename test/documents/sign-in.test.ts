/** docs/sign-in.md says which test proves what: every one it names is there, under that name. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROW = /^\| [\d., to]+ \| .* \| `([^`]+)`: (.+) \|$/gm;

test('every test that the list of requirements names is there', () => {
  const [, list = ''] = readFileSync('docs/sign-in.md', 'utf8').split(
    '| ASVS | what holds | test |',
  );
  const held = list.slice(0, list.indexOf('What does not hold'));
  const rows = [...held.matchAll(ROW)];
  expect(rows.length).toBeGreaterThan(15);
  // None is left out because it is written in another way.
  expect(rows).toHaveLength(held.match(/^\| \d/gm)?.length ?? 0);
  for (const [, file = '', name = ''] of rows) {
    const at = file.includes('/') ? file : path.join('test/admin', file);
    expect(readFileSync(at, 'utf8'), `${at}: ${name}`).toContain(`'${name}'`);
  }
});
