import type { Metrics } from '#base/metrics.js';
import type { Parts } from './parts.js';

/** Gauges that are read from the parts of a replica when somebody asks for metrics. */
export function exposeGauges(metrics: Metrics, parts: () => Parts): void {
  metrics.gaugeFrom(
    'tollgate_running_statements',
    'Statements upstream now',
    () => parts().running.size,
  );
  metrics.gaugeFrom(
    'tollgate_settlement_backlog',
    'Settlements the ledger does not have yet',
    () => parts().settler.backlog,
  );
  metrics.gaugeFrom(
    'tollgate_tickets_in_doubt',
    'Tickets whose end was not seen',
    () => parts().doubts.size,
  );
  exposeJournal(metrics, parts);
  exposeLanes(metrics, parts);
  metrics.gaugeFrom(
    'tollgate_tickets_dropped',
    'Tickets without holds that could not be written',
    () => parts().ticketLog.dropped,
  );
  metrics.gaugeFrom(
    'tollgate_judgements_dropped',
    'Notes of what rules said that could not be written',
    () => parts().judgements.dropped,
  );
  metrics.gaugeFrom(
    'tollgate_control_version',
    'Version of the control document in force',
    () => parts().control.current()?.version ?? 0,
  );
  metrics.gaugeFrom(
    'tollgate_control_version_rejected',
    'Newest version of the control document that is not valid to this replica; 0: none',
    () => parts().control.rejectedVersion(),
  );
}

function exposeJournal(metrics: Metrics, parts: () => Parts): void {
  metrics.gaugeFrom(
    'tollgate_journal_records',
    'Outcomes in the local journal that the ledger does not have yet',
    () => parts().settler.journal.recordsUnacknowledged,
  );
  metrics.gaugeFrom(
    'tollgate_journal_lag_seconds',
    'How long the oldest outcome has waited for the ledger; 0: none waits',
    () => parts().settler.lagSeconds,
  );
  metrics.gaugeFrom(
    'tollgate_journal_sync_seconds',
    'How long the latest write and sync of the journal took',
    () => parts().settler.journal.lastSyncSeconds,
  );
  metrics.gaugeFrom('tollgate_journal_failed', '1 while the journal cannot be written', () =>
    Number(!parts().settler.isJournalHealthy),
  );
}

function exposeLanes(metrics: Metrics, parts: () => Parts): void {
  const gauge = (
    name: string,
    help: string,
    of: () => readonly { readonly tier: string; readonly value: number }[],
  ): void =>
    metrics.gaugesFrom(name, help, ['tier'], () =>
      of().map(({ tier, value }) => ({ labels: { tier }, value })),
    );
  const lanes = (of: 'running' | 'waiting') => () =>
    parts()
      .gate.occupancy()
      .map((lane) => ({ tier: lane.tier, value: lane[of] }));
  const limits = (of: 'concurrencyMax' | 'queueMax') => () =>
    (parts().control.current()?.tiers ?? []).map((tier) => ({ tier: tier.id, value: tier[of] }));
  gauge(
    'tollgate_lane_running',
    'Statements of this replica that have a permit of the tier',
    lanes('running'),
  );
  gauge(
    'tollgate_lane_waiting',
    'Statements of this replica that wait for a permit of the tier',
    lanes('waiting'),
  );
  gauge(
    'tollgate_lane_running_max',
    'Permits of the tier, for all replicas',
    limits('concurrencyMax'),
  );
  gauge(
    'tollgate_lane_waiting_max',
    'Most that wait for the tier, for all replicas',
    limits('queueMax'),
  );
}
