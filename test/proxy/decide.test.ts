import { expect, test } from 'vitest';
import { locationsIn } from '../../proxy/decide.js';
import { sharedAnalyser } from '../support/shared-analyser.js';

test.each([
  ["copy into 's3://bucket/p' from t", ['external']],
  ['copy into t from @~/p', ['internal']],
  ['copy into t', ['internal']],
  ['copy into t from @named', ['unknown']],
  ["show tables ->> copy into 's3://bucket/p' from t", ['external']],
  ["execute immediate 'copy into @~/p from t'", ['internal']],
  ["execute immediate 'copy into ''s3://bucket/p'' from t'", ['external']],
  ["begin select 1; copy into 'azure://a/b' from t; end", ['external']],
  ['create pipe p as copy into t from @named', ['unknown']],
  ["select 's3://bucket'; select 1", ['none', 'none']],
])('%s moves data to or from: %s', async (sql, locations) => {
  const { statements } = await sharedAnalyser().analyse(
    sql,
    { database: 'DB', schema: 'S' },
    { version: 'none', columnsOf: () => undefined },
  );
  expect(locationsIn(sql, statements)).toEqual(locations);
});
