import { open, rename } from 'node:fs/promises';

/** Replaces a small file so that a crash leaves either the old or the new content: write aside, sync, rename. */
export async function writeFileDurably(path: string, content: string, mode: number): Promise<void> {
  const aside = `${path}.new`;
  const file = await open(aside, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
}
