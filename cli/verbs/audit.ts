/** `tollgate audit`: who changed what and why, and the proof that the log is whole. `verify` of a file works alone. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ChainOutcome, verifyChain } from '../../admin/audit-chain.js';
import type { SealKey } from '../../base/sealing.js';
import { sealKeys } from '../../base/setting-parsers.js';
import type { FilesOutcome } from '../../billing/bills/manifest.js';
import {
  isLedgerExport,
  type LedgerOutcome,
  verifyLedger,
  verifyLedgers,
} from '../../billing/seal/verify.js';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { LIMIT, LIMIT_HELP, listJson, rowsMaxOf, tellOfMore } from '../list-options.js';
import { freeText, secondText, table, type Terminal } from '../terminal.js';
import { linesOf } from '../text-lines.js';
import { unreadable } from '../unreadable.js';
import { VerbError } from '../verb-error.js';
import { billsInWords, mayBeManifest, verifyBills } from './audit-bills.js';
import { ledgerInWords, logInWords } from './audit-text.js';

interface ListOptions {
  readonly subject?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

interface ExportOptions {
  readonly ledger?: boolean;
  readonly from?: string;
  readonly to?: string;
}

interface VerifyOptions {
  readonly head?: string;
  readonly ledgerHead?: string;
  readonly keys?: string;
  readonly json?: boolean;
}

const EXPORT = '/api/v1/audit/export.jsonl';
const LEDGER = '/api/v1/audit/ledger';

const EVENT = z.object({
  sequence: z.number(),
  occurredAt: z.string(),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  reason: z.string().nullable(),
});
/** What scripts rely on; design: 2 is for what was not given and is needed. */
const EXIT_CODES = { intact: 0, unproven: 2, broken: 1, shortened: 1 } as const;
/** Enough to see what somebody just did. */
const NEWEST_ROWS = '50';
const HEAD = z.object({ hash: z.string() });

export function registerAudit(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  const audit = program.command('audit').description('every change, who made it and why');
  audit
    .command('list')
    .description('the newest events')
    .option('--subject <thing>', 'of one thing, such as budget/marketing-monthly')
    .option(LIMIT, LIMIT_HELP, NEWEST_ROWS)
    .option('--json', 'print the answer of the API')
    .action((options: ListOptions) => list(terminal, options));
  audit
    .command('export')
    .description('the whole log, an event a line, for `tollgate audit verify <file>`')
    .option('--ledger', 'the sealed ledger instead: every journal with its entries and charges')
    .option('--from <instant>', 'of the ledger, what was sealed from then on; implies --ledger')
    .option('--to <instant>', 'and before then')
    .option('--json', 'no difference: every line is JSON')
    .action(async (options: ExportOptions) => {
      for await (const line of client().lines(exportPath(options))) terminal.print(line);
    });
  audit
    .command('verify [files...]')
    .description(
      'recompute every hash of an exported log or ledger, or of bills by their manifest.json; of exports of the ledger that follow each other, also that none is missing; without a file, of log and ledger as they are now. Exits with 0 for intact, 1 for broken or shortened, 2 where it cannot be told: a key, a file or a head is missing',
    )
    .option(
      '--head <hash>',
      'hash that must be in the file, or in the log, kept from an earlier look',
    )
    .option('--ledger-head <hash>', 'hash that must be in the ledger; without a file')
    .option('--keys <file>', 'seal keys, to check the anchors of a ledger; else TOLLGATE_SEAL_KEYS')
    .option('--json', 'as JSON')
    .action(async (files: readonly string[], options: VerifyOptions) => {
      if (files.length > 0 && options.ledgerHead !== undefined)
        throw new VerbError('--ledger-head is for no file; the head of a file is --head.', 2);
      const found = files.length === 0 ? await verifyAll(options) : [await verify(files, options)];
      for (const each of found)
        terminal.print(
          options.json === true
            ? JSON.stringify(each.outcome)
            : onOneLine(inWords(each, options, files)),
        );
      finish(exitCodeOf(found));
    });
}

/** What is broken is told before what cannot be told. */
function exitCodeOf(found: readonly Verified[]): 0 | 1 | 2 {
  const codes = found.map(({ outcome }) => EXIT_CODES[outcome.kind]);
  return codes.includes(1) ? 1 : codes.includes(2) ? 2 : 0;
}

function exportPath({ ledger, from, to }: ExportOptions): string {
  if (ledger !== true && from === undefined && to === undefined) return EXPORT;
  const query = new URLSearchParams({
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }).toString();
  return query === '' ? LEDGER : `${LEDGER}?${query}`;
}

