/** `tollgate grant`: more credits for a team's budget; its verbs ask, list, decide, raise and revoke. */
import { Option, type Command } from 'commander';
import { compareAmounts, formatAmount, NO_CREDITS, tryParseCredits } from '../../base/units.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { registerPaceVerbs } from './grant-paces.js';
import { registerRaiseVerbs } from './grant-raises.js';
import { registerRequestVerbs } from './grant-requests.js';
import { VerbError } from '../verb-error.js';

interface GrantOptions {
  readonly until?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export function registerGrant(program: Command, terminal: Terminal): void {
  const command = program
    .command('grant')
    // Options behind a verb of ours are the verb's.
    .enablePositionalOptions()
    .argument('[team]')
    .argument('[credits]')
    .description('give a team credits on top of its budget, or decide what teams ask for')
    .addOption(
      new Option('--until <instant>', 'when it ends, such as 2026-12-01 or 2026-12-01T18:00:00Z'),
    )
    .option('--reason <text>', 'why; kept with the grant')
    .option('--json', 'print the answer of the API')
    .action((team: string | undefined, credits: string | undefined, options: GrantOptions) => {
      if (team === undefined || credits === undefined)
        return command.error(
          'error: missing a team and credits, or one of the verbs of grant (grant --help lists them)',
        );
      return grant(terminal, team, credits, options);
    });
  registerRequestVerbs(command, terminal);
  registerRaiseVerbs(command, terminal);
  registerPaceVerbs(command, terminal);
}

async function grant(
  terminal: Terminal,
  team: string,
  creditsText: string,
  options: GrantOptions,
): Promise<void> {
  const credits = tryParseCredits(creditsText);
  if (credits === undefined || compareAmounts(credits, NO_CREDITS) <= 0) {
    throw new VerbError(`${creditsText} is not an amount of credits; write for example 12.5.`, 2);
  }
  const until = options.until === undefined ? undefined : Date.parse(options.until);
  if (until !== undefined && Number.isNaN(until)) {
    throw new VerbError(
      `${options.until} is not an instant; write for example 2026-12-01. Days as people say them: tollgate grant raise ${team} ${creditsText} --until friday.`,
      2,
    );
  }
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(
    `/api/v1/budgets/${encodeURIComponent(team)}/grants`,
    {
      credits: formatAmount(credits),
      ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
      reason: options.reason ?? 'granted on the command line',
    },
  );
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
  terminal.print(
    options.json === true ? answer.trim() : `Granted ${creditsText} credits to ${team}${end}.`,
  );
}
