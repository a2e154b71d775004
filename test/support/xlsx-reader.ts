/** Sheets of a workbook as rows of texts, read without the library that wrote it. */
import { strFromU8, unzipSync } from 'fflate';

export interface ReadCell {
  /** `s` text, `n` number, `f` formula. */
  readonly type: 's' | 'n' | 'f';
  readonly value: string;
}

export type ReadSheet = readonly (readonly (ReadCell | null)[])[];

export function readXlsx(bytes: Uint8Array): ReadonlyMap<string, ReadSheet> {
  const files = unzipSync(bytes);
  const file = (name: string): string => {
    const found = files[name];
    if (found === undefined) throw new Error(`${name} is not in the workbook`);
    return strFromU8(found);
  };
  const texts = [...file('xl/sharedStrings.xml').matchAll(/<si>(.*?)<\/si>/gs)].map((match) =>
    unescape(
      [...(match[1] ?? '').matchAll(/<t[^>]*>(.*?)<\/t>/gs)].map((each) => each[1]).join(''),
    ),
  );
  const names = [...file('xl/workbook.xml').matchAll(/<sheet [^>]*?name="([^"]*)"/g)];
  return new Map(
    names.map((match, index) => [
      unescape(match[1] ?? ''),
      sheetOf(file(`xl/worksheets/sheet${index + 1}.xml`), texts),
    ]),
  );
}

function sheetOf(xml: string, texts: readonly string[]): ReadSheet {
  return [...xml.matchAll(/<row [^>]*?(?:\/>|>(.*?)<\/row>)/gs)].map((row) => {
    const cells: (ReadCell | null)[] = [];
    for (const [, attributes = '', inner = ''] of (row[1] ?? '').matchAll(
      /<c ([^>]*?)(?:\/>|>(.*?)<\/c>)/gs,
    )) {
      const column = columnOf(/r="([A-Z]+)\d+"/.exec(attributes)?.[1] ?? '');
      while (cells.length < column) cells.push(null);
      const value = /<v>(.*?)<\/v>/s.exec(inner)?.[1];
      if (inner.includes('<f>')) cells.push({ type: 'f', value: inner });
      else if (value === undefined) cells.push(null);
      else if (attributes.includes('t="s"'))
        cells.push({ type: 's', value: texts[Number(value)] ?? '' });
      else cells.push({ type: 'n', value });
    }
    return cells;
  });
}

function columnOf(letters: string): number {
  return Array.from(letters).reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

/** The value in the last row of a sheet beneath `title`. */
export function totalOf(sheet: ReadSheet | undefined, title: string): ReadCell | null | undefined {
  const column = sheet?.[0]?.findIndex((cell) => cell?.value === title) ?? -1;
  return column === -1 ? undefined : sheet?.at(-1)?.[column];
}

/** The value beside `name`, in a sheet of names and values. */
export function factOf(sheet: ReadSheet | undefined, name: string): ReadCell | null | undefined {
  return sheet?.find((row) => row[0]?.value === name)?.[1];
}
