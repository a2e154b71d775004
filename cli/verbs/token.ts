/** `tollgate token`: one bearer token of the API for each person and script; who has one, and the end of one. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { listJson } from '../list-options.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface TokenOptions {
  readonly role?: string;
  readonly team?: string;
  readonly principal?: string;
  readonly expires?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

interface RotateOptions {
  readonly grace: string;
  readonly reason?: string;
  readonly json?: boolean;
}

// Only what is printed; the API says more.
const TOKEN = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  team: z.string().nullable(),
  principal: z.string().nullable(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});
const ISSUED = z.object({ token: TOKEN, secret: z.string() });
type Token = z.infer<typeof TOKEN>;

export function registerToken(program: Command, terminal: Terminal): void {
  const token = program
    .command('token')
    .description('tokens of the API and the console, one for each person and script');
  token
    .command('issue <name>')
    .description('make one; standard output is its secret alone, which is told only now')
    .requiredOption('--role <role>', 'platform, finance, team-lead or analyst')
    .option('--team <id>', 'of a team-lead or an analyst: the team it may see')
    .option(
      '--principal <id>',
      'of an analyst, and of a team-lead that decides requests: who it is',
    )
    .option('--expires <instant>', 'such as 2026-12-31T00:00:00Z; until it is revoked unless given')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--json', 'print the answer of the API')
    .action((name: string, options: TokenOptions) => issue(terminal, name, options));
  token
    .command('list')
    .description('every token without its secret, the newest first')
    .option('--json', 'print the tokens as the API tells them')
    .action((options: TokenOptions) => list(terminal, options));
  token
    .command('rotate <id>')
    .description('give one a new secret; standard output is that alone, which is told only now')
    .option('--grace <seconds>', 'how long the present secret is accepted too, at most 86400', '0')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: RotateOptions) => rotate(terminal, id, options));
  token
    .command('revoke <id>')
    .description('end one, within five seconds everywhere')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--json', 'print the answer of the API')
    .action((id: string, options: TokenOptions) => revoke(terminal, id, options));
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}

/** The secret goes to standard output and what it is to standard error, so that `$(tollgate token issue …)` is the secret. */
async function issue(terminal: Terminal, name: string, options: TokenOptions): Promise<void> {
  const { role, team, principal, expires, reason, json } = options;
  const body = {
    name,
    role,
    ...(team === undefined ? {} : { team }),
    ...(principal === undefined ? {} : { principal }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
    ...(reason === undefined ? {} : { reason }),
  };
  const answer = await client().call('/api/v1/tokens', body);
  if (json === true) return terminal.print(answer.trim());
  const { token, secret } = ISSUED.parse(JSON.parse(answer));
  terminal.complain(
    `Token ${token.id} (${token.name}, ${scopeOf(token)}). Its secret is told only now:`,
  );
  terminal.print(secret);
}

/** As {@link issue}, of a token that there is. */
async function rotate(terminal: Terminal, id: string, options: RotateOptions): Promise<void> {
  const { grace, reason, json } = options;
  if (!/^\d{1,5}$/.test(grace))
    throw new VerbError(`--grace: ${grace} is no number of seconds; write for example 3600.`, 2);
  const graceSeconds = Number(grace);
  const body = { graceSeconds, ...(reason === undefined ? {} : { reason }) };
  const answer = await client().call(`/api/v1/tokens/${encodeURIComponent(id)}/rotate`, body);
  if (json === true) return terminal.print(answer.trim());
  const { token, secret } = ISSUED.parse(JSON.parse(answer));
  const until = graceSeconds === 0 ? 'has ended' : `is accepted for ${graceSeconds} more seconds`;
  terminal.complain(
    `Token ${token.id} (${token.name}, ${scopeOf(token)}) has a new secret, which is told only now; the one before ${until}:`,
  );
  terminal.print(secret);
}

/** `team-lead of sales`, `analyst sales_analyst of sales`, `finance`. */
function scopeOf({ role, team, principal }: Token): string {
  const who = principal === null ? role : `${role} ${principal}`;
  return team === null ? who : `${who} of ${team}`;
}

async function list(terminal: Terminal, { json }: TokenOptions): Promise<void> {
  const tokens = await client().list('/api/v1/tokens', 'tokens', z.unknown());
  if (json === true) return terminal.print(listJson('tokens', tokens));
  const listed = z.array(TOKEN).parse(tokens.rows);
  terminal.print(
    listed.length === 0
      ? 'No token is issued; `tollgate token issue` makes one.'
      : tokensText(listed, terminal.columns),
  );
}

function tokensText(tokens: readonly Token[], columns: number): string {
  return table(
    ['id', freeText('name'), 'for', 'since', 'ends'],
    tokens.map((token) => [
      token.id,
      token.name,
      scopeOf(token),
      token.createdAt.slice(0, 10),
      token.revokedAt === null
        ? (token.expiresAt?.slice(0, 10) ?? '')
        : `revoked ${token.revokedAt.slice(0, 10)}`,
    ]),
    columns,
  );
}

async function revoke(terminal: Terminal, id: string, options: TokenOptions): Promise<void> {
  const { reason, json } = options;
  const body = reason === undefined ? {} : { reason };
  const answer = await client().call(`/api/v1/tokens/${encodeURIComponent(id)}/revoke`, body);
  terminal.print(json === true ? answer.trim() : `Token ${id} is revoked.`);
}
