/** `tollgate demo`, behind `npm run demo`: a past month and a minute of fifteen teams, on the running embedded system. */
import { InvalidArgumentError, type Command } from 'commander';
import { formatAmount, NO_CREDITS } from '../../base/units.js';
import { adminClient, reachable, type AdminClient } from '../admin-client.js';
import { configuration, type LoadedConfig } from '../configuration.js';
import { ensureDemoControl } from '../demo/demo-control.js';
import { connectEmbedded, readMonths, type Months } from '../demo/embedded-account.js';
import { billText, monthText, trafficText, whereToLook } from '../demo/report.js';
import { seedAndImport, type SeededMonth } from '../demo/seeded-month.js';
import { RUNAWAY_TEAM } from '../demo/statements.js';
import { runTraffic, type Traffic } from '../demo/traffic.js';
import { proxyProtocol } from '../listener-certificate.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface DemoOptions {
  readonly monthOnly?: boolean;
  readonly seconds: number;
  readonly statementsPerDay: number;
  readonly json?: boolean;
}

const SECONDS_MAX = 3600;
/** What the warehouse seeds at most. */
const STATEMENTS_PER_DAY_MAX = 50_000;

export function registerDemo(program: Command, terminal: Terminal): void {
  program
    .command('demo')
    .description(
      'on the running embedded system: seeds the previous month, then a minute of fifteen teams, one statement of which is stopped',
    )
    .option('--month-only', 'stop after the month')
    .option('--seconds <n>', 'of traffic', wholeNumberTo(SECONDS_MAX), 60)
    .option(
      '--statements-per-day <n>',
      'of a working day of the month, about',
      wholeNumberTo(STATEMENTS_PER_DAY_MAX),
      1500,
    )
    .option('--json', 'print one JSON document at the end')
    .action((options: DemoOptions) => demo(terminal, options));
}

function wholeNumberTo(most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d{1,5}$/.test(text) && count >= 1 && count <= most) return count;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
  };
}

async function demo(terminal: Terminal, options: DemoOptions): Promise<void> {
  const loaded = configuration();
  const door = {
    origin: proxyOrigin(loaded, options.monthOnly === true),
    account: loaded.config.account,
  };
  const client = adminClient(loaded.config, loaded.secrets);
  const tell = options.json === true ? () => undefined : (line: string) => terminal.print(line);
  const { month, when } = await playMonth(loaded, client, options.statementsPerDay, tell);
  if (options.monthOnly === true) return finish(terminal, options, { month, when, client });
  tell(`\nFifteen teams for ${options.seconds} s, at ${door.origin}:\n`);
  const run = when.nowSeconds;
  const traffic = await runTraffic({ door, client, seconds: options.seconds, run, tell });
  return finish(terminal, options, { month, when, client, traffic });
}

function proxyOrigin({ config }: LoadedConfig, isUnused: boolean): string {
  if (config.proxyPort === 0 && !isUnused)
    throw new VerbError(
      'TOLLGATE_PROXY_PORT is 0 (any port); set it to the port that `tollgate serve` printed.',
      2,
    );
  return `${proxyProtocol(config)}://${reachable(config.host)}:${config.proxyPort}`;
}

async function playMonth(
  loaded: LoadedConfig,
  client: AdminClient,
  statementsPerDay: number,
  tell: (line: string) => void,
): Promise<{ readonly month: SeededMonth; readonly when: Months }> {
  const warehouse = await connectEmbedded(loaded);
  try {
    if (await ensureDemoControl(client)) tell("The demo's control document is in force.");
    const when = await readMonths(warehouse);
    tell(`Seeding ${when.previous} and importing it, about half a minute the first time …`);
    const { account } = loaded.config;
    const wanted = { account, month: when.previous, statementsPerDay };
    const month = await seedAndImport(warehouse, client, wanted);
    tell(monthText(month));
    return { month, when };
  } finally {
    await warehouse.close();
  }
}

interface Done {
  readonly client: AdminClient;
  readonly month: SeededMonth;
  readonly when: Months;
  readonly traffic?: Traffic;
}

async function finish(
  terminal: Terminal,
  { json }: DemoOptions,
  { client, month, when, traffic }: Done,
): Promise<void> {
  if (json === true) return terminal.print(JSON.stringify(asJson(month, traffic)));
  if (traffic !== undefined) {
    terminal.print(`\n${trafficText(traffic, terminal.columns)}`);
    terminal.print(await billText(client, RUNAWAY_TEAM, when.present));
  }
  terminal.print(`\n${whereToLook(client.origin, when.previous, when.present)}`);
}

function asJson(month: SeededMonth, traffic: Traffic | undefined): object {
  if (traffic === undefined) return { month };
  const { tallies, runaway, spentCredits } = traffic;
  const teams = tallies.map(({ team, answered, refused, failed }) => ({
    team,
    answered,
    refused,
    failed,
    spentCredits: formatAmount(spentCredits.get(team) ?? NO_CREDITS),
  }));
  return { month, teams, runaway };
}
