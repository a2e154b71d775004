/**
 * Shape of the control document, with a description of every field: editors show them, by the JSON Schema that is made
 * of this one. What refers to what is checked in `references.ts`.
 */
import {
  accountPricing,
  cloud,
  lists,
  price,
  rate,
  resourceConstraint,
} from '../prices/price-schema.js';
import { z } from 'zod';
import { isCidr } from '#base/cidr.js';
import {
  CHANNEL_KINDS,
  CLAIM_ALGORITHMS,
  FISCAL_LENGTHS,
  FISCAL_PATTERNS,
  type ControlDocument,
  PERIOD_KINDS,
  SIGN_INS,
  YEAR_STARTS,
} from './document.js';
import { RULE_MODES } from './choices.js';
import { WEEKDAYS } from '#base/time.js';
import { idlePolicy, sharedCost, warehouseOwner } from './attribution-schema.js';
import { access, modesByTeam } from './schema-access.js';
import { failMode } from './fail-mode-schema.js';
import { breakGlass, runRate } from './guard-schema.js';
import { ladder, offPeakEffect, tierService } from './ladder-schema.js';
import { booking, organisation } from './organisation-schema.js';
import { preset } from './schema-presets.js';
import {
  calendarDay,
  credits,
  id,
  limitCredits,
  list,
  name,
  objectName,
  percents,
  positiveCredits,
  textUpTo,
  warehouseSize,
  whole,
} from './schema-values.js';

const department = z.strictObject({
  id: id.describe('Id of the department; budgets may hang on it'),
  name: name.describe('Name for people'),
});

const team = z.strictObject({
  id: id.describe('Id of the team; bills and budgets name it'),
  name: name.describe('Name for people'),
  department: id.describe('Id of its department'),
  costCentre: name.describe("Finance's own key, printed on bills"),
  owner: name.describe('Whom a refusal tells people to ask'),
  leadsGrantCredits: positiveCredits
    .exactOptional()
    .describe(
      'The most its leads may grant together in 30 days; absent: only administrators grant',
    ),
  channels: list(id).exactOptional().describe('Ids of channels where the team is told things'),
});

const serviceUser = z.strictObject({
  team: id.describe('Id of the team whose sign-ins run as this user'),
  snowflakeUser: objectName.describe('The Snowflake user; its key pair is made by Tollgate'),
});

const account = z.strictObject({
  id: id.describe("First label of the host, or the login's ACCOUNT_NAME"),
  upstream: name.describe('Name of a configured upstream, such as "embedded"'),
  signIn: z
    .enum(SIGN_INS)
    .exactOptional()
    .describe(
      'passthrough: Snowflake checks credentials (the default); terminated: Tollgate checks credentials it issued; both: Tollgate where it issued some, else Snowflake',
    ),
  serviceUsers: list(serviceUser)
    .exactOptional()
    .describe('One Snowflake user a team that signs in terminated'),
  ...accountPricing,
});

const network = z.strictObject({
  id: id.describe('Id of the network; mappings name it'),
  cidrs: list(
    z.string().refine(isCidr, 'must be a network such as "10.0.0.0/8" or "2001:db8::/32"'),
  )
    .min(1, 'must name at least one network')
    .describe('IPv4 or IPv6 networks with their prefix length'),
});

const channel = z.strictObject({
  id: id.describe('Id of the channel; teams name it'),
  kind: z.enum(CHANNEL_KINDS).describe('How it is reached'),
  target: name.describe(
    'For e-mail the address; for the others the name of the environment variable that holds the address, because addresses of webhooks are secrets',
  ),
});

const claimKey = z.strictObject({
  id: id.describe('`kid` of the claims that this key verifies'),
  algorithm: z.enum(CLAIM_ALGORITHMS).describe('Signature algorithm of the claims'),
  publicKey: z
    .string()
    .regex(
      /^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]{40,4000}-----END PUBLIC KEY-----\s*$/,
      'must be a public key in PEM, from -----BEGIN PUBLIC KEY----- on',
    )
    .describe('The public half in PEM (SubjectPublicKeyInfo)'),
});

