/** What the history knows statements by: the keys of one statement on one warehouse. */
import { FINGERPRINT_VERSION } from '../sql/fingerprint-version.js';
import type { StatementFacts } from '../sql/facts.js';
import type { HistoryKind } from './history.js';

/** What the keys of one statement are made of. */
export interface ShapeFacts {
  readonly fingerprint: string;
  /** Hash of the literals that the fingerprint leaves out; empty: they are not told apart. */
  readonly literalsHash: string;
  /** Class and form, such as `query join aggregate`. */
  readonly form: string;
  /** Names of the tables read and written; empty: not known. */
  readonly tables: string;
  readonly tier: string;
  readonly warehouse: string;
  readonly warehouseSize: string;
  /** Bytes that statistics expect it to scan; null when they do not tell. */
  readonly bytes: number | null;
}

/** Longest list of tables that stands in a key. */
const TABLES_LENGTH_MAX = 400;

/** In a form: a LIMIT ends the scan when it has its rows. */
const FIRST_ROWS = 'first';

/** Whether nothing has to see every row before the first ones are given. */
function endsEarly(facts: StatementFacts): boolean {
  return !facts.isOrdered && !facts.hasAggregation && !facts.hasWindowFunction;
}

/** Class and form of a statement: statements of one form cost alike over the same bytes. */
export function formOf(facts: StatementFacts): string {
  const joins = Math.min(3, facts.joins.length);
  const filters = Math.min(3, facts.filters.length);
  return [
    facts.class,
    joins === 0 ? '' : `join${joins}`,
    filters === 0 ? '' : `filter${filters}`,
    facts.hasAggregation ? 'aggregate' : '',
    facts.hasWindowFunction ? 'window' : '',
    facts.hasCrossJoin ? 'cross' : '',
    facts.limit === null ? '' : endsEarly(facts) ? FIRST_ROWS : 'limit',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** The tables of a statement as one text; empty where they are not known. */
export function tablesOf(facts: StatementFacts): string {
  if (facts.opaque || facts.unknown.includes('tables')) return '';
  const written = facts.tablesWritten.length === 0 ? '' : `>${facts.tablesWritten.join()}`;
  const text = `${facts.tablesRead.join()}${written}`;
  return text.length > TABLES_LENGTH_MAX ? '' : text;
}

/**
 * Keys of a statement; null: no key of that kind. The fingerprint carries no literals, so one day and ten years of the
 * same report share it; where statistics tell the bytes, their power of four keeps such runs apart, and what all of them took is known beside it.
 * Fingerprints of
 * another version of the lexer are other shapes.
 */
export function historyKeys(shape: ShapeFacts): Readonly<Record<HistoryKind, string | null>> {
  const { warehouseSize: size, form, tables, tier, literalsHash } = shape;
  const scale = shape.bytes === null ? '-' : Math.round(Math.log2(Math.max(shape.bytes, 1)) / 2);
  const decade = shape.bytes === null ? '-' : Math.floor(Math.log10(Math.max(shape.bytes, 1)));
  const known = `${shape.fingerprint}.${FINGERPRINT_VERSION}`;
  return {
    values: literalsHash === '' ? null : `${known}|${literalsHash}|${size}`,
    'shape-size': `${known}|${scale}|${size}`,
    shape: `${known}|${scale}`,
    'shape-all': shape.bytes === null ? null : `${known}|${size}`,
    'shape-statistics': shape.bytes === null ? null : `${known}|-`,
    tables: tables === '' ? null : `${tables}|${form}|${size}`,
    kind: `${tier}|${form}|${size}`,
    statistics: size,
    scale: `${size}|${decade}`,
    first: form.split(' ').includes(FIRST_ROWS) ? 'any' : null,
    form: `${form}|${size}|${decade}`,
    stretch: shape.warehouse === '' ? null : shape.warehouse,
  };
}
