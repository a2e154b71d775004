/** `tollgate doctor`: looks at everything a start needs, and says what is wrong and how to put it right. */
import type { Command } from 'commander';
import { printConfig } from '../../base/config.js';
import { tryConfiguration } from '../configuration.js';
import { examine } from '../examination/examine.js';
import { finderOf, type Finding } from '../examination/finding.js';
import { checkNode } from '../examination/machine.js';
import { report } from '../examination/report.js';
import { freeText, table, type Terminal } from '../terminal.js';

interface DoctorOptions {
  readonly json?: boolean;
  readonly settings?: boolean;
}

export function registerDoctor(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('doctor')
    .description('check what a start needs, in plain words, with the fix')
    .option('--settings', 'print every setting and where it came from; secrets are masked')
    .option('--json', 'as JSON')
    .action(async (options: DoctorOptions) => {
      const outcome = tryConfiguration();
      const isRead = !('problems' in outcome);
      const findings = isRead
        ? await examine(outcome)
        : [...outcome.problems.map(configurationProblem), checkNode(process.versions.node)];
      const settings = isRead && options.settings === true ? printConfig(outcome) : undefined;
      const isHealthy = findings.every(({ status }) => status !== 'failed');
      if (options.json === true) {
        const more = settings === undefined ? {} : { settings };
        terminal.print(JSON.stringify({ healthy: isHealthy, findings, ...more }));
      } else {
        const { columns, hasColours = false } = terminal;
        terminal.print(report(findings, { columns, hasColours }));
        if (settings !== undefined) {
          const rows = settings.map(({ name, value, source }) => [name, value, source]);
          terminal.print(`\n${table(['setting', freeText('value'), 'from'], rows, columns)}`);
        }
      }
      finish(isHealthy ? 0 : 1);
    });
}

/** `TOLLGATE_HOST: "x" is not …; write …`: the setting, what is wrong, the way out. */
function configurationProblem(problem: string): Finding {
  const at = problem.indexOf(': ');
  const [check, rest] =
    at < 0 ? ['settings', problem] : [problem.slice(0, at), problem.slice(at + 2)];
  const cut = rest.lastIndexOf('; ');
  const { failed } = finderOf('Configuration');
  if (cut < 0) return failed(check, rest, 'See `tollgate serve --help`.');
  const wayOut = rest.slice(cut + 2).replace(/^(did you mean .*)\.$/, '$1?');
  return failed(check, rest.slice(0, cut), wayOut.charAt(0).toUpperCase() + wayOut.slice(1));
}
