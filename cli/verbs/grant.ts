/** `tollgate grant`: more credits for a team's budget; its verbs ask, list, decide, raise and revoke. */
import type { Command } from 'commander';
import { z } from 'zod';
import { compareAmounts, formatAmount, NO_CREDITS, tryParseCredits } from '../../base/units.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { minuteText, type Terminal } from '../terminal.js';
import { registerPaceVerbs } from './grant-paces.js';
import { registerRaiseVerbs, UNTIL_HELP } from './grant-raises.js';
import { registerRequestVerbs } from './grant-requests.js';
import { VerbError } from '../verb-error.js';

interface GrantOptions {
  readonly until?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

const GRANTED = z.object({ endsAt: z.string().nullable() });

export function registerGrant(program: Command, terminal: Terminal): void {
  const command = program
    .command('grant')
    // Options behind a verb of ours are the verb's.
    .enablePositionalOptions()
    .argument('[team]')
    .argument('[credits]')
    .description('give a team credits on top of its budget, or decide what teams ask for')
    .option('--until <day>', UNTIL_HELP)
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
  const { until } = options;
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(
    `/api/v1/budgets/${encodeURIComponent(team)}/grants`,
    {
      credits: formatAmount(credits),
      ...(until === undefined ? {} : { until }),
      reason: options.reason ?? 'granted on the command line',
    },
  );
  if (options.json === true) return terminal.print(answer.trim());
  const { endsAt } = GRANTED.parse(JSON.parse(answer));
  const end = endsAt === null ? '' : ` until ${minuteText(endsAt)}`;
  terminal.print(`Granted ${creditsText} credits to ${team}${end}.`);
}
