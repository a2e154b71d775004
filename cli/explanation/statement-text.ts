/** One statement of an explanation: its class, its tables with columns and filters, and what else is known of it. */
import { priceCredits } from '../../base/units.js';
import { moneyText, nameText } from '../../policies/rules/amount-text.js';
import { joinText } from '../../policies/rules/condition-input.js';
import { relativeText } from '../../policies/sql/relative-bound.js';
import type { Filter, StatementFacts, UnknownFact } from '../../policies/sql/facts.js';
import { wrap } from '../plan-text.js';
import { freeText, table } from '../terminal.js';
import type { Explanation } from './explain.js';
import { BOLD, lined, type Paint } from './layout.js';

const TABLES_SHOWN_MAX = 40;
const ITEMS_SHOWN_MAX = 12;
const NAME_MAX = 200;
const VALUE_MAX = 40;
const INDENT = '  ';
const GAP = 2;
const CELL_MIN = 12;

/** Heading, table of tables, and what else is known of the statement at `index`. */
export function statementLines(
  explanation: Explanation,
  index: number,
  width: number,
  paint: Paint,
): readonly string[] {
  const facts = explanation.facts.statements[index];
  if (facts === undefined) return [];
  const rows = tableRows(facts);
  return [
    paint(BOLD, headingOf(explanation, facts, index)),
    ...(rows.length === 0 ? [] : tableLines(rows, width)),
    ...lined(factLines(facts), width, paint, INDENT),
  ];
}

function headingOf(explanation: Explanation, facts: StatementFacts, index: number): string {
  const { facts: text, outcome } = explanation;
  const count = text.statements.length;
  const what = [
    count === 1 ? 'Statement' : `Statement ${index + 1} of ${count}`,
    facts.opaque && facts.class !== 'opaque' ? `${facts.class}, opaque` : facts.class,
  ].join(': ');
  const part = outcome.kind === 'decided' ? outcome.price.estimateParts[index] : undefined;
  if (outcome.kind !== 'decided' || part === undefined) return what;
  if (part.basis === 'FREE') return `${what} · free`;
  const { pricePerCredit, currency } = outcome.price.placement;
  const money = priceCredits(part.expectedCredits, pricePerCredit, 'half-even');
  return count === 1 ? what : `${what} · ${moneyText(money, currency)} (${part.basis})`;
}

interface Row {
  readonly table: string;
  readonly use: string;
  readonly columns: readonly string[];
  readonly filters: readonly string[];
}

function tableRows(facts: StatementFacts): readonly Row[] {
  const read = new Set(facts.tablesRead);
  const written = new Set(facts.tablesWritten);
  const names = [...new Set([...facts.tablesRead, ...facts.tablesWritten])];
  return names.map((name) => ({
    table: nameText(name, NAME_MAX),
    use: [...(read.has(name) ? ['read'] : []), ...(written.has(name) ? ['written'] : [])].join(
      ', ',
    ),
    columns: some((facts.columns[name] ?? []).map((column) => nameText(column, NAME_MAX))),
    filters: some(facts.filters.filter((filter) => filter.table === name).map(filterText)),
  }));
}

/** Columns and filters get the room that names leave, and go on in the next line where it does not do. */
function tableLines(rows: readonly Row[], width: number): readonly string[] {
  const shown = rows.slice(0, TABLES_SHOWN_MAX);
  const names = Math.max(5, ...shown.map((row) => row.table.length));
  const uses = Math.max(4, ...shown.map((row) => row.use.length));
  const full = width - INDENT.length;
  const room = Math.max(2 * CELL_MIN, full - names - uses - 3 * GAP);
  const natural = (texts: readonly (readonly string[])[], header: string): number =>
    Math.max(header.length, ...texts.map((items) => items.join(', ').length));
  const columnsWanted = natural(
    shown.map((row) => row.columns),
    'columns',
  );
  const filtersWanted = natural(
    shown.map((row) => row.filters),
    'filters',
  );
  const columnsRoom = Math.max(
    CELL_MIN,
    Math.min(columnsWanted, room - Math.min(filtersWanted, room / 2)),
  );
  const filtersRoom = Math.max(CELL_MIN, room - columnsRoom);
  const cells = shown.flatMap((row) => {
    const columns = packed(row.columns, Math.floor(columnsRoom));
    const filters = packed(row.filters, Math.floor(filtersRoom));
    return Array.from({ length: Math.max(1, columns.length, filters.length) }, (_, line) => [
      line === 0 ? row.table : '',
      line === 0 ? row.use : '',
      columns[line] ?? '',
      filters[line] ?? '',
    ]);
  });
  const more = rows.length - shown.length;
  return [
    ...table(['table', 'use', freeText('columns'), freeText('filters')], cells, full).split('\n'),
    ...(more > 0 ? [`and ${more} more; --json lists them all`] : []),
  ].map((line) => INDENT + line);
}

