/**
 * docker-compose.yml against the JSON schema that the Compose specification publishes, as `dclint` carries it, and against what that
 * program finds wrong whatever the taste: images without a tag, ports and names that come twice. It reads the file itself, anchors included.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DCLinter } from 'dclint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../base/assert.js';

const FILE = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));
const text = readFileSync(FILE, 'utf8');
const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });

/** Of one file. The package's own types lead nowhere. */
interface Found {
  readonly messages: readonly {
    readonly rule: string;
    /** The order of keys and the like, which are matters of taste, are `warning`. */
    readonly type: 'error' | 'warning';
    readonly message: string;
  }[];
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollgate-compose-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What is wrong with a composition, as `rule: message`; empty: nothing. Fails where no file was read. */
function wrongWith(file: string): readonly string[] {
  const found = linter.lintFiles([file], false) as readonly Found[];
  expect(found).toHaveLength(1);
  return must(found[0], 'a file')
    .messages.filter(({ type }) => type === 'error')
    .map(({ rule, message }) => `${rule}: ${message}`);
}

function wrongWithText(changed: string): readonly string[] {
  const file = join(directory, 'docker-compose.yml');
  writeFileSync(file, changed);
  return wrongWith(file);
}

/** One thing wrong each: what is replaced, by what, and where the schema must see it. */
const BROKEN: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a key that no service has',
    'init: true',
    'inits: true',
    /invalid-schema.*"\/services\/proxy-a"/,
  ],
  ['a key of the file', 'volumes:\n  proxy-a:', 'volume:\n  proxy-a:', /invalid-schema/],
  ['a list that is none', 'cap_drop: [ALL]', 'cap_drop: ALL', /invalid-schema.*cap_drop/],
  ['a text that is none', 'stop_grace_period: 45s', 'stop_grace_period: 45', /stop_grace_period/],
  ['a condition', 'service_healthy', 'service_well', /invalid-schema.*depends_on/],
  ['a check of health', 'retries: 30', 'retries: [30]', /invalid-schema.*healthcheck\/retries/],
  ['a port', "['127.0.0.1:8081:8081']", "['8080:8080', '8080:8080']", /ports/],
];

describe('the composition by the Compose specification', () => {
  test('is valid', () => {
    expect(wrongWith(FILE)).toEqual([]);
    expect(wrongWithText(text)).toEqual([]);
  });

  test.each(BROKEN)('is refused for %s', (_, part, changed, wrong) => {
    expect(text).toContain(part);
    expect(wrongWithText(text.replace(part, changed)).join('\n')).toMatch(wrong);
  });

  test('is refused where an anchor leads nowhere', () => {
    expect(wrongWithText(text.replaceAll('&environment', '&surroundings'))).not.toEqual([]);
  });
});
