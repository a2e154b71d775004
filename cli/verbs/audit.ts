/** `tollgate audit`: who changed what and why, and the proof that the log is whole. `verify` of a file works alone. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ChainOutcome, verifyChain } from '../../admin/audit-chain.js';
import type { SealKey } from '../../base/sealing.js';
import { sealKeys } from '../../base/setting-parsers.js';
import type { FilesOutcome } from '../../billing/bills/manifest.js';
import { isLedgerExport, type LedgerOutcome, verifyLedger } from '../../billing/seal/verify.js';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { LIMIT, LIMIT_HELP, listJson, rowsMaxOf, tellOfMore } from '../list-options.js';
import { freeText, secondText, table, type Terminal } from '../terminal.js';
import { linesOf } from '../text-lines.js';
import { unreadable } from '../unreadable.js';
import { VerbError } from '../verb-error.js';
import { billsInWords, mayBeManifest, verifyBills } from './audit-bills.js';

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
    .command('verify [file]')
    .description(
      'recompute every hash of an exported log or ledger, or of bills by their manifest.json; without a file, of log and ledger as they are now',
    )
    .option(
      '--head <hash>',
      'hash that must be in the file, or in the log, kept from an earlier look',
    )
    .option('--ledger-head <hash>', 'hash that must be in the ledger; without a file')
    .option('--keys <file>', 'seal keys, to check the anchors of a ledger; else TOLLGATE_SEAL_KEYS')
    .option('--json', 'as JSON')
    .action(async (file: string | undefined, options: VerifyOptions) => {
      if (file !== undefined && options.ledgerHead !== undefined)
        throw new VerbError('--ledger-head is for no file; the head of a file is --head.', 2);
      const found = file === undefined ? await verifyAll(options) : [await verify(file, options)];
      for (const each of found)
        terminal.print(
          options.json === true
            ? JSON.stringify(each.outcome)
            : inWords(each, options, file === undefined),
        );
      finish(found.every(({ outcome }) => outcome.kind === 'intact') ? 0 : 1);
    });
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

/** What people wrote, without line ends and without anything that a terminal obeys. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

type Verified =
  | { readonly what: 'log'; readonly outcome: ChainOutcome }
  | { readonly what: 'ledger'; readonly outcome: LedgerOutcome }
  | { readonly what: 'bills'; readonly outcome: FilesOutcome };

/** What the file is follows from its first line. */
async function verify(file: string, options: VerifyOptions): Promise<Verified> {
  const head = knownHead(options);
  for await (const first of linesOfFile(file)) {
    if (mayBeManifest(first)) return { what: 'bills', outcome: await verifyBills(file) };
    if (!isLedgerExport(first)) break;
    const outcome = await verifyLedger(linesOfFile(file), { ...head, ...keysOf(options, false) });
    return { what: 'ledger', outcome };
  }
  return { what: 'log', outcome: await verifyChain(linesOfFile(file), head.head) };
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

function inWords(verified: Verified, options: VerifyOptions, isOfNoFile: boolean): string {
  if (verified.what === 'bills') return billsInWords(verified.outcome);
  const { what, outcome } = verified;
  const rows = what === 'log' ? 'events' : 'records';
  const count = 'events' in outcome ? outcome.events : 'records' in outcome ? outcome.records : 0;
  switch (outcome.kind) {
    case 'intact': {
      const option = isOfNoFile && what === 'ledger' ? '--ledger-head' : '--head';
      const isKnown = (option === '--head' ? options.head : options.ledgerHead) !== undefined;
      const hint = isKnown
        ? ''
        : ` Keep this head elsewhere: with ${option} a ${what} that lost its end is found.`;
      return `Intact: ${count} ${rows}, head ${outcome.head}.${anchorsInWords(outcome)}${hint}`;
    }
    case 'broken': {
      const place =
        what === 'log'
          ? `event ${outcome.sequence} does not fit`
          : `the ledger does not fit${outcome.sequence === null ? '' : ` at record ${outcome.sequence}`}`;
      return `Broken: ${place}: ${outcome.why}.`;
    }
    case 'shortened':
      return `Shortened: the known head is not among the ${count} ${rows}, which end with ${outcome.head}.`;
  }
}

function anchorsInWords(outcome: ChainOutcome | LedgerOutcome): string {
  if (!('anchors' in outcome)) return '';
  const { checked, unchecked } = outcome.anchors;
  return unchecked === 0
    ? ` ${checked} anchors were made with the seal key.`
    : ` ${unchecked} anchors were not checked: no seal key was given.`;
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}
