/** Records of a CSV file by the names of its header. */
import { must } from '#base/assert.js';
import { csvRecords } from './csv-reader.js';

/** @throws Error where a record has another number of fields than the header. */
export function csvRows(text: string): readonly Readonly<Record<string, string>>[] {
  const [header, ...records] = csvRecords(text);
  const names = must(header, 'a file has a header');
  return records.map((record, index) => {
    if (record.length !== names.length)
      throw new Error(`record ${index + 1} has ${record.length} fields, not ${names.length}`);
    return Object.fromEntries(names.map((name, at) => [name, record[at] ?? '']));
  });
}
