import { VerbError } from './verb-error.js';

/**
 * The lines of UTF-8 bytes, ended by a line feed and by nothing else: other characters that end lines elsewhere may
 * stand inside one. Holds one line at a time.
 * @throws VerbError for bytes that are not UTF-8.
 */
export async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let open = '';
  let lines = 0;
  const decode = (part?: Uint8Array): string => {
    try {
      return part === undefined ? decoder.decode() : decoder.decode(part, { stream: true });
    } catch {
      throw new VerbError(`The text is not UTF-8, at line ${lines + 1} or soon after it.`);
    }
  };
  for await (const part of parts) {
    const pieces = decode(part).split('\n');
    pieces[0] = open + (pieces[0] ?? '');
    open = pieces.pop() ?? '';
    for (const line of pieces) {
      lines += 1;
      yield line;
    }
  }
  open += decode();
  if (open !== '') yield open;
}
