/** What keeps a replica from serving correctly. */
import type { Parts } from './parts.js';

/** Why this replica would not serve correctly now; empty: ready. */
export function problemsOf(parts: Parts): readonly string[] {
  return [
    ...accountProblems(parts),
    ...(parts.settler.isJournalHealthy ? [] : ['the local journal cannot be written']),
  ];
}

/** One account without an upstream does not take the others out; nothing to serve at all does. */
function accountProblems(parts: Parts): readonly string[] {
  const fit = parts.upstreams.fit();
  if (fit === undefined) return ['no control document is in force'];
  if (fit.served.length > 0) return [];
  return ['no account of the control document has an upstream that is configured here'];
}
