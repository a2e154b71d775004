/** Shape of the control document; what refers to what is checked in `references.ts`. */
import { z } from 'zod';
import { tryParseCredits, tryParseMoney } from '#base/units.js';
import { isCidr } from './cidr.js';
import {
  CHANNEL_KINDS,
  CLAIM_ALGORITHMS,
  type ControlDocument,
  PERIOD_KINDS,
  RULE_MODES,
  SIGN_INS,
  WEEKDAYS,
} from './document.js';
import { tryParseInstant } from './instant.js';
import { tryParseWarehouseSize } from './sizes.js';

const ENTRIES_MAX = 20_000;

const id = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'must be 1–63 of a–z, 0–9, ".", "_", "-", beginning with a letter or digit',
  );
const name = z.string().min(1, 'must not be empty').max(200, 'must be at most 200 characters');
const objectName = z
  .string()
  .min(1, 'must not be empty')
  .max(255, 'must be at most 255 characters');
const credits = z
  .string('must be a decimal in quotes, such as "40" or "0.05"')
  .refine(
    (text) => (tryParseCredits(text) ?? -1n) >= 0n,
    'must be a decimal amount, not negative, at most 12 decimals, such as "40" or "0.05"',
  );
const positiveCredits = credits.refine(
  (text) => tryParseCredits(text) !== 0n,
  'must be more than 0',
);
const money = z
  .string('must be a decimal in quotes, such as "3.00"')
  .refine(
    (text) => (tryParseMoney(text) ?? -1n) >= 0n,
    'must be a decimal amount, not negative, at most 12 decimals, such as "3.00"',
  );
const instant = z
  .string()
  .refine(
    (text) => tryParseInstant(text) !== undefined,
    'must be a UTC date or instant, such as "2026-01-01" or "2026-01-01T00:00:00Z"',
  );
const timeZone = z
  .string()
  .refine(isTimeZone, 'must be a time zone of the IANA list, such as "UTC" or "America/New_York"');
const count = (max: number): z.ZodNumber => z.int('must be a whole number').min(0).max(max);
const positive = (max: number): z.ZodNumber => z.int('must be a whole number').min(1).max(max);
const list = <Item extends z.ZodType>(item: Item): z.ZodArray<Item> =>
  z.array(item).max(ENTRIES_MAX);

const period = z.strictObject({
  kind: z.enum(PERIOD_KINDS),
  timeZone,
  /** Only for weeks; Monday unless given (ISO 8601). */
  weekStartsOn: z.enum(WEEKDAYS).exactOptional(),
});

const budget = z.strictObject({
  id,
  node: id,
  limitCredits: z.union([z.literal('unlimited'), credits]),
  hard: z.boolean(),
  period,
  /** What counts: direct credits, or direct × the warehouse's loading. */
  counts: z.enum(['direct', 'billed']),
  tier: id.exactOptional(),
  workload: name.exactOptional(),
});

const tier = z.strictObject({
  id,
  warehouse: objectName,
  weight: positive(10_000),
  concurrencyMax: positive(100_000),
  queueMax: count(1_000_000),
  queueTimeoutSeconds: positive(86_400),
  /** Snowflake's own maximum is seven days. */
  statementTimeoutSeconds: positive(604_800),
  ceilingCredits: positiveCredits,
  guessHoldCredits: positiveCredits,
  guessExpectedCredits: positiveCredits,
  opaque: z.enum(['refuse', 'allow', 'approve']),
  explainAboveCredits: credits.exactOptional(),
});

const ruleFields = {
  id,
  mode: z.enum(RULE_MODES),
  /** Absent: every team. */
  teams: list(id).exactOptional(),
  /** CEL over statement, estimate, caller, tier, warehouse, now. */
  when: z.string().min(1, 'must not be empty'),
  message: z.string().min(1, 'must not be empty').max(300, 'must be at most 300 characters'),
};

