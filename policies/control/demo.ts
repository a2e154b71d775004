import type {
  BudgetDocument,
  ControlDocument,
  MappingDocument,
  PrincipalDocument,
  RuleDocument,
  ServiceUserDocument,
  TeamDocument,
  TierDocument,
} from './document.js';
import type { RateDocument } from '../prices/price-documents.js';
import { creditsForMillis, formatAmountTo, parseCredits } from '#base/units.js';
import { WAREHOUSE_SIZES } from './sizes.js';

const DEMO_TEAMS = {
  commercial: ['marketing', 'sales', 'product', 'growth'],
  corporate: ['finance', 'legal', 'people', 'risk'],
  service: ['support', 'operations', 'logistics'],
  technology: ['platform', 'research', 'ml', 'data-science'],
} as const;

/** Gen1 standard warehouses double from 1 credit an hour. Source: Snowflake, "Overview of warehouses". */
const GEN1_CREDITS_PER_HOUR = ['1', '2', '4', '8', '16', '32', '64', '128', '256', '512'];

/**
 * The rule that ends the statement which runs away in `npm run demo`. Its ceiling is what the warehouse uses in `aloneMs`,
 * so that it is reached within seconds at every time scale, whatever the rate; beside others it takes as many times that.
 */
export const DEMO_RUNAWAY = {
  rule: 'sql-lab-on-batch',
  workload: 'superset/sql-lab',
  warehouse: 'BATCH_WH',
  size: 'XLARGE',
  aloneMs: 4_500,
} as const;

/** Ceiling of the demo's runaway. */
function runawayCeiling(): string {
  const creditsPerHour = GEN1_CREDITS_PER_HOUR[WAREHOUSE_SIZES.indexOf(DEMO_RUNAWAY.size)] ?? '';
  const credits = creditsForMillis(parseCredits(creditsPerHour), DEMO_RUNAWAY.aloneMs, 'up');
  return formatAmountTo(credits, 2);
}

/**
 * The world of the embedded demo: account `demo`, 15 teams in 4 departments, one analyst each, three tiers on three
 * warehouses, hard monthly budgets, USD 3.00 a credit.
 */
export function demoControlDocument(): ControlDocument {
  const teams = demoTeams();
  return {
    organisation: {
      id: 'demo-company',
      name: 'Demo Company',
      currency: 'USD',
      closing: {
        legalEntity: 'Demo Company Ltd',
        glAccount: '6420',
        clearingAccount: '2150',
        mode: 'chargeback',
        roundingTeam: 'platform',
      },
    },
    departments: Object.keys(DEMO_TEAMS).map((id) => ({ id, name: titleOf(id) })),
    teams,
    accounts: [
      { id: 'demo', upstream: 'embedded', signIn: 'both', serviceUsers: teams.map(toServiceUser) },
    ],
    principals: [...teams.map(toAnalyst), servicePrincipal],
    mapping: [...teams.map(toMapping), serviceMapping],
    budgets: [...teams.map(toBudget), organisationBudget],
    tiers: demoTiers(),
    defaultTier: 'standard',
    warehouses: [
      { name: 'INTERACTIVE_WH', size: 'XSMALL', kind: 'STANDARD', generation: '1' },
      { name: 'STANDARD_WH', size: 'MEDIUM', kind: 'STANDARD', generation: '1' },
      { name: DEMO_RUNAWAY.warehouse, size: DEMO_RUNAWAY.size, kind: 'STANDARD', generation: '1' },
    ],
    rates: gen1Rates(),
    prices: [
      {
        creditKind: 'compute',
        currency: 'USD',
        pricePerCredit: '3.00',
        effectiveFrom: '2020-01-01',
      },
    ],
    ...demoAttribution(),
    rules: demoRules(),
  };
}

/** Who uses a warehouse bears its idle time, who wakes it the first minute; what serves all goes by what teams ran. */
function demoAttribution(): Pick<
  ControlDocument,
  'idlePolicies' | 'warehouseOwners' | 'sharedCosts'
> {
  return {
    idlePolicies: [
      { id: 'by-use', effectiveFrom: '2020-01-01', policy: 'proRata', resumeMinute: 'causer' },
    ],
    warehouseOwners: [
      { warehouse: 'BATCH_*', team: 'data-science' },
      { warehouse: '*', team: 'platform' },
    ],
    sharedCosts: [
      { id: 'storage', service: 'STORAGE', by: 'team', team: 'platform' },
      { id: 'everything-else', service: '*', by: 'direct' },
    ],
  };
}

function demoTeams(): TeamDocument[] {
  return Object.entries(DEMO_TEAMS).flatMap(([department, ids], departmentIndex) =>
    ids.map((id, index) => ({
      id,
      name: titleOf(id),
      department,
      costCentre: `CC-${(departmentIndex + 1) * 1000 + (index + 1) * 10}`,
      owner: `${id}-leads`,
    })),
  );
}

