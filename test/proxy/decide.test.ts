import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAnalyser, type CountingAnalyser } from '#policies/sql/analyser.js';
import { locationsIn } from '../../proxy/decide.js';

let analyser: CountingAnalyser;
beforeAll(() => {
  analyser = createAnalyser({ parser: { deadlineMs: 5_000, waitMsMax: 60_000 } });
});
afterAll(async () => {
  await analyser.stop();
});

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
  const { statements } = await analyser.analyse(
    sql,
    { database: 'DB', schema: 'S' },
    { version: 'none', columnsOf: () => undefined },
  );
  expect(locationsIn(sql, statements)).toEqual(locations);
});
