import { expect, test } from 'vitest';
import { stageLocation } from '#policies/rules/stage-location.js';

test.each<[readonly string[], string]>([
  [[], 'none'],
  [['@~'], 'internal'],
  [['@~/load/x.csv'], 'internal'],
  [['@%ORDERS'], 'internal'],
  [['@DB.PUBLIC.%"Order Lines"/a'], 'internal'],
  [['file:///home/a/b.csv', '@~'], 'internal'],
  [['@SYSTEM$BIND/abc'], 'internal'],
  [['@my_stage/x'], 'unknown'],
  [['@~', '@my_stage'], 'unknown'],
  [['s3://bucket/x'], 'external'],
  [['@~', 'azure://a.blob.core.windows.net/b'], 'external'],
  [['@"file://"'], 'unknown'],
])('%j is %s', (locations, expected) => {
  expect(stageLocation(locations)).toBe(expected);
});

test('a catalogue settles what a named stage is, by its name without the path', () => {
  const catalogue = (name: string) => (name === 'DB.S.IN' ? 'internal' : 'external');
  expect(stageLocation(['@DB.S.IN/a/b'], catalogue)).toBe('internal');
  expect(stageLocation(['@DB.S.OUT'], catalogue)).toBe('external');
});
