/**
 * The command line. Each verb is one file under verbs/; this one names them, prints failures and turns endings into
 * exit codes: 0 done, 1 refused or failed, 2 wrong usage.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { Fault, toError } from '../base/errors.js';
import { registerHelp, withManualPages } from './help.js';
import { processTerminal, type Terminal } from './terminal.js';
import { VerbError } from './verb-error.js';
import { registerAnomalies } from './verbs/anomalies.js';
import { registerAudit } from './verbs/audit.js';
import { registerBill } from './verbs/bill.js';
import { registerBudgets } from './verbs/budgets.js';
import { registerCompletion } from './verbs/completion.js';
import { registerClose } from './verbs/close.js';
import { registerControl } from './verbs/control.js';
import { registerCost } from './verbs/cost.js';
import { registerDemo } from './verbs/demo.js';
import { registerDoctor } from './verbs/doctor.js';
import { registerExplain } from './verbs/explain.js';
import { registerGrant } from './verbs/grant.js';
import { registerImport } from './verbs/import.js';
import { registerKill } from './verbs/kill.js';
import { registerNotifications } from './verbs/notifications.js';
import { registerReplay } from './verbs/replay.js';
import { registerServe } from './verbs/serve.js';
import { registerSignIns } from './verbs/sign-ins.js';
import { registerToken } from './verbs/token.js';
import { registerTop } from './verbs/top.js';

/**
 * Runs one verb to its end.
 * @param args what follows the program's name.
 * @returns the exit code; never throws.
 */
export async function main(
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  let exitCode = 0;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(terminal, finish);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    return failed(thrown, args.includes('--json'), terminal);
  }
}

/** Every verb, with where it prints and what takes its exit code. */
export function createProgram(terminal: Terminal, finish: (exitCode: number) => void): Command {
  const program = new Command('tollgate');
  program
    .description(
      'Team budgets, pre-run stops, fair tiers and exact chargeback in front of Snowflake',
    )
    .version(version())
    // Options behind a verb are the verb's, however many verbs there are.
    .enablePositionalOptions()
    .showHelpAfterError('`tollgate help <verb>` says what there is.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'tollgate: ')),
      getOutHasColors: () => terminal.hasColours === true,
      getErrHasColors: () => terminal.hasColours === true,
    });
  withManualPages(program, terminal);
  registerServe(program, terminal, finish);
  registerDoctor(program, terminal, finish);
  registerExplain(program, terminal, finish);
  registerReplay(program, terminal, finish);
  registerControl(program, terminal, finish);
  registerTop(program, terminal);
  registerGrant(program, terminal);
  registerBudgets(program, terminal);
  registerKill(program, terminal);
  registerBill(program, terminal);
  registerClose(program, terminal, finish);
  registerCost(program, terminal);
  registerImport(program, terminal, finish);
  registerAudit(program, terminal, finish);
  registerCompletion(program, terminal);
  registerNotifications(program, terminal);
  registerToken(program, terminal);
  registerSignIns(program, terminal);
  registerAnomalies(program, terminal);
  registerDemo(program, terminal);
  registerHelp(program);
  return program;
}

function failed(thrown: unknown, isJson: boolean, terminal: Terminal): number {
  if (thrown instanceof CommanderError) {
    // Help that was asked for ends with 0, help in place of a missing verb does not.
    return thrown.exitCode === 0 ? 0 : 2;
  }
  const isExpected = thrown instanceof VerbError || thrown instanceof Fault;
  const error = toError(thrown);
  const message = isExpected ? error.message : (error.stack ?? error.message);
  if (isJson) terminal.print(JSON.stringify({ error: { message: error.message } }));
  else terminal.complain(`tollgate: ${message}`);
  return thrown instanceof VerbError ? thrown.exitCode : 1;
}

// The package is two folders up from dist/cli and one from the sources.
function version(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // The other place has it.
    }
  }
  return 'unknown';
}
