import type { Parts } from '../parts.js';
import type { SealedIdentity } from './tokens.js';

/** Who asks, by the token of the latest renewal of a session; undefined: it was never renewed. Fault `ledgerUnavailable`. */
export async function newestIdentity(
  { sessions, sealer }: Pick<Parts, 'sessions' | 'sealer'>,
  identity: SealedIdentity,
): Promise<SealedIdentity | undefined> {
  const sealed = await sessions.newestToken(identity);
  return sealed === undefined ? undefined : sealer.open(sealed, 'session');
}
