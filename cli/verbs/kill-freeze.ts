/** `tollgate kill --freeze` and `--thaw`: nothing new of something is admitted, until a time or until it is thawed. */
import { z } from 'zod';
import { adminClient } from '../admin-client.js';
import type { AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { listJson } from '../list-options.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

export interface FreezeOptions {
  readonly freeze?: string;
  readonly thaw?: string;
  readonly frozen?: boolean;
  readonly until?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

const FREEZE = z.object({
  id: z.string(),
  scope: z.string(),
  target: z.string().nullable(),
  frozenBy: z.string(),
  reason: z.string(),
  until: z.string().nullable(),
});
type Freeze = z.infer<typeof FREEZE>;
const ONE = z.object({ freeze: FREEZE });
const FREEZES = '/api/v1/freezes';

export async function freezeVerb(terminal: Terminal, options: FreezeOptions): Promise<void> {
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  if (options.freeze !== undefined) return begin(terminal, client, options.freeze, options);
  if (options.thaw !== undefined) return end(terminal, client, options.thaw, options);
  const read = await client.list(FREEZES, 'freezes', z.unknown());
  if (options.json === true) return terminal.print(listJson('freezes', read));
  const freezes = z.array(FREEZE).parse(read.rows);
  terminal.print(freezes.length === 0 ? 'Nothing is frozen.' : freezes.map(lineOf).join('\n'));
}

async function begin(
  terminal: Terminal,
  client: AdminClient,
  said: string,
  { until, reason, json }: FreezeOptions,
): Promise<void> {
  const [scope, target] = partsOf(said);
  const answer = await client.call(FREEZES, {
    scope,
    ...(target === null ? {} : { target }),
    ...(until === undefined ? {} : { until }),
    reason: reason ?? 'frozen on the command line',
  });
  if (json === true) return terminal.print(answer.trim());
  terminal.print(`Frozen: ${lineOf(ONE.parse(JSON.parse(answer)).freeze)}. What runs goes on.`);
}

/** By its number, or by what is frozen. */
async function end(
  terminal: Terminal,
  client: AdminClient,
  said: string,
  { reason, json }: FreezeOptions,
): Promise<void> {
  const id = /^\d+$/.test(said) ? said : await idOf(client, said);
  const answer = await client.call(`${FREEZES}/${id}/thaw`, {
    reason: reason ?? 'thawed on the command line',
  });
  if (json === true) return terminal.print(answer.trim());
  terminal.print(`Thawed: ${nameOf(ONE.parse(JSON.parse(answer)).freeze)}.`);
}

async function idOf(client: AdminClient, said: string): Promise<string> {
  const [scope, target] = partsOf(said);
  const { rows: freezes } = await client.list(FREEZES, 'freezes', FREEZE);
  const found = freezes.find(
    (each) =>
      each.scope === scope && each.target?.toLowerCase() === (target?.toLowerCase() ?? undefined),
  );
  if (found === undefined)
    throw new VerbError(
      `${said.slice(0, 80)} is not frozen; \`tollgate kill --frozen\` lists what is.`,
    );
  return found.id;
}

function partsOf(said: string): readonly [string, string | null] {
  if (said === 'everything') return [said, null];
  const [, scope, target] = /^(team|principal|warehouse|tier):(.+)$/.exec(said) ?? [];
  if (scope === undefined || target === undefined)
    throw new VerbError(
      `${said.slice(0, 80)} cannot be frozen; say team:<id>, principal:<id>, warehouse:<name>, tier:<id> or everything.`,
      2,
    );
  return [scope, target];
}

function nameOf({ scope, target }: Freeze): string {
  return target === null ? scope : `${scope} ${target}`;
}

function lineOf(freeze: Freeze): string {
  const until = freeze.until === null ? 'until it is thawed' : `until ${freeze.until}`;
  return `${freeze.id} ${nameOf(freeze)} ${until}, by ${freeze.frozenBy}: ${freeze.reason}`;
}
