/** `tollgate plan`, `apply`, `rollback`: the control document as a reviewed file. */
import type { Command } from 'commander';
import { findNotices } from '../../policies/control/notices.js';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { acceptedFile, invalidText, readControlFile, withPlaces } from '../control-file.js';
import { drift } from '../drift.js';
import { planMarkdown, problemsMarkdown } from '../plan-markdown.js';
import { appliedReply, planReply } from '../plan-reply.js';
import { planText, section, wrap } from '../plan-text.js';
import type { Terminal } from '../terminal.js';
import { reachOf } from '../replicas.js';
import { VerbError } from '../verb-error.js';

interface PlanOptions {
  readonly ci?: boolean;
  readonly drift?: boolean;
  readonly offline?: boolean;
  readonly json?: boolean;
}

interface ChangeOptions {
  readonly reason: string;
  readonly expectVersion?: string;
  readonly json?: boolean;
}

export function registerControl(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('plan <file>')
    .description('what a control document (YAML or JSON) would change, in words and money')
    .option('--ci', 'print the comment of a pull request (Markdown)')
    .option('--drift', 'compare the other way: what the database has that the file does not')
    .option('--offline', 'check the file alone; asks no running Tollgate')
    .option('--json', 'print JSON')
    .action((file: string, options: PlanOptions) => plan(terminal, finish, file, options));
  program
    .command('apply <file>')
    .description('put a control document in force, as a new version')
    .requiredOption('--reason <text>', 'why; kept with the version')
    .option('--expect-version <n>', 'refuse if another version is in force by now')
    .option('--json', 'print the answer of the API')
    .action((file: string, options: ChangeOptions) => apply(terminal, file, options));
  program
    .command('rollback <version>')
    .description('put an earlier version in force again, as a new one')
    .requiredOption('--reason <text>', 'why; kept with the version')
    .option('--expect-version <n>', 'refuse if another version is in force by now')
    .option('--json', 'print the answer of the API')
    .action((version: string, options: ChangeOptions) => rollback(terminal, version, options));
}

async function plan(
  terminal: Terminal,
  finish: (exitCode: number) => void,
  file: string,
  options: PlanOptions,
): Promise<void> {
  if (options.drift === true && options.offline === true)
    throw new VerbError('--drift asks the database; --offline asks nobody. Choose one.', 2);
  const read = readControlFile(file);
  if (!read.ok) {
    finish(1);
    if (options.json === true)
      return terminal.print(
        JSON.stringify({ error: { message: `${file} is not valid.` }, problems: read.problems }),
      );
    if (options.ci === true) return terminal.print(problemsMarkdown(file, read.problems));
    return terminal.complain(`tollgate: ${invalidText(file, read.problems)}`);
  }
  if (options.offline === true) return offline(terminal, file, options);
  if (options.drift === true) {
    const { isDrifted, text } = await drift(client(), read.document, file, {
      form: options.json === true ? 'json' : options.ci === true ? 'markdown' : 'text',
      columns: terminal.columns,
    });
    finish(isDrifted ? 1 : 0);
    return terminal.print(text);
  }
  const answer = await withPlaces(file, () =>
    client().call('/api/v1/control/plan', { document: read.document }),
  );
  if (options.json === true) return terminal.print(answer.trim());
  const view = planReply.parse(JSON.parse(answer));
  if (options.ci === true) return terminal.print(planMarkdown(view, file));
  const next = `tollgate apply ${file} --expect-version ${view.inForce.version} --reason "<why>"`;
  const lines = [planText(view, file, terminal.columns)];
  terminal.print(
    [...lines, ...(view.isChanged ? ['', 'To put it in force:', `  ${next}`] : [])].join('\n'),
  );
}

/** What can be said of a file without a database: that it is valid, and what in it has no effect. */
function offline(terminal: Terminal, file: string, options: PlanOptions): void {
  const document = acceptedFile(file);
  const notices = findNotices(document, Date.now());
  if (options.json === true) return terminal.print(JSON.stringify({ isValid: true, notices }));
  const { teams, budgets, principals, rules } = document;
  const head = `${file} is valid: ${teams.length} teams, ${principals.length} principals, ${budgets.length} budgets, ${rules.length} rules.`;
  const sentences = notices.map(({ text }) => text);
  terminal.print(
    [
      ...wrap(head, terminal.columns, '', ''),
      ...section('To know', sentences, terminal.columns),
    ].join('\n'),
  );
}

async function apply(terminal: Terminal, file: string, options: ChangeOptions): Promise<void> {
  const expected = expectedVersionOf(options);
  const document = acceptedFile(file);
  const api = client();
  const planned = planReply.parse(
    JSON.parse(await withPlaces(file, () => api.call('/api/v1/control/plan', { document }))),
  );
  if (options.json !== true) terminal.print(`${planText(planned, file, terminal.columns)}\n`);
  // What is applied is what was shown: a version that came in between refuses.
  const expectedVersion = expected ?? planned.inForce.version;
  const body = { document, reason: options.reason, expectedVersion };
  const answer = await withPlaces(file, () => api.call('/api/v1/control', body, 'PUT'));
  if (options.json === true) return terminal.print(answer.trim());
  const { controlVersion, isChanged } = appliedReply.parse(JSON.parse(answer));
  if (!isChanged)
    return terminal.print(`Nothing changed; version ${controlVersion} stays in force.`);
  const reach = await reachOf(api, controlVersion);
  terminal.print(
    `Version ${controlVersion} is in force. ${reach}${backText(planned.inForce.version)}`,
  );
}

async function rollback(terminal: Terminal, text: string, options: ChangeOptions): Promise<void> {
  const version = versionOf(text, 'rollback', 1);
  const expectedVersion = expectedVersionOf(options);
  const api = client();
  const answer = await api.call('/api/v1/control/rollback', {
    version,
    reason: options.reason,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  });
  if (options.json === true) return terminal.print(answer.trim());
  const applied = appliedReply.parse(JSON.parse(answer));
  if (!applied.isChanged)
    return terminal.print(`Nothing changed; version ${applied.controlVersion} stays in force.`);
  const more = applied.changesTotal - applied.changes.length;
  const changes = more > 0 ? [...applied.changes, `and ${more} more`] : applied.changes;
  terminal.print(
    [
      `Version ${applied.controlVersion} is in force; it says what version ${version} said. ${await reachOf(api, applied.controlVersion)}`,
      ...section('What changed back', changes, terminal.columns),
    ].join('\n'),
  );
}

/** Before the first version there is nothing to go back to. */
function backText(version: number): string {
  return version === 0 ? '' : ` Back again: tollgate rollback ${version} --reason "<why>"`;
}

function expectedVersionOf({ expectVersion }: ChangeOptions): number | undefined {
  return expectVersion === undefined ? undefined : versionOf(expectVersion, '--expect-version', 0);
}

/** @param least 0 where "none yet" may be meant. */
function versionOf(text: string, where: string, least: 0 | 1): number {
  const version = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (version >= least) return version;
  throw new VerbError(`${where}: ${text} is not a version; write for example 12.`, 2);
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}
