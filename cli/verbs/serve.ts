/** `tollgate serve`: the whole system, or the roles named. */
import type { Command } from 'commander';
import { helpText } from '../../base/config.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';

export function registerServe(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('serve')
    .description('start Tollgate: proxy, console and API, background work, embedded warehouse')
    .option('--role <list>', 'only these of proxy,admin,worker,warehouse')
    .addHelpText('after', `\n${helpText()}`)
    .action(async (options: { readonly role?: string }) => {
      const overrides = options.role === undefined ? {} : { TOLLGATE_ROLE: options.role };
      const loaded = configuration(overrides);
      // Loaded here only, so that the other verbs start without the whole system.
      const { serve } = await import('../serve.js');
      const { config, secrets } = loaded;
      finish(await serve({ config, secrets, print: (line) => terminal.print(line) }));
    });
}
