/** Records of a text in RFC 4180, read without our writer. */
export function csvRecords(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let fields: string[] = [];
  let at = 0;
  while (at < text.length) {
    const isQuoted = text[at] === '"';
    const end = isQuoted ? endOfQuoted(text, at + 1) : endOfPlain(text, at);
    fields.push(isQuoted ? text.slice(at + 1, end).replaceAll('""', '"') : text.slice(at, end));
    at = isQuoted ? end + 1 : end;
    if (text[at] === ',') {
      at += 1;
      // A record may end with an empty field.
      if (at < text.length && !text.startsWith('\r\n', at)) continue;
      fields.push('');
    }
    if (!text.startsWith('\r\n', at)) throw new Error(`no end of a record at ${at}`);
    at += 2;
    records.push(fields);
    fields = [];
  }
  return records;
}

function endOfQuoted(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] !== '"') continue;
    if (text[at + 1] !== '"') return at;
    at += 1;
  }
  throw new Error('a quoted field does not end');
}

function endOfPlain(text: string, from: number): number {
  const end = text.slice(from).search(/,|\r\n/);
  return end === -1 ? text.length : from + end;
}
