import type { Metrics } from '#base/metrics.js';
import type { Parts } from './parts.js';

/** Gauges that are read from the parts of a replica when somebody asks for metrics. */
export function exposeGauges(metrics: Metrics, parts: Parts): void {
  metrics.gaugeFrom(
    'tollgate_running_statements',
    'Statements upstream now',
    () => parts.running.size,
  );
  metrics.gaugeFrom(
    'tollgate_settlement_backlog',
    'Settlements the ledger does not have yet',
    () => parts.settler.backlog,
  );
  metrics.gaugeFrom(
    'tollgate_tickets_in_doubt',
    'Tickets whose end was not seen',
    () => parts.doubts.size,
  );
  metrics.gaugeFrom(
    'tollgate_tickets_dropped',
    'Tickets without holds that could not be written',
    () => parts.ticketLog.dropped,
  );
  metrics.gaugeFrom(
    'tollgate_judgements_dropped',
    'Notes of what rules said that could not be written',
    () => parts.judgements.dropped,
  );
  metrics.gaugeFrom(
    'tollgate_control_version',
    'Version of the control document in force',
    () => parts.control.current()?.version ?? 0,
  );
  metrics.gaugeFrom(
    'tollgate_control_version_rejected',
    'Newest version of the control document that is not valid to this replica; 0: none',
    () => parts.control.rejectedVersion(),
  );
}