const principal = z.strictObject({
  id: id.describe('Id of the person or program; budgets may hang on it'),
  team: id.describe('Id of the team that pays for it'),
  kind: z.enum(['person', 'service']).describe('A person, or a program'),
  shared: z.boolean().describe('Whether it may act for others by a signed claim (BI tools)'),
  owner: name.describe('Whom to ask about it'),
  status: z.enum(['active', 'suspended']).describe('suspended: every statement is refused'),
  claimKeys: list(claimKey)
    .exactOptional()
    .describe('Public keys of its claims; only for a shared principal'),
});

const mapping = z.strictObject({
  match: z
    .strictObject({
      account: objectName.exactOptional().describe('Id of an account'),
      snowflakeUser: objectName
        .exactOptional()
        .describe('Snowflake user as signed in; exact, or with * and ?; case does not matter'),
      role: objectName.exactOptional().describe('Snowflake role in force; case does not matter'),
      network: id.exactOptional().describe("Id of a network that the client's address lies in"),
    })
    .refine(
      (match) => Object.keys(match).length > 0,
      'must name account, snowflakeUser, role or network',
    )
    .describe('What must hold; all that is given'),
  principal: id.exactOptional().describe('Id of the principal it leads to; this or team'),
  team: id.exactOptional().describe('Id of the team it leads to; this or principal'),
});

const fiscal = z
  .strictObject({
    length: z.enum(FISCAL_LENGTHS).describe('How much of the fiscal year one period is'),
    firstMonth: whole(1, 12).describe('Month that the fiscal year begins with, 1 to 12'),
    pattern: z
      .enum(FISCAL_PATTERNS)
      .describe(
        'calendar: calendar months; the others: years of 52 or 53 whole weeks, three months a quarter of so many weeks',
      ),
    yearStart: z
      .enum(YEAR_STARTS)
      .exactOptional()
      .describe(
        'Only for years of weeks: nearest (the default) begins on the week start nearest to the first of firstMonth, after-last after the last week that ends in the month before',
      ),
  })
  .describe('The fiscal calendar; only for kind fiscal');

const custom = z
  .strictObject({
    everyDays: whole(1, 3660).exactOptional().describe('Length of one period in days; or spans'),
    firstDay: calendarDay.exactOptional().describe('First day of the first period of everyDays'),
    spans: list(
      z.strictObject({
        firstDay: calendarDay.describe('First day of the period'),
        lastDay: calendarDay.describe('Last day of the period'),
      }),
    )
      .exactOptional()
      .describe('Periods by their days, in order, none over another; or everyDays'),
  })
  .describe('Periods of your own; only for kind custom. Outside of them the budget does not count');

const period = z
  .strictObject({
    kind: z.enum(PERIOD_KINDS).describe('How long a limit lasts'),
    timeZone: z.string().describe('IANA time zone in which periods begin, such as "UTC"'),
    weekStartsOn: z.enum(WEEKDAYS).exactOptional().describe('Only for weeks; monday unless given'),
    fiscal: fiscal.exactOptional(),
    custom: custom.exactOptional(),
  })
  .describe('When the limit begins anew');

const budget = z.strictObject({
  id: id.describe('Id of the budget; refusals name it'),
  node: id.describe('Id of the organisation, department, team or principal it limits'),
  limitCredits: limitCredits.describe('Credits a period, a decimal in quotes, or unlimited'),
  hard: z.boolean().describe('true: statements beyond the limit are refused; false: only told'),
  ladder: ladder.exactOptional().describe('What comes before a refusal, by percent of the limit'),
  period,
  counts: z
    .enum(['direct', 'billed'])
    .describe("direct: the statements' own credits; billed: direct × the warehouse's loading"),
  tier: id.exactOptional().describe('Only statements of this tier count'),
  workload: name.exactOptional().describe('Only statements of this workload count'),
  client: name
    .exactOptional()
    .describe('Only statements of drivers or tools that call themselves so count; with * and ?'),
  carryOver: z
    .strictObject({
      percent: whole(1, 100).describe('Percent of what is left that goes into the next period'),
      maxCredits: positiveCredits.exactOptional().describe('The most that goes there'),
    })
    .exactOptional()
    .describe('What is left goes into the next period; absent: nothing does'),
  carryDebt: z
    .boolean()
    .exactOptional()
    .describe('true: what was used above the limit is taken from the next period'),
  failMode: failMode.exactOptional(),
  thresholds: percents
    .exactOptional()
    .describe('Percent of the limit spent at which a notice is written; 50, 80 and 100'),
  forecastThresholds: percents
    .exactOptional()
    .describe('Percent of the limit that the forecast reaches at which one is written; 100'),
});

