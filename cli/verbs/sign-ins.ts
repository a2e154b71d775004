/** `tollgate sign-ins`: who is signed in to the console with the token that is set here, and the end of that. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { listJson } from '../list-options.js';
import { freeText, table, type Terminal } from '../terminal.js';

interface SignInsOptions {
  readonly json?: boolean;
}

// Only what is printed; the API says more.
const SIGN_IN = z.object({
  id: z.string(),
  browser: z.string().nullable(),
  startedAt: z.string(),
  startedFrom: z.string(),
  usedAt: z.string(),
  usedFrom: z.string(),
});
const ENDED = z.object({ ended: z.int() });

export function registerSignIns(program: Command, terminal: Terminal): void {
  const signIns = program
    .command('sign-ins')
    .description('sign-ins of the console that were made with the token that is set here');
  signIns
    .command('list')
    .description('those that last, the newest first: since when, from where, used last')
    .option('--json', 'print the sign-ins as the API tells them')
    .action((options: SignInsOptions) => list(terminal, options));
  signIns
    .command('end <id>')
    .description('end one, within two seconds everywhere')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: SignInsOptions) => end(terminal, id, options));
  signIns
    .command('end-all')
    .description('end all of them, within two seconds everywhere')
    .option('--json', 'print the answer of the API')
    .action((options: SignInsOptions) => endAll(terminal, options));
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}

async function list(terminal: Terminal, { json }: SignInsOptions): Promise<void> {
  const signIns = await client().list('/api/v1/sign-ins', 'signIns', z.unknown());
  if (json === true) return terminal.print(listJson('signIns', signIns));
  const listed = z.array(SIGN_IN).parse(signIns.rows);
  terminal.print(
    listed.length === 0
      ? 'Nobody is signed in to the console with this token.'
      : table(
          ['id', freeText('browser'), 'since', 'from', 'used', 'from'],
          listed.map((each) => [
            each.id,
            each.browser ?? '',
            minuteOf(each.startedAt),
            each.startedFrom,
            minuteOf(each.usedAt),
            each.usedFrom,
          ]),
          terminal.columns,
        ),
  );
}

/** `2026-11-27 09:12`, UTC. */
function minuteOf(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ');
}

async function end(terminal: Terminal, id: string, { json }: SignInsOptions): Promise<void> {
  const answer = await client().call(`/api/v1/sign-ins/${encodeURIComponent(id)}/end`, {});
  terminal.print(json === true ? answer.trim() : `Sign-in ${id} is ended.`);
}

async function endAll(terminal: Terminal, { json }: SignInsOptions): Promise<void> {
  const answer = await client().call('/api/v1/sign-ins/end-others', {});
  const { ended } = ENDED.parse(JSON.parse(answer));
  const words = ended === 1 ? 'One sign-in is ended.' : `${ended} sign-ins are ended.`;
  terminal.print(json === true ? answer.trim() : words);
}
