/** Markdown of a run that switched idle policies; a month that came out wrong has no figures. */
import { ALLOCATE_BAR_SECONDS } from './allocate.js';
import type { AllocateReport } from './allocate.js';
import { fixed, machine, table } from './report.js';

export function allocateText(report: AllocateReport): string {
  if (report.failures.length > 0)
    return [
      'FAIL: the month is wrong after the run.',
      ...report.failures.map((why) => `- ${why}`),
    ].join('\n');
  const validity =
    report.voidReasons.length === 0
      ? 'Valid run.'
      : `**Void, not to be quoted:** ${report.voidReasons.join('; ')}.`;
  const rows = report.switches.map(({ from, to, seconds, shares }) => [
    `${from} → ${to}`,
    fixed(seconds, 1),
    String(shares),
    seconds <= ALLOCATE_BAR_SECONDS ? 'yes' : 'no',
  ]);
  return [
    `${validity} A month of ${report.statements} statements in ${report.hours} warehouse-hours of eight warehouses, with ${report.movedLines} lines that nobody ran; ${machine()}. After each switch the total, and what every team ran, were what they were before; every invariant held. Switching to what is in force already takes ${fixed(report.repeatSeconds, 1)} s and shares nothing.`,
    '',
    table(['switch', 'seconds', 'shares written', `≤ ${ALLOCATE_BAR_SECONDS} s`], rows),
  ].join('\n');
}
