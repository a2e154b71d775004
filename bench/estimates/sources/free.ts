/** What costs nothing: answers from metadata, the session's own statements. */
import type { Arrival } from '../arrival.js';
import type { Table } from '../tables.js';
import { workingInstant } from './setting.js';
import type { Setting, Source } from './setting.js';
import { bareShape, NO_LITERALS } from './template.js';

export function freeOf({ tables, teams }: Setting): Source {
  return ({ startsAt, count, draw }) =>
    Array.from({ length: Math.round(count) }, (): Arrival => {
      const table = draw.pick(tables.facts);
      const [queryType, text] = draw.pick(freeTexts(table));
      return {
        at: workingInstant(startsAt, draw),
        kind: 'free',
        team: teams.pick(draw),
        warehouse: draw.pick(['INTERACTIVE_WH', 'STANDARD_WH', 'BATCH_WH']),
        fate: { kind: 'metadata' },
        tag: '',
        next: null,
        shape: bareShape(text, queryType),
        literals: NO_LITERALS,
        text,
      };
    });
}

function freeTexts({ name }: Table): readonly (readonly [string, string])[] {
  return [
    ['SHOW', 'SHOW TABLES IN DATABASE ANALYTICS'],
    ['SHOW', 'show terse objects in database ANALYTICS limit 10000'],
    ['DESCRIBE', `DESCRIBE TABLE ${name}`],
    ['USE', 'USE WAREHOUSE STANDARD_WH'],
    ['ALTER_SESSION', "ALTER SESSION SET TIMEZONE = 'UTC'"],
    ['SELECT', 'SELECT 1'],
    ['SELECT', 'SELECT CURRENT_VERSION()'],
    ['SELECT', `SELECT COUNT(*) FROM ${name}`],
  ];
}
