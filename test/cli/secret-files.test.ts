import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keptAdminToken, keptSealKeys, prepareDataDir } from '../../cli/secret-files.js';

const root = mkdtempSync(join(tmpdir(), 'tollgate-secrets-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a data directory is made with its parents, for its owner only', () => {
  const made = prepareDataDir(join(root, 'a', 'b'));
  expect(statSync(made).mode & 0o777).toBe(0o700);
  expect(prepareDataDir(made)).toBe(made);
});

test('a place that takes no folders is refused with the setting to change, and does not hang', () => {
  writeFileSync(join(root, 'file'), '');
  expect(() => prepareDataDir(join(root, 'file', 'data'))).toThrow(/TOLLGATE_DATA_DIR/);
  expect(() => prepareDataDir('/proc/nope/data')).toThrow(/TOLLGATE_DATA_DIR/);
});

test('token and keys are generated once, readable by their owner only', () => {
  const token = keptAdminToken(root);
  expect(token.length).toBeGreaterThanOrEqual(40);
  expect(keptAdminToken(root)).toBe(token);
  expect(statSync(join(root, 'admin-token')).mode & 0o777).toBe(0o600);
  const [key] = keptSealKeys(root);
  expect(key?.key).toHaveLength(32);
  expect(keptSealKeys(root)).toEqual([key]);
});
