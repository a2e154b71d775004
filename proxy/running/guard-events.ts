import type { Metrics } from '#base/metrics.js';

/** What guards tell of; see `Events`. */
export interface GuardEvents {
  /** A shape of a team is at a rung of a run rate. */
  paced(team: string, rung: string, mode: string): void;
  /** A statement passes budgets and rules in an emergency. */
  brokeGlass(team: string, way: string): void;
  /** A settlement that cannot be true was put aside. */
  quarantined(): void;
}

export function createGuardEvents(metrics: Metrics): GuardEvents {
  const paces = metrics.counter(
    'tollgate_run_rate_total',
    'Statements of shapes whose month would take more than a run rate says',
    ['team', 'rung', 'mode'],
  );
  const glass = metrics.counter(
    'tollgate_break_glass_total',
    'Statements that passed budgets and rules by break-glass',
    ['team', 'way'],
  );
  const quarantined = metrics.counter(
    'tollgate_settlements_quarantined_total',
    'Settlements that cannot be true',
  );
  return {
    quarantined: () => quarantined.inc(),
    paced: (team, rung, mode) => paces.inc({ team, rung, mode }),
    brokeGlass: (team, way) => glass.inc({ team, way }),
  };
}
