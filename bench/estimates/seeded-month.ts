/**
 * A month of the embedded account as a file: the seeded event log of the warehouse, through the code that makes its
 * QUERY_HISTORY and its QUERY_ATTRIBUTION_HISTORY.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { formatAmount } from '../../base/units.js';
import { queryHasher } from '../../warehouse/account-usage/query-hash.js';
import { QUERY_HISTORY, queryRow } from '../../warehouse/account-usage/query-rows.js';
import { Attributor } from '../../warehouse/metering/attribution.js';
import type { LoggedStatement, StatementStarted } from '../../warehouse/metering/events.js';
import { seedMonth } from '../../warehouse/seed-month/seed-month.js';
import { instantText, quoted } from './csv.js';

/** The month of the embedded account is fixed: nobody tunes on it, and another would differ by its seed only. */
const MONTH = { month: '2026-10', seed: 'estimates' };

/** Writes the month; returns the number of statements. */
export function writeSeededMonth(file: string, statementsPerDay: number = 1_500): number {
  const open = new Map<string, StatementStarted>();
  const statements: LoggedStatement[] = [];
  const attributor = new Attributor();
  for (const record of seedMonth({ ...MONTH, statementsPerDay })) {
    attributor.add(record);
    if (record.type === 'started') open.set(record.id, record);
    const started = record.type === 'ended' ? open.get(record.id) : undefined;
    if (record.type === 'ended' && started !== undefined)
      statements.push({ started, ended: record });
  }
  const credits = new Map(
    attributor
      .provisional()
      .statements.map(({ started, credits: amount }) => [started.id, formatAmount(amount)]),
  );
  const hashesOf = queryHasher();
  const handle = openSync(file, 'w');
  try {
    const names = QUERY_HISTORY.map(({ name }) => name);
    writeSync(handle, `${[...names, 'CREDITS_ATTRIBUTED_COMPUTE'].join(',')}\n`);
    for (const statement of statements.sort((a, b) => a.started.at - b.started.at)) {
      const cells = queryRow(statement, hashesOf).map((cell, index) => {
        const isInstant = QUERY_HISTORY[index]?.type === 'TIMESTAMP_LTZ';
        if (cell === null) return '';
        return isInstant ? instantText(Math.round(Number(cell) * 1000)) : quoted(String(cell));
      });
      writeSync(handle, `${[...cells, credits.get(statement.started.id) ?? ''].join(',')}\n`);
    }
  } finally {
    closeSync(handle);
  }
  return statements.length;
}
