/** docs/focus.md against the table of columns and the reviewed list. `UPDATE_SCHEMA=1 npx vitest run test/billing/bills/focus-page` writes its tables. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BILLING_PERIOD_COLUMNS } from '#billing/bills/focus/billing-period.js';
import type { Column } from '#billing/bills/focus/column.js';
import { COLUMNS } from '#billing/bills/focus/columns.js';
import { INVOICE_DETAIL_COLUMNS } from '#billing/bills/focus/invoice-detail.js';
import type { Reviewed } from '../../focus/outcomes.js';

const FILE = new URL('../../../docs/focus.md', import.meta.url);
const LIST = new URL('../../fixtures/focus/validator-1.2.json', import.meta.url);

function columns<Row>(of: readonly Column<Row>[]): string {
  const rows = of.map(({ name, feature, type, isNullable, since, until, from }) => {
    const versions = until === undefined ? `${since} –` : `${since} – ${until}`;
    return `| ${name} | ${versions} | ${feature} | ${type}${isNullable ? ', may be empty' : ''} | ${from} |`;
  });
  return [
    '| column | versions | FOCUS | type | is |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function outcomes(): string {
  const { failed } = JSON.parse(readFileSync(LIST, 'utf8')) as Reviewed;
  const rows = Object.entries(failed).map(([rule, why]) => `| ${rule} | ${why} |`);
  return ['| rule | why the file is right all the same |', '| --- | --- |', ...rows].join('\n');
}

function written(text: string): string {
  const parts = {
    columns: columns(COLUMNS),
    outcomes: outcomes(),
    'columns of Invoice Detail': columns(INVOICE_DETAIL_COLUMNS),
    'columns of Billing Period': columns(BILLING_PERIOD_COLUMNS),
  };
  return Object.entries(parts).reduce((page, [name, table]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const from = page.indexOf(begin);
    const to = page.indexOf(end);
    expect(from, name).toBeGreaterThan(-1);
    expect(to, name).toBeGreaterThan(from);
    return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
  }, text);
}

/** The formatter pads cells; what they say is compared. */
function withoutPadding(text: string): string {
  return text.replaceAll(/ +\|/g, ' |').replaceAll(/\| +/g, '| ').replaceAll(/-{3,}/g, '---');
}

test('docs/focus.md has the table of the columns and the reasons of the reviewed list', () => {
  const text = readFileSync(FILE, 'utf8');
  const wanted = written(text);
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, wanted);
  expect(withoutPadding(wanted)).toBe(
    withoutPadding(process.env['UPDATE_SCHEMA'] === '1' ? wanted : text),
  );
  expect(COLUMNS.length).toBeGreaterThan(60);
});
