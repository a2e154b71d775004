/** `tollgate import --prices`: what credits cost and from where that is known; a word on a price that is held. */
import { z } from 'zod';
import type { AdminClient } from '../admin-client.js';
import { table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

export interface PriceOptions {
  readonly at?: string;
  readonly accept?: string;
  readonly decline?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

const PRICES = z.object({
  at: z.string(),
  prices: z.array(
    z.object({
      account: z.string(),
      creditKind: z.string(),
      serviceType: z.string(),
      pricePerCredit: z.string().nullable(),
      currency: z.string().nullable(),
      source: z.string().nullable(),
      since: z.string().nullable(),
    }),
  ),
});
const HELD = z.object({
  held: z.array(
    z.object({
      account: z.string(),
      ratingType: z.string(),
      serviceType: z.string(),
      from: z.string(),
      pricePerCredit: z.string().nullable(),
      currency: z.string(),
      why: z.string(),
      inForce: z.string().nullable(),
    }),
  ),
});

/** Prints the prices, or sends a word on a held one: `account/RATING/SERVICE/2026-10-05`, as the list names it. */
export async function runPrices(
  client: AdminClient,
  terminal: Terminal,
  options: PriceOptions,
): Promise<number> {
  const { accept, decline, reason, at, json } = options;
  const named = accept ?? decline;
  if (accept !== undefined && decline !== undefined)
    throw new VerbError('--accept and --decline cannot stand together.', 2);
  if (named !== undefined) return decide(client, terminal, named, options, reason);
  const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
  const answer = await client.call(`/api/v1/prices${query}`);
  const heldAnswer = await client.call('/api/v1/prices/held');
  if (json === true) terminal.print(answer.trim());
  else tell(terminal, PRICES.parse(JSON.parse(answer)), HELD.parse(JSON.parse(heldAnswer)));
  return 0;
}

async function decide(
  client: AdminClient,
  terminal: Terminal,
  named: string,
  { accept }: PriceOptions,
  reason: string | undefined,
): Promise<number> {
  const [account, ratingType, serviceType, from] = named.split('/');
  if (from === undefined)
    throw new VerbError('Name the price as the list does: account/RATING/SERVICE/2026-10-05.', 2);
  if (reason === undefined) throw new VerbError('Say why: --reason "<words>".', 2);
  const decision = accept === undefined ? 'decline' : 'accept';
  await client.call('/api/v1/prices/decisions', {
    account,
    ratingType,
    serviceType,
    from,
    decision,
    reason,
  });
  terminal.print(`${named} is ${decision === 'accept' ? 'accepted and in force' : 'declined'}.`);
  return 0;
}

function tell(
  terminal: Terminal,
  { at, prices }: z.infer<typeof PRICES>,
  { held }: z.infer<typeof HELD>,
): void {
  const lines = prices.map((price) => [
    price.account,
    price.creditKind,
    price.serviceType,
    price.pricePerCredit === null
      ? 'none'
      : `${price.pricePerCredit.replace(/0{1,10}$/, '')} ${price.currency ?? ''}`,
    price.source ?? '',
    price.since?.slice(0, 10) ?? '',
  ]);
  terminal.print(
    [
      ...(lines.length === 0
        ? [
            `No price of a credit is known at ${at}. \`tollgate import\` reads the rate sheet of the account; or write \`prices\` into the control document (docs/prices.md) and \`tollgate apply\` it.`,
          ]
        : [
            `Prices of one credit at ${at}:`,
            '',
            table(
              ['account', 'kind', 'service', 'price', 'source', 'since'],
              lines,
              terminal.columns,
            ),
          ]),
      ...held.flatMap((each) => [
        '',
        `Held: ${each.account}/${each.ratingType}/${each.serviceType}/${each.from}`,
        `  ${each.pricePerCredit?.replace(/0{1,10}$/, '') ?? 'no price'} ${each.currency}: ${each.why}; ${each.inForce ?? 'nothing'} stays in force.`,
        '  Somebody who did not import it: tollgate import --prices --accept <name> --reason "<why>"',
      ]),
    ].join('\n'),
  );
}
