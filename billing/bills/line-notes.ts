/** Why a line is on a bill, in one sentence for people. */
import type { ChargeKind } from './billed-month.js';

const NOTES: Readonly<Record<ChargeKind, string>> = {
  direct: 'Statements of the team that came through Tollgate.',
  resumeMinute: 'Billed up to the first minute after a start.',
  idle: 'Time in which nothing ran on a cluster that was up.',
  shortQuery: 'What Snowflake attributes to no single statement: those of about 100 ms and less.',
  bypass: 'Statements of the team that did not come through Tollgate.',
  unexplained: 'What Snowflake metered and its own views do not explain.',
  cloudServices: 'Cloud services of the warehouse.',
  cloudServicesAdjustment: 'Cloud services up to a tenth of the compute of the day are not billed.',
  acceleration: 'Query acceleration of the warehouse.',
  service: 'A service of Snowflake beside warehouses.',
  storage: 'Storage, by the bytes of the day.',
  transfer: 'Data transfer, by the bytes of the day.',
  variance: "Between two of Snowflake's own figures.",
  correction: 'Found after its month was closed.',
  adjustment: 'Written by a person.',
  rounding: 'Between the lines and what Snowflake invoiced, within the rounding of its views.',
};

/** The sentence of a kind; what nobody runs says that it is a share, where somebody bears it. */
export function lineNote(of: {
  readonly kind: ChargeKind;
  readonly teamId: string | null;
}): string {
  const note = NOTES[of.kind];
  return of.teamId === null ? `${note} Nobody bears it by any rule.` : note;
}
