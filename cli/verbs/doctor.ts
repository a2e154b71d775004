/** `tollgate doctor`: looks at everything a start needs, and says what is wrong and how to put it right. */
import type { Command } from 'commander';
import { printConfig } from '../../base/config.js';
import { tryConfiguration, type LoadedConfig } from '../configuration.js';
import {
  checkAdmin,
  checkAdvice,
  checkDataDir,
  checkDatabase,
  checkNode,
  checkPorts,
  checkUpstream,
  type Finding,
} from '../examination.js';
import { table, type Terminal } from '../terminal.js';

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
        : [checkNode(process.versions.node), ...outcome.problems.map(configurationProblem)];
      const settings = isRead && options.settings === true ? printConfig(outcome) : undefined;
      const isHealthy = findings.every(({ status }) => status !== 'failed');
      if (options.json === true) {
        terminal.print(
          JSON.stringify({
            healthy: isHealthy,
            findings,
            ...(settings === undefined ? {} : { settings }),
          }),
        );
      } else {
        terminal.print(report(findings));
        if (settings !== undefined) {
          const rows = settings.map(({ name, value, source }) => [name, value, source]);
          terminal.print(`\n${table(['setting', 'value', 'from'], rows, terminal.columns)}`);
        }
      }
      finish(isHealthy ? 0 : 1);
    });
}

async function examine(loaded: LoadedConfig): Promise<readonly Finding[]> {
  const { config, secrets } = loaded;
  const admin = await checkAdmin(config, secrets);
  const isRunning = admin.status === 'ok';
  return [
    checkNode(process.versions.node),
    { check: 'configuration', status: 'ok', says: 'every setting is valid' },
    checkDataDir(config.dataDir),
    ...(await checkPorts(config, isRunning)),
    await checkDatabase(config, secrets, isRunning),
    admin,
    await checkUpstream(config),
    ...checkAdvice(config, secrets),
  ];
}

function configurationProblem(problem: string): Finding {
  return { check: 'configuration', status: 'failed', says: problem };
}

const MARKS = { ok: 'ok    ', note: 'note  ', failed: 'FAILED' } as const;

/** One line a finding, the fix on a line of its own. */
export function report(findings: readonly Finding[]): string {
  return findings
    .map(({ check, status, says, fix }) => {
      const line = `${MARKS[status]}  ${check}: ${says}`;
      return fix === undefined ? line : `${line}\n        ${fix}`;
    })
    .join('\n');
}