/** Items with commas in lines of at most `width`; an item that is longer begins a line of its own. */
function packed(items: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const [index, item] of items.entries()) {
    const text = index < items.length - 1 ? `${item},` : item;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + text.length <= width)
      lines[lines.length - 1] = `${last} ${text}`;
    else lines.push(...wrap(text, width, '', '  '));
  }
  return lines;
}

function some(texts: readonly string[]): readonly string[] {
  const more = texts.length - ITEMS_SHOWN_MAX;
  return more > 0 ? [...texts.slice(0, ITEMS_SHOWN_MAX), `and ${more} more`] : texts;
}

function filterText({ column, operator, relativeLow, relativeHigh, ...filter }: Filter): string {
  const value = (text: string | null): string => (text === null ? '?' : nameText(text, VALUE_MAX));
  const low = relativeLow?.map(relativeText).join(' or ') ?? filter.low;
  const high = relativeHigh?.map(relativeText).join(' or ') ?? filter.high;
  const name = nameText(column, NAME_MAX);
  switch (operator) {
    case 'between':
      return `${name} between ${value(low)} and ${value(high)}`;
    case 'in':
      return low === high
        ? `${name} in (${value(low)})`
        : `${name} in (${value(low)} … ${value(high)})`;
    case '<':
    case '<=':
      return `${name} ${operator} ${value(high)}`;
    case 'is':
      return `${name} is ${low === null ? '…' : value(low)}`;
    case '=':
    case '<>':
    case '>':
    case '>=':
    case 'like':
      return `${name} ${operator} ${value(low)}`;
  }
}

/** What each unknown means for the decision: never less than if it were known. */
const UNKNOWN_TEXT: Readonly<Record<UnknownFact, string>> = {
  tables: 'some of the tables it touches',
  columns: 'its columns (priced as all of them)',
  filters: 'its filters (priced as none)',
  'dynamic-name': 'a name that is put together when it runs',
  'too-complex': 'what is nested too deeply to be read in time',
  'too-large': 'what stands in so large a text',
};

function factLines(facts: StatementFacts): readonly (readonly [string, string])[] {
  const list = (label: string, items: readonly string[]): readonly (readonly [string, string])[] =>
    items.length === 0
      ? []
      : [[label, some(items.map((item) => nameText(item, NAME_MAX))).join(', ')]];
  return [
    ...list('joins', facts.joins.map(joinText)),
    ...list('has', traitsOf(facts)),
    ...list('calls', facts.functions),
    ...list('stages', facts.stages),
    ...list('inside', facts.innerClasses),
    ...list(
      'unknown',
      facts.unknown.map((each) => UNKNOWN_TEXT[each]),
    ),
    ['shape', facts.fingerprint],
  ];
}

function traitsOf(facts: StatementFacts): readonly string[] {
  return [
    ...(facts.hasSelectStar ? ['SELECT *'] : []),
    ...(facts.hasCrossJoin ? ['a cross join'] : []),
    ...(facts.hasAggregation ? ['aggregation'] : []),
    ...(facts.hasWindowFunction ? ['window functions'] : []),
    ...(facts.hasTimeTravel ? ['time travel'] : []),
    ...(facts.hasSample ? ['sampling'] : []),
    ...(facts.limit === null ? [] : [`LIMIT ${facts.limit}`]),
  ];
}