const rule = z.discriminatedUnion('effect', [
  z.strictObject({ ...ruleFields, effect: z.literal('refuse') }),
  z.strictObject({ ...ruleFields, effect: z.literal('approve') }),
  /** Runs on the warehouse and in the lane of another tier. */
  z.strictObject({ ...ruleFields, effect: z.literal('reroute'), tier: id }),
  /** Keeps its warehouse but waits in the lane of another tier. */
  z.strictObject({ ...ruleFields, effect: z.literal('queue'), tier: id }),
  /** Lifts the built-in refusal of external locations. */
  z.strictObject({ ...ruleFields, effect: z.literal('allow-external') }),
  /** Lowers the ceiling of the statement. */
  z.strictObject({ ...ruleFields, effect: z.literal('ceiling'), ceilingCredits: positiveCredits }),
]);

const mapping = z.strictObject({
  match: z
    .strictObject({
      account: objectName.exactOptional(),
      /** Exact, or with `*` and `?`; case does not matter. */
      snowflakeUser: objectName.exactOptional(),
      role: objectName.exactOptional(),
      network: id.exactOptional(),
    })
    .refine(
      (match) => Object.keys(match).length > 0,
      'must name account, snowflakeUser, role or network',
    ),
  principal: id.exactOptional(),
  team: id.exactOptional(),
});

const account = z.strictObject({
  /** First label of the host, or the login's ACCOUNT_NAME. */
  id,
  /** Name of a configured upstream. */
  upstream: name,
  signIn: z.enum(SIGN_INS).exactOptional(),
  serviceUsers: list(z.strictObject({ team: id, snowflakeUser: objectName })).exactOptional(),
});

const network = z.strictObject({
  id,
  cidrs: list(
    z.string().refine(isCidr, 'must be a network such as "10.0.0.0/8" or "2001:db8::/32"'),
  ).min(1, 'must name at least one network'),
});

const channel = z.strictObject({
  id,
  kind: z.enum(CHANNEL_KINDS),
  /** An e-mail address, or the name of the environment variable that holds the address. */
  target: name,
});

const claimKey = z.strictObject({
  id,
  algorithm: z.enum(CLAIM_ALGORITHMS),
  publicKey: z
    .string()
    .regex(
      /^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]{40,4000}-----END PUBLIC KEY-----\s*$/,
      'must be a public key in PEM, from -----BEGIN PUBLIC KEY----- on',
    ),
});

export const controlDocumentSchema: z.ZodType<ControlDocument> = z.strictObject({
  organisation: z.strictObject({
    id,
    name,
    currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as "USD"'),
  }),
  departments: list(z.strictObject({ id, name })),
  teams: list(
    z.strictObject({
      id,
      name,
      department: id,
      costCentre: name,
      owner: name,
      channels: list(id).exactOptional(),
    }),
  ),
  accounts: list(account),
  networks: list(network).exactOptional(),
  channels: list(channel).exactOptional(),
  principals: list(
    z.strictObject({
      id,
      team: id,
      kind: z.enum(['person', 'service']),
      /** May act for others by a signed claim. */
      shared: z.boolean(),
      owner: name,
      status: z.enum(['active', 'suspended']),
      claimKeys: list(claimKey).exactOptional(),
    }),
  ),
  /** First match decides; no match is unknown. */
  mapping: list(mapping),
  budgets: list(budget),
  tiers: list(tier).min(1, 'must name at least one tier'),
  /** Tier of a statement whose warehouse has no tier of its own. */
  defaultTier: id,
  warehouses: list(
    z.strictObject({
      name: objectName,
      size: z
        .string()
        .refine(
          (text) => tryParseWarehouseSize(text) !== undefined,
          'must be a warehouse size such as "XSMALL" or "2X-Large"',
        ),
      kind: name,
      generation: name,
    }),
  ),
  rates: list(
    z.strictObject({
      kind: name,
      generation: name,
      size: z
        .string()
        .refine(
          (text) => tryParseWarehouseSize(text) !== undefined,
          'must be a warehouse size such as "XSMALL" or "2X-Large"',
        ),
      creditsPerHour: positiveCredits,
      effectiveFrom: instant,
    }),
  ),
  prices: list(
    z.strictObject({
      creditKind: name,
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as "USD"'),
      pricePerCredit: money,
      effectiveFrom: instant,
      effectiveTo: instant.exactOptional(),
    }),
  ),
  rules: list(rule),
});

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return text !== '';
  } catch {
    return false;
  }
}
