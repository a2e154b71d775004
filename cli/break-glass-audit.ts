import type { Database } from '../base/postgres/pool.js';
import { formatInstant } from '../base/time.js';
import { appendAudit } from '../admin/stores/audit-store.js';
import type { BreakGlassUse } from '../billing/break-glass.js';

/** Writes uses of break-glass, which happen in the proxy, to the audit log, which is the control plane's. */
export function breakGlassAudit(db: Database): (use: BreakGlassUse) => Promise<void> {
  return async (use) => {
    await db.transaction((tx) =>
      appendAudit(tx, {
        actor: { id: `principal/${use.principalId}`, role: 'analyst' },
        action: 'break-glass.use',
        subject: `ticket/${use.ticketId}`,
        reason: use.reason,
        before: null,
        after: {
          way: use.wayId,
          team: use.teamId,
          fingerprint: use.fingerprint,
          openUntil: formatInstant(use.endsAt),
        },
        at: use.at,
      }),
    );
  };
}
