/** `tollgate close [month]`: how far a month is and what it comes to; the steps from open to closed. */
import type { Command } from 'commander';
import { z } from 'zod';
import { tryParseMonth } from '../../base/time.js';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { registerBookingVerbs } from './close-bookings.js';
import { registerRateVerbs } from './close-rates.js';
import { CLOSE, closeText, type CloseAnswer } from './close-text.js';

interface CloseOptions {
  readonly dryRun?: boolean;
  readonly freeze?: boolean;
  readonly approve?: boolean;
  readonly signOff?: string;
  readonly return?: string;
  readonly reopen?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export function registerClose(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('close')
    // Options behind a verb of ours are the verb's.
    .enablePositionalOptions()
    .argument('[month]')
    .description(
      'close a month (yyyy-mm): freeze it and put it into review; close it once it is approved',
    )
    .option('--dry-run', 'only what it comes to, how it agrees with Snowflake, and what is missing')
    .option('--freeze', 'only freeze it, or freeze it anew; it is not put into review')
    .option('--approve', 'approve what somebody else froze; the last who is needed closes it')
    .option('--sign-off <reason>', 'say why it is closed although something does not agree')
    .option('--return <reason>', 'send it back from review')
    .option('--reopen <reason>', 'begin another version of a closed month')
    .option('--reason <text>', 'why; kept with the step')
    .option('--json', 'print the answer of the API')
    .action(async (month: string | undefined, options: CloseOptions) => {
      if (month === undefined)
        return command.error(
          'error: missing a month, or one of the verbs of close (close --help lists them)',
        );
      const { config, secrets } = configuration();
      return finish(await close(adminClient(config, secrets), terminal, month, options));
    });
  registerBookingVerbs(command, terminal);
  registerRateVerbs(command, terminal);
}

/** Takes the steps that the options name, and prints how far the month is then. @returns the exit code. */
async function close(
  client: AdminClient,
  terminal: Terminal,
  month: string,
  options: CloseOptions,
): Promise<number> {
  if (tryParseMonth(month) === undefined)
    throw new VerbError(`${month.slice(0, 40)} is not a month; write for example 2026-10.`, 2);
  const named = NAMED.filter((name) => options[name] !== undefined);
  if (named.length > 1)
    throw new VerbError(
      `${named.map((name) => FLAGS[name]).join(' and ')} cannot stand together.`,
      2,
    );
  const path = `/api/v1/closes/${month}`;
  const steps = stepper(client, path, options.reason);
  const answer = await taken(client, path, steps, options);
  const close = parsed(answer);
  terminal.print(options.json === true ? answer.trim() : closeText(close, terminal.columns));
  return options.dryRun === true && close.problems.length > 0 ? 1 : 0;
}

const NAMED = ['dryRun', 'freeze', 'approve', 'signOff', 'return', 'reopen'] as const;
const FLAGS: Readonly<Record<(typeof NAMED)[number], string>> = {
  dryRun: '--dry-run',
  freeze: '--freeze',
  approve: '--approve',
  signOff: '--sign-off',
  return: '--return',
  reopen: '--reopen',
};

/** Freezing a month of millions of statements may sum days first, and reads all of them. */
const STEP_TIMEOUT_MS = 1_800_000;

type Stepper = (step: string, reason?: string) => Promise<string>;

function stepper(client: AdminClient, path: string, why: string | undefined): Stepper {
  return (step, reason = why) =>
    client.call(`${path}/${step}`, reason === undefined ? {} : { reason }, 'POST', STEP_TIMEOUT_MS);
}

async function taken(
  client: AdminClient,
  path: string,
  step: Stepper,
  options: CloseOptions,
): Promise<string> {
  const look = (): Promise<string> => client.call(path, undefined, undefined, STEP_TIMEOUT_MS);
  if (options.dryRun === true) return look();
  if (options.freeze === true) return step('freeze');
  if (options.signOff !== undefined) return step('sign-off', options.signOff);
  if (options.return !== undefined) return step('return', options.return);
  if (options.reopen !== undefined) return step('reopen', options.reopen);
  if (options.approve === true) {
    const approved = await step('approve');
    return parsed(approved).state === 'approved' ? step('close') : approved;
  }
  const { state } = parsed(await look());
  if (state !== 'open' && state !== 'softClosed') return step('close');
  await step('freeze');
  return step('propose');
}

function parsed(answer: string): CloseAnswer {
  const read = CLOSE.safeParse(JSON.parse(answer));
  if (!read.success)
    throw new VerbError(
      `The admin API answered with something that is not a close: ${z.prettifyError(read.error)}`,
    );
  return read.data;
}