const tierTeam = z.strictObject({
  team: id.describe('Id of the team'),
  weight: whole(1, 10_000).exactOptional().describe('Its share of the queue'),
  concurrencyMax: whole(1, 100_000).exactOptional().describe('Its statements that run at once'),
  queueMax: whole(0, 1_000_000).exactOptional().describe('Its statements that may wait'),
  queueTimeoutSeconds: whole(1, 86_400).exactOptional().describe('How long one of them waits'),
});

const tierAdministrators = z
  .strictObject({
    permits: whole(1, 10_000).describe('Permits of concurrencyMax that only they get'),
    principals: list(id).exactOptional().describe('Ids of principals'),
    roles: list(objectName).exactOptional().describe('Snowflake roles; case does not matter'),
  })
  .describe('Who always gets a permit, of so many kept for them, and never more');

const tier = z.strictObject({
  id: id.describe('Id of the tier, such as interactive'),
  warehouse: objectName.describe('Its warehouse; a statement there is of this tier'),
  ...tierService,
  weight: whole(1, 10_000).describe("A team's share of the queue, unless teams gives it another"),
  teams: list(tierTeam).exactOptional().describe('Teams treated otherwise than the rest here'),
  teamConcurrencyMax: whole(1, 100_000)
    .exactOptional()
    .describe('Statements of one team that run at once'),
  teamQueueMax: whole(0, 1_000_000).exactOptional().describe('Statements of one team that wait'),
  principalConcurrencyMax: whole(1, 100_000)
    .exactOptional()
    .describe('Statements of one principal that run at once'),
  administrators: tierAdministrators.exactOptional(),
  concurrencyMax: whole(1, 100_000).describe('Statements that run at once'),
  queueMax: whole(0, 1_000_000).describe('Statements that may wait'),
  queueTimeoutSeconds: whole(1, 86_400).describe('How long one waits before it is refused'),
  // Snowflake's own maximum is seven days.
  statementTimeoutSeconds: whole(1, 604_800).describe('How long one may run'),
  ceilingCredits: positiveCredits.describe('The most one statement may cost'),
  guessHoldCredits: positiveCredits.describe('Held while nothing is known of a statement'),
  guessExpectedCredits: positiveCredits.describe('Expected while nothing is known of it'),
  opaque: z
    .enum(['refuse', 'allow', 'approve'])
    .describe('What happens to text whose effect cannot be seen'),
  clientGone: z
    .enum(['keep', 'cancel'])
    .exactOptional()
    .describe('What happens to a running statement that no client waits for any more; keep'),
  explainAboveCredits: credits
    .exactOptional()
    .describe(
      'Upper end of an estimate, in credits, above which Snowflake is asked for its plan first',
    ),
});

const ruleFields = {
  id: id.describe('Id of the rule; refusals name it'),
  mode: z
    .enum(RULE_MODES)
    .describe('shadow: counted only; warn: told to the team; enforce: it decides'),
  modes: modesByTeam.exactOptional(),
  teams: list(id).exactOptional().describe('Only statements of these teams; absent: every team'),
  when: z
    .string()
    .min(1, 'must not be empty')
    .describe('Condition in CEL over statement, estimate, caller, tier, warehouse and now'),
  message: textUpTo(300).describe('What the refusal or notice says'),
};
const approvable = {
  approvable: z
    .boolean()
    .exactOptional()
    .describe('false: no granted request lifts it; absent: one may'),
};
const laneTier = id.describe('Id of the other tier');

