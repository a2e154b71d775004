/** A folder for what does not fit into memory: texts of statements, so it is its owner's only and never stays behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Scratch {
  readonly folder: string;
  remove(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Makes the folder below the system's temporary one (TMPDIR); a signal that ends the process removes it first. */
export function openScratch(): Scratch {
  const folder = mkdtempSync(path.join(tmpdir(), `tollgate-replay-${process.pid}-`));
  const wipe = (): void => rmSync(folder, { recursive: true, force: true });
  const onSignal = (signal: NodeJS.Signals): void => {
    remove();
    process.kill(process.pid, signal);
  };
  const remove = (): void => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    process.removeListener('exit', wipe);
    wipe();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', wipe);
  return { folder, remove };
}