/** `data-science` → `Data science`; `ml` → `ML`. */
function titleOf(id: string): string {
  if (id.length <= 2) return id.toUpperCase();
  return id.charAt(0).toUpperCase() + id.slice(1).replaceAll('-', ' ');
}

function toAnalyst(team: TeamDocument): PrincipalDocument {
  return {
    id: `${team.id}_analyst`,
    team: team.id,
    kind: 'person',
    shared: false,
    owner: team.owner,
    status: 'active',
  };
}

/** `data-science` → `TOLLGATE_DATA_SCIENCE`. */
function toServiceUser(team: TeamDocument): ServiceUserDocument {
  return {
    team: team.id,
    snowflakeUser: `TOLLGATE_${team.id.toUpperCase().replaceAll('-', '_')}`,
  };
}

function toMapping(team: TeamDocument): MappingDocument {
  return {
    match: { account: 'demo', snowflakeUser: `${team.id.toUpperCase()}_ANALYST` },
    principal: `${team.id}_analyst`,
  };
}

function toBudget(team: TeamDocument): BudgetDocument {
  return {
    id: `${team.id}-monthly`,
    node: team.id,
    limitCredits: '40',
    hard: true,
    period: { kind: 'month', timeZone: 'UTC' },
    counts: 'direct',
  };
}

const servicePrincipal: PrincipalDocument = {
  id: 'tollgate_service',
  team: 'platform',
  kind: 'service',
  shared: false,
  owner: 'platform-leads',
  status: 'active',
};

const serviceMapping: MappingDocument = {
  match: { account: 'demo', snowflakeUser: 'TOLLGATE_SERVICE' },
  principal: 'tollgate_service',
};

const organisationBudget: BudgetDocument = {
  id: 'demo-company-monthly',
  node: 'demo-company',
  limitCredits: '2000',
  hard: false,
  period: { kind: 'month', timeZone: 'UTC' },
  counts: 'direct',
};

function demoTiers(): TierDocument[] {
  const shared = {
    concurrencyMax: 64,
    queueMax: 2_000,
    statementTimeoutSeconds: 4 * 3_600,
    opaque: 'allow',
  } as const;
  return [
    {
      ...shared,
      id: 'interactive',
      warehouse: 'INTERACTIVE_WH',
      weight: 4,
      queueTimeoutSeconds: 120,
      ceilingCredits: '10',
      guessHoldCredits: '0.05',
      guessExpectedCredits: '0.005',
    },
    {
      ...shared,
      id: 'standard',
      warehouse: 'STANDARD_WH',
      weight: 2,
      queueTimeoutSeconds: 600,
      ceilingCredits: '300',
      guessHoldCredits: '0.2',
      guessExpectedCredits: '0.02',
    },
    {
      ...shared,
      id: 'batch',
      warehouse: 'BATCH_WH',
      weight: 1,
      queueTimeoutSeconds: 3_600,
      ceilingCredits: '600',
      guessHoldCredits: '1',
      guessExpectedCredits: '0.1',
    },
  ];
}

function gen1Rates(): RateDocument[] {
  return WAREHOUSE_SIZES.map((size, index) => ({
    kind: 'STANDARD',
    generation: '1',
    size,
    creditsPerHour: GEN1_CREDITS_PER_HOUR[index] ?? '',
    effectiveFrom: '2020-01-01',
  }));
}

function demoRules(): RuleDocument[] {
  return [
    {
      id: 'events-without-date',
      mode: 'shadow',
      effect: 'refuse',
      when: 'estimate.missingFilters.exists(c, c == "ANALYTICS.WEB.EVENTS.EVENT_DATE") && estimate.highCredits > credits("5")',
      message: 'a read of all of WEB.EVENTS needs a filter on EVENT_DATE',
    },
    {
      id: 'cross-join',
      mode: 'shadow',
      effect: 'approve',
      when: 'statement.crossJoin && estimate.highCredits > credits("1")',
      message: 'a dear cross join needs a second pair of eyes',
    },
    {
      id: 'select-star-interactive',
      mode: 'shadow',
      effect: 'reroute',
      tier: 'standard',
      when: 'tier == "interactive" && statement.selectStar && !statement.hasLimit && estimate.highCredits > credits("0.5")',
      message: 'SELECT * without LIMIT belongs in the standard tier',
    },
    {
      // write_pandas and others load by a named stage of their own; the embedded warehouse has none outside the account.
      id: 'named-stages',
      mode: 'enforce',
      effect: 'allow-external',
      when: 'statement.class == "load" && statement.location == "unknown"',
      message: 'named stages of the demo are inside the account',
    },
    {
      // What `npm run demo` shows of a statement that runs away: it is stopped there while it runs.
      id: DEMO_RUNAWAY.rule,
      mode: 'enforce',
      effect: 'ceiling',
      ceilingCredits: runawayCeiling(),
      when: `tier == "batch" && caller.workload == "${DEMO_RUNAWAY.workload}"`,
      message: `an ad hoc statement of SQL Lab may cost ${runawayCeiling()} credits on ${DEMO_RUNAWAY.warehouse}`,
    },
  ];
}
