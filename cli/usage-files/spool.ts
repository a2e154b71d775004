/** Where uploads lie while they are imported: a folder of one process, emptied when it starts. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { UsageFilesApi } from '../../admin/api/usage-files.js';
import { openUsageFile } from './open-file.js';

/** What the API takes files with. What a process that was killed left behind goes first. */
export function usageFiles(dataDir: string): UsageFilesApi {
  const spoolDir = path.join(dataDir, 'uploads');
  rmSync(spoolDir, { recursive: true, force: true });
  mkdirSync(spoolDir, { recursive: true, mode: 0o700 });
  return { spoolDir, open: openUsageFile, newName: () => randomUUID() };
}
