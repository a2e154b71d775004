/** A whole file or standard input as text, up to a number of bytes. */
import { createReadStream } from 'node:fs';
import { unreadable } from './unreadable.js';
import { VerbError } from './verb-error.js';

/**
 * Reads `file`; `-` is standard input.
 * @param what names the content in a refusal: `statistics`.
 * @throws VerbError (usage) when it cannot be read, is longer than `bytesMax`, or is not UTF-8.
 */
export async function readLimited(file: string, bytesMax: number, what: string): Promise<string> {
  const name = file === '-' ? 'standard input' : file;
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of file === '-' ? process.stdin : createReadStream(file)) {
      const piece = Buffer.from(part as Uint8Array);
      bytes += piece.length;
      if (bytes > bytesMax)
        throw new VerbError(
          `${name} is larger than ${bytesMax} bytes; ${what} may be that large at most.`,
          2,
        );
      parts.push(piece);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch (thrown) {
    if (thrown instanceof VerbError) throw thrown;
    throw unreadable(name, thrown);
  }
}