async function list(terminal: Terminal, options: ListOptions): Promise<void> {
  const { subject, limit = NEWEST_ROWS } = options;
  const query = subject === undefined ? '' : `?subject=${encodeURIComponent(subject)}`;
  const read = await client().list(
    `/api/v1/audit${query}`,
    'events',
    z.unknown(),
    rowsMaxOf(limit),
  );
  tellOfMore(terminal, read);
  if (options.json === true) return terminal.print(listJson('events', read));
  const events = z.array(EVENT).parse(read.rows);
  if (events.length === 0)
    return terminal.print(
      subject === undefined
        ? 'Nothing was changed yet.'
        : `Nothing was changed of ${subject}; things are named as \`tollgate audit list\` does.`,
    );
  const headers = ['#', 'when (UTC)', 'who', 'did', 'to', freeText('why')];
  const rows = events.map((event) =>
    [
      String(event.sequence),
      secondText(event.occurredAt),
      event.actor,
      event.action,
      event.subject,
      event.reason ?? '',
    ].map(onOneLine),
  );
  terminal.print(table(headers, rows, terminal.columns));
}

/** What people or files say, without line ends and without anything that a terminal obeys. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

type Verified =
  | { readonly what: 'log'; readonly outcome: ChainOutcome }
  | { readonly what: 'ledger'; readonly outcome: LedgerOutcome }
  | { readonly what: 'bills'; readonly outcome: FilesOutcome };

/** What the file is follows from its first line; of several each must be an export of the ledger. */
async function verify(files: readonly string[], options: VerifyOptions): Promise<Verified> {
  const [file = ''] = files;
  const head = knownHead(options);
  const kind = await kindOf(file);
  if (files.length > 1) {
    for (const each of files)
      if ((await kindOf(each)) !== 'ledger')
        throw new VerbError(
          `${each} is no export of the ledger: only these are verified together.`,
          2,
        );
  }
  if (kind === 'bills') return { what: 'bills', outcome: await verifyBills(file) };
  if (kind === 'log')
    return { what: 'log', outcome: await verifyChain(linesOfFile(file), head.head) };
  const outcome = await verifyLedgers(files.map(linesOfFile), {
    ...head,
    ...keysOf(options, false),
  });
  return { what: 'ledger', outcome };
}

async function kindOf(file: string): Promise<'bills' | 'ledger' | 'log'> {
  for await (const first of linesOfFile(file)) {
    if (mayBeManifest(first)) return 'bills';
    return isLedgerExport(first) ? 'ledger' : 'log';
  }
  return 'log';
}

/** Log and ledger as they are now, each against the head that is given of it, else against its present one. */
async function verifyAll(options: VerifyOptions): Promise<readonly Verified[]> {
  const api = client();
  const headOf = async (apiPath: string): Promise<string> =>
    HEAD.parse(JSON.parse(await api.call(apiPath))).hash;
  const known = { log: knownHead(options).head, ledger: knownLedgerHead(options) };
  const log = known.log ?? (await headOf('/api/v1/audit/head'));
  const ledger = known.ledger ?? (await headOf(`${LEDGER}/head`));
  return [
    { what: 'log', outcome: await verifyChain(api.lines(EXPORT), log) },
    {
      what: 'ledger',
      outcome: await verifyLedger(api.lines(LEDGER), { head: ledger, ...keysOf(options, true) }),
    },
  ];
}

function knownHead({ head }: VerifyOptions): { readonly head?: string } {
  return head === undefined ? {} : { head: hashOf('--head', head) };
}

function knownLedgerHead({ ledgerHead }: VerifyOptions): string | undefined {
  return ledgerHead === undefined ? undefined : hashOf('--ledger-head', ledgerHead);
}

function hashOf(option: string, text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new VerbError(`${option} takes the 64 hexadecimal digits of a hash.`, 2);
  return text;
}

/**
 * Keys of the file or of the settings; for the ledger that runs here, of its data directory. An export may be of another
 * installation, whose keys have the same ids. Without any, anchors are not checked.
 */
function keysOf(
  { keys: file }: VerifyOptions,
  isOurs: boolean,
): { readonly keys?: readonly SealKey[] } {
  if (file !== undefined) return { keys: keysOfFile(file) };
  const { config, secrets } = configuration();
  if (secrets.sealKeys !== null) return { keys: secrets.sealKeys };
  const kept = path.join(config.dataDir, 'seal-keys');
  return isOurs && existsSync(kept) ? { keys: keysOfFile(kept) } : {};
}

function keysOfFile(file: string): readonly SealKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
  const parsed = sealKeys(text);
  if (!('value' in parsed))
    throw new VerbError(`${file} has no seal keys; they are ${parsed.rule}.`, 2);
  return parsed.value;
}

async function* linesOfFile(file: string): AsyncGenerator<string> {
  try {
    yield* linesOf(createReadStream(file));
  } catch (thrown) {
    if (thrown instanceof VerbError) throw thrown;
    throw unreadable(file, thrown);
  }
}

function inWords(verified: Verified, options: VerifyOptions, files: readonly string[]): string {
  if (verified.what === 'bills') return billsInWords(verified.outcome);
  return verified.what === 'log'
    ? logInWords(verified.outcome, options.head !== undefined)
    : ledgerInWords(verified.outcome, options, files);
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}
