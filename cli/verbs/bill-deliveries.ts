/** `tollgate bill --all <month> --deliver`: bills by e-mail and to the object store, by the running Tollgate. */
import type { Command } from 'commander';
import { z } from 'zod';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

export interface DeliveryOptions {
  readonly deliver?: boolean;
  readonly provisional?: boolean;
  readonly to?: string;
  readonly xlsx?: boolean;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** A thousand bills are drawn and sent one after another. */
const DELIVERY_TIMEOUT_MS = 3_600_000;

// Only what is printed; the API may say more.
const REPORT = z.object({
  month: z.string(),
  version: z.number(),
  sent: z.number(),
  alreadySent: z.number(),
  underWay: z.number(),
  failed: z.number(),
  failures: z.array(z.object({ target: z.string(), item: z.string(), why: z.string() })),
  teamsWithoutAddress: z.array(z.string()),
});

/** Adds the options of this file to the verb. */
export function withDeliveryOptions(command: Command): Command {
  return command
    .option('--deliver', "with --all: send each team's PDF, with --xlsx, --csv too, and the set")
    .option('--to <kind>', 'with --deliver: email or object-store; default: what the settings name')
    .option('--provisional', 'with --deliver: also of a month that is not closed');
}

/**
 * Delivers what has not arrived yet and prints what became of it.
 * @throws VerbError where the API refuses, or anything did not arrive.
 */
export async function deliverMonth(
  terminal: Terminal,
  month: string,
  options: DeliveryOptions,
): Promise<void> {
  const { config, secrets } = configuration();
  const body = {
    ...(options.to === undefined ? {} : { to: [options.to] }),
    forms: (['xlsx', 'csv'] as const).filter((form) => options[form] === true),
    provisional: options.provisional === true,
  };
  const answer = await adminClient(config, secrets).call(
    `/api/v1/exports/${month}/deliveries`,
    body,
    'POST',
    DELIVERY_TIMEOUT_MS,
  );
  const report = REPORT.parse(JSON.parse(answer));
  terminal.print(options.json === true ? answer.trim() : laidOut(report));
  const missing = report.failed + report.underWay;
  if (missing > 0)
    throw new VerbError(
      `${missing} of ${month} did not arrive, or are under way elsewhere. The same command sends what is missing.`,
    );
}

function laidOut(report: z.infer<typeof REPORT>): string {
  const { month, version, sent, alreadySent, failures, teamsWithoutAddress } = report;
  const head =
    sent === 0 && failures.length === 0 && alreadySent > 0
      ? `Bills of ${month}, version ${version}: nothing was sent, all ${alreadySent} had arrived before.`
      : `Bills of ${month}, version ${version}: ${sent} sent, ${alreadySent} had arrived before.`;
  return [
    head,
    ...failures.map(({ item, target, why }) => `  ${item} to ${target} failed: ${why}`),
    ...(teamsWithoutAddress.length === 0
      ? []
      : [`  Without a channel of kind email: ${teamsWithoutAddress.join(', ')}.`]),
  ].join('\n');
}
