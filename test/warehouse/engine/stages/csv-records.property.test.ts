import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvRecords } from '../../../../warehouse/engine/stages/csv-records.js';
import { defaultFormat } from '../../../../warehouse/engine/stages/file-format.js';
import type { FileFormat } from '../../../../warehouse/engine/stages/file-format.js';
import { isLike } from '../../../../warehouse/engine/stages/show-clauses.js';
import { csvLine } from '../../../../warehouse/engine/stages/unload-cells.js';

const FORMATS: readonly FileFormat[] = [
  {},
  { FIELD_OPTIONALLY_ENCLOSED_BY: '"' },
  { FIELD_OPTIONALLY_ENCLOSED_BY: "'", ESCAPE: '\\', TRIM_SPACE: true },
  { RECORD_DELIMITER: '||', FIELD_DELIMITER: '|,', FIELD_OPTIONALLY_ENCLOSED_BY: '"' },
].map((values) => {
  const format = defaultFormat();
  return { ...format, values: { ...format.values, ...values } };
});
const anyFormat = fc.constantFrom(...FORMATS);
const dense = fc.string({
  unit: fc.constantFrom(...Array.from('a,"\'\\\n\r| \tN')),
  maxLength: 40,
});

test('the same records come out however the text is cut into parts', () => {
  fc.assert(
    fc.property(anyFormat, dense, fc.array(fc.nat(40), { maxLength: 6 }), (format, text, cuts) => {
      const whole = [...new CsvRecords(format).push(text, true)];
      const reader = new CsvRecords(format);
      const at = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
      const parts = at
        .slice(1)
        .flatMap((to, index) => [...reader.push(text.slice(at[index], to), false)]);
      expect([...parts, ...reader.push('', true)]).toEqual(whole);
    }),
    { numRuns: 500 },
  );
});

test('what is unloaded in quotes is loaded as it was', () => {
  const format = FORMATS[1] ?? defaultFormat();
  const cell = fc.option(dense.filter((text) => text !== '\\N'));
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 })), (rows) => {
      const text = rows.map((row) => csvLine(row, format)).join('');
      const read = [...new CsvRecords(format).push(text, true)].map(({ fields }) => fields);
      expect(read).toEqual(rows);
    }),
  );
});

test('LIKE matches what its pattern as a regular expression matches', () => {
  const small = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), maxLength: 8 });
  fc.assert(
    fc.property(
      small,
      fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B'), maxLength: 8 }),
      (like, text) => {
        const pattern = like.replaceAll('%', '.*').replaceAll('_', '.');
        expect(isLike(like, text)).toBe(new RegExp(`^${pattern}$`, 'i').test(text));
      },
    ),
  );
});
