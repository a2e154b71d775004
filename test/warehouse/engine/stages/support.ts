/** A stage filled the way a driver fills it: PUT is asked where to, the test writes there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineSession } from '../../../../warehouse/engine/engine.js';
import { rowsOf } from '../support.js';

/** A database D in which a session works. */
export const IN_D = { database: 'D', schema: 'PUBLIC' } as const;

/** Where PUT to `stage` sends a driver. */
export async function locationOf(session: EngineSession, stage: string): Promise<string> {
  const { transfer } = await rowsOf(session, `PUT file:///x ${stage}`, IN_D);
  if (transfer === undefined) throw new Error('PUT did not ask for a transfer');
  return transfer.location;
}

/** Puts `content` into `stage` under `name`. */
export async function putFile(
  session: EngineSession,
  stage: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  writeFileSync(join(await locationOf(session, stage), name), content);
}
