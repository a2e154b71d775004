/** `tollgate bill` into files: one bill in a form, or every bill of a month in a folder, proven before it is written. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { toError } from '../../base/errors.js';
import { MANIFEST_NAME } from '../../billing/bills/bill-files.js';
import { verifyFiles } from '../../billing/bills/manifest.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { totalsInWords } from './audit-bills.js';

/** Downloads one bill and writes it, whole or not at all. `json`: says so as JSON. */
export async function saveBill(
  terminal: Terminal,
  asked: { readonly team: string; readonly month: string; readonly form: string },
  options: { readonly out?: string | undefined; readonly query: string; readonly json: boolean },
): Promise<void> {
  const { team, month, form } = asked;
  const { config, secrets } = configuration();
  const bytes = await adminClient(config, secrets).download(
    `/api/v1/bills/${encodeURIComponent(team)}/${month}.${form}${options.query}`,
  );
  const file = options.out ?? `${team.replace(/[^\w.-]/g, '_')}-${month}.${form}`;
  await write(file, bytes);
  terminal.print(
    options.json ? JSON.stringify({ file, bytes: bytes.length }) : `Bill of ${team}: ${file}`,
  );
}

/** Downloads every bill of the month, holds it against its manifest, and writes the files into `folder`. */
export async function saveMonth(
  terminal: Terminal,
  month: string,
  folder: string,
  options: { readonly query: string; readonly json: boolean },
): Promise<void> {
  const { config, secrets } = configuration();
  const archive = await adminClient(config, secrets).download(
    `/api/v1/exports/${month}/bills.zip${options.query}`,
  );
  const files = filesOf(archive);
  const manifest = files[MANIFEST_NAME];
  const outcome = await verifyFiles(Buffer.from(manifest ?? []).toString(), (name) =>
    Promise.resolve(files[name]),
  );
  if (outcome.kind === 'broken')
    throw new VerbError(
      `The answer is not whole: ${outcome.place} ${outcome.why}. Nothing was written.`,
    );
  await mkdir(folder, { recursive: true });
  // The manifest last: where it is, everything is.
  for (const [name, bytes] of Object.entries(files)) await write(path.join(folder, name), bytes);
  const { bills, merkleRoot } = outcome;
  terminal.print(
    options.json
      ? JSON.stringify({ folder, ...outcome })
      : `${bills} bills of ${month}, ${totalsInWords(outcome)}, in ${folder}. Merkle root ${merkleRoot}`,
  );
}

function filesOf(archive: Uint8Array): Readonly<Record<string, Uint8Array>> {
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = unzipSync(archive);
  } catch (thrown) {
    throw new VerbError(`The answer is not an archive (${toError(thrown).message}).`);
  }
  const strange = Object.keys(files).find((name) => !/^[\w-][\w.-]*$/.test(name));
  if (strange !== undefined)
    throw new VerbError(`The archive names a file outside its folder: ${strange.slice(0, 80)}.`);
  return files;
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  const unfinished = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(unfinished, bytes, { flag: 'wx' });
    await rename(unfinished, file);
  } catch (thrown) {
    await rm(unfinished, { force: true });
    throw new VerbError(`${file} cannot be written: ${toError(thrown).message}.`);
  }
}
