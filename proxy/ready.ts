/** Step 7 in full: a permit, the newest token of the session, and the session's turn on the warehouse that was priced. */
import { admit, latestIdentity, type AdmitOutcome } from './admit.js';
import type { Parts } from './parts.js';
import type { RequestEntry } from './requests.js';
import type { Reserved } from './stages.js';

/** As {@link admit}; refused too where the session cannot be switched to the statement's warehouse. */
export async function admitReady(
  parts: Parts,
  statement: Reserved,
  entry: RequestEntry,
): Promise<AdmitOutcome> {
  const admitted = await admit(parts, statement, entry);
  if (admitted.kind !== 'admitted') return admitted;
  const { permit } = admitted.statement;
  let isReady = false;
  try {
    const identity = await latestIdentity(parts, statement, entry);
    const ready = { ...admitted.statement, identity };
    const turn = await parts.switching.turn(parts, ready, entry);
    if (turn.kind !== 'ready') return turn;
    isReady = true;
    return { kind: 'admitted', statement: { ...ready, endTurn: turn.end } };
  } finally {
    if (!isReady) permit.release();
  }
}
