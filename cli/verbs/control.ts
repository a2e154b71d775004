/** `tollgate plan`, `apply`, `rollback`: the control document as a reviewed file. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { toError } from '../../base/errors.js';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface ControlOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

const PLAN = z.object({
  controlVersion: z.number(),
  differences: z.array(
    z.object({
      part: z.string(),
      key: z.string(),
      change: z.string(),
      fields: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
    }),
  ),
});

const APPLIED = z.object({ controlVersion: z.number(), isChanged: z.boolean() });

export function registerControl(program: Command, terminal: Terminal): void {
  program
    .command('plan <file>')
    .description('what a control document (YAML or JSON) would change; writes nothing')
    .option('--json', 'print the answer of the API')
    .action((file: string, options: ControlOptions) => plan(terminal, file, options));
  program
    .command('apply <file>')
    .description('put a control document in force, as a new version')
    .requiredOption('--reason <text>', 'why; kept with the version')
    .option('--json', 'print the answer of the API')
    .action((file: string, options: ControlOptions) => apply(terminal, file, options));
  program
    .command('rollback <version>')
    .description('put an earlier version in force again, as a new one')
    .requiredOption('--reason <text>', 'why; kept with the version')
    .option('--json', 'print the answer of the API')
    .action((version: string, options: ControlOptions) => rollback(terminal, version, options));
}

async function plan(terminal: Terminal, file: string, options: ControlOptions): Promise<void> {
  const document = readDocument(file);
  const answer = await client().call('/api/v1/control/plan', { document });
  if (options.json === true) return terminal.print(answer.trim());
  const { controlVersion, differences } = PLAN.parse(JSON.parse(answer));
  if (differences.length === 0) {
    return terminal.print(`${file} is what version ${controlVersion} says; nothing would change.`);
  }
  const rows = differences.flatMap(({ part, key, change, fields }) =>
    fields.length === 0
      ? [[change, part, key, '', '', '']]
      : fields.map(({ field, before, after }) => [
          change,
          part,
          key,
          field,
          shown(before),
          shown(after),
        ]),
  );
  const headers = ['change', 'part', 'key', 'field', 'before', 'after'];
  terminal.print(`Against version ${controlVersion}:\n\n${table(headers, rows, terminal.columns)}`);
}

async function apply(terminal: Terminal, file: string, options: ControlOptions): Promise<void> {
  const document = readDocument(file);
  const answer = await client().call(
    '/api/v1/control',
    { document, reason: options.reason },
    'PUT',
  );
  printApplied(terminal, answer, options);
}

async function rollback(terminal: Terminal, text: string, options: ControlOptions): Promise<void> {
  const version = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
  if (version === undefined)
    throw new VerbError(`${text} is not a version; write for example 12.`, 2);
  const answer = await client().call('/api/v1/control/rollback', {
    version,
    reason: options.reason,
  });
  printApplied(terminal, answer, options);
}

function printApplied(terminal: Terminal, answer: string, options: ControlOptions): void {
  if (options.json === true) return terminal.print(answer.trim());
  const { controlVersion, isChanged } = APPLIED.parse(JSON.parse(answer));
  terminal.print(
    isChanged
      ? `Version ${controlVersion} is in force.`
      : `Nothing changed; version ${controlVersion} stays in force.`,
  );
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}

/** YAML, of which JSON is a part; mistakes of form are told with their line, those of content by the API. */
function readDocument(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new VerbError(`${file} cannot be read (${toError(thrown).message}).`, 2);
  }
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new VerbError(`${file}: ${error.message}`);
  return document.toJS({ maxAliasCount: 100 });
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
