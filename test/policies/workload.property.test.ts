import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recogniseWorkload, WORKLOAD_LENGTH_MAX, workloadText } from '#policies/workload.js';
import { processorMs } from '../support/processor-time.js';

const piece = fc.constantFrom(
  '/*',
  '*/',
  '--',
  '//',
  '\n',
  ';',
  ' ',
  '{',
  '}',
  '"app":"dbt",',
  '"node_id":"model.a.b"',
  "'",
  'select 1',
  'Looker Query Context ',
  'Hex query metadata: ',
  'Sigma \u03a3 ',
  'Metabase:: userID: ',
  'queryHash: ',
  'partner: "metabase"',
  '{"dag_id":"__proto__"}',
  '{"tableau-query-origins":{"workbook-luid":"',
  '\ud83d',
  '\u0000',
);
const hostile = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 400 }),
);

test('any text, tag and application give one clean short workload, or none', () => {
  fc.assert(
    fc.property(
      hostile,
      fc.option(hostile),
      fc.option(hostile),
      (sqlText, queryTag, application) => {
        const found = recogniseWorkload({ sqlText, queryTag, application });
        if (found === null) return;
        const text = workloadText(found);
        expect(text.length).toBeLessThanOrEqual(WORKLOAD_LENGTH_MAX);
        expect(text).toMatch(/^[a-z]+\/.+$/u);
        expect(text).not.toMatch(/[\p{C}\n\r]/u);
      },
    ),
    { numRuns: 3000 },
  );
});

test.each(['/*', '*/', '--', '-- ', '\n', '{', '"', '{"a":', '/**/', '-- x\n', ';', ' ', '\\'])(
  'a megabyte of %j is read in no time',
  (unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const ms = processorMs(() => {
      for (let run = 0; run < 20; run += 1)
        recogniseWorkload({ sqlText: text, queryTag: text, application: text.slice(0, 60) });
    });
    // Measured: below 5 ms for all twenty on a shared core.
    expect(ms).toBeLessThan(500);
  },
);
