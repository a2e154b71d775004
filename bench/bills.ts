/** How long the files of a month take: every team's PDF, CSV and JSON, the workbook and CSV of all, and the manifest. */
import { type BillFile, MANIFEST_NAME, renderMonth } from '../billing/bills/bill-files.js';
import { sealBills } from '../billing/bills/bill-hash.js';
import type { BilledMonth } from '../billing/bills/billed-month.js';
import { controlTotals } from '../billing/bills/bill-sums.js';
import { verifyFiles } from '../billing/bills/manifest.js';
import { addCredits, addMoney } from '../base/units.js';
import { madeUpMonth } from '../test/support/billed-month.js';
import { fixed, machine, table } from './report.js';

/** Of a line of the made-up month: as many warehouses more. */
const SIZES = [1, 10] as const;

interface BillsRun {
  readonly bills: number;
  readonly lines: number;
  readonly files: number;
  readonly megabytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** By the end of the name: pdf, xlsx, csv, json. */
  readonly secondsByForm: ReadonlyMap<string, number>;
  readonly outcome: string;
}

export type BillsReport = readonly BillsRun[];

export async function runBills(log: (line: string) => void): Promise<BillsReport> {
  const runs: BillsRun[] = [];
  for (const times of SIZES) {
    runs.push(await measure(monthOf(times)));
    log(`bills: ${runs.at(-1)?.lines ?? 0} lines`);
  }
  return runs;
}

/** The made-up month, each of its warehouses `times` over, with sums that hold. */
function monthOf(times: number): BilledMonth {
  const made = madeUpMonth();
  const widened = made.bills.map((bill) => {
    const lines = Array.from({ length: times }, (_, copy) =>
      bill.lines.map((line) => ({
        ...line,
        id: `${line.id}-${copy}`,
        resource: line.resource === null ? null : `${line.resource}_${copy}`,
      })),
    ).flat();
    const { credits, amount } = controlTotals([{ ...bill, lines }]);
    return { ...bill, lines, totalCredits: credits, totalAmount: amount };
  });
  return {
    ...made,
    ...sealBills(widened, made.currency),
    totalCredits: addCredits(...widened.map(({ totalCredits }) => totalCredits)),
    totalAmount: addMoney(...widened.map(({ totalAmount }) => totalAmount)),
  };
}

async function measure(month: BilledMonth): Promise<BillsRun> {
  const byForm = new Map<string, number>();
  const files = new Map<string, BillFile>();
  const cpu = process.cpuUsage();
  const start = performance.now();
  let last = start;
  for await (const file of renderMonth(month)) {
    const form = file.name.split('.').at(-1) ?? '';
    byForm.set(form, (byForm.get(form) ?? 0) + (performance.now() - last) / 1000);
    files.set(file.name, file);
    last = performance.now();
  }
  const used = process.cpuUsage(cpu);
  const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
  const manifest = Buffer.from(files.get(MANIFEST_NAME)?.bytes ?? []).toString();
  const { kind } = await verifyFiles(manifest, (name) => Promise.resolve(files.get(name)?.bytes));
  return {
    bills: month.bills.length,
    lines: controlTotals(month.bills).lines,
    files: files.size,
    megabytes: bytes / 2 ** 20,
    seconds: (last - start) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    secondsByForm: byForm,
    outcome: kind,
  };
}

export function billsText(report: BillsReport): string {
  const forms = ['pdf', 'xlsx', 'csv', 'json'];
  const rows = report.map((run) => [
    run.lines.toLocaleString('en'),
    String(run.bills),
    String(run.files),
    fixed(run.megabytes, 1),
    ...forms.map((form) => fixed(run.secondsByForm.get(form) ?? null, 1)),
    fixed(run.seconds, 1),
    fixed(run.cpuSeconds, 1),
    run.outcome,
  ]);
  return [
    `The first row includes loading libraries and faces; ${machine()}. Seconds by form are elapsed.`,
    '',
    table(
      ['lines', 'bills', 'files', 'MB', ...forms, 'all, s', 'CPU, s', 'against the manifest'],
      rows,
    ),
  ].join('\n');
}