const rule = z.discriminatedUnion('effect', [
  z.strictObject({
    ...ruleFields,
    ...approvable,
    effect: z.literal('refuse').describe('refuse: the statement does not run'),
  }),
  z.strictObject({ ...ruleFields, ...approvable, effect: offPeakEffect }),
  z.strictObject({
    ...ruleFields,
    effect: z.literal('approve').describe('approve: it runs only after a request is granted'),
    waitSeconds: whole(0, 86_400)
      .exactOptional()
      .describe(
        'How long it waits for that; absent or 0: it is refused, and runs once when sent again',
      ),
  }),
  z.strictObject({
    ...ruleFields,
    ...approvable,
    effect: z.literal('reroute').describe('reroute: on the warehouse and in the lane of tier'),
    tier: laneTier,
  }),
  z.strictObject({
    ...ruleFields,
    ...approvable,
    effect: z.literal('queue').describe('queue: on its own warehouse, in the lane of tier'),
    tier: laneTier,
  }),
  z.strictObject({
    ...ruleFields,
    effect: z.literal('allow-external').describe('allow-external: external locations are allowed'),
  }),
  z.strictObject({
    ...ruleFields,
    ...approvable,
    effect: z.literal('ceiling').describe('ceiling: lowers the most it may cost'),
    ceilingCredits: positiveCredits.describe('The most such a statement may cost'),
  }),
]);

const warehouse = z.strictObject({
  name: objectName.describe('Name in Snowflake; case does not matter'),
  size: warehouseSize.describe('Size in any of Snowflake’s spellings'),
  kind: name.describe('STANDARD or SNOWPARK-OPTIMIZED; rates name it'),
  generation: name.describe('1 or 2; rates name it'),
  resourceConstraint: resourceConstraint
    .exactOptional()
    .describe('Memory of a Snowpark-optimized warehouse; absent: MEMORY_16X'),
  cloud: cloud.exactOptional().describe('Absent: that of the only account'),
});

export const controlDocumentSchema: z.ZodType<ControlDocument> = z
  .strictObject({
    organisation,
    departments: list(department).describe('Departments, between organisation and teams'),
    teams: list(team).describe('Teams; each gets its own bill'),
    accounts: list(account).describe('Snowflake accounts that Tollgate stands in front of'),
    networks: list(network).exactOptional().describe('Networks that mappings tell callers by'),
    channels: list(channel).exactOptional().describe('Where teams are told things'),
    principals: list(principal).describe('People and programs known by name'),
    mapping: list(mapping).describe(
      'From who signed in to who pays; the first match decides, no match is refused',
    ),
    budgets: list(budget).describe('Limits; a statement counts in every one on its path'),
    tiers: list(tier).min(1, 'must name at least one tier').describe('Classes of latency'),
    defaultTier: id.describe('Id of the tier of statements on a warehouse that has none'),
    warehouses: list(warehouse).describe('Warehouses that statements may run on'),
    rates: list(rate).describe('What warehouses use; a missing one refuses'),
    runRates: list(runRate).exactOptional().describe('What a repeating shape may take in a month'),
    breakGlass: list(breakGlass)
      .exactOptional()
      .describe('Who may pass budgets and rules in an emergency'),
    prices: list(price).describe('What credits cost; a missing one refuses'),
    lists: lists.exactOptional(),
    access: list(access)
      .exactOptional()
      .describe('Who may read and write what: deny, then allow; what no list covers is open'),
    idlePolicies: list(idlePolicy)
      .exactOptional()
      .describe('Who bears the idle time of warehouses; absent: nobody'),
    warehouseOwners: list(warehouseOwner)
      .exactOptional()
      .describe('Who owns warehouses; the first match decides'),
    sharedCosts: list(sharedCost)
      .exactOptional()
      .describe('Who bears what services took; the first match decides, no match is nobody'),
    bookings: list(booking)
      .exactOptional()
      .describe('Where the money of teams is booked; absent: as organisation.closing says'),
    presets: list(preset).exactOptional().describe('Rules by name, with few parameters'),
    rules: list(rule).describe('Rules over statements; the strictest that fires decides'),
  })
  .meta({ title: 'Tollgate control document' });
