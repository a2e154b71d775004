/** What a month is billed by, as the control document in force and the price look-up say it. */
import type { BilledTeam, MonthTerms } from '#billing/bills/month-terms.js';
import { type Period, formatInstant } from '#base/time.js';
import { type Credits, parseCredits } from '#base/units.js';
import { billCurrencyOf, bookingOf, closingTerms } from '#policies/control/closing.js';
import type { ControlDocument, TeamDocument } from '#policies/control/document.js';
import { type ApiContext, controlOf, pricesOf } from './api.js';

/** The terms of a month as they stand now. Fault `controlStale` before the first control document. */
export async function monthTerms(
  context: Pick<ApiContext, 'db' | 'clock'>,
  period: Period,
): Promise<MonthTerms> {
  const { document } = await controlOf(context.db);
  const priceAt = await pricesOf(context.db, document);
  const { id, name, currency } = document.organisation;
  const { clearingAccount, roundingTeamId } = closingTerms(document);
  const lastDay = formatInstant(period.endsAt - 1).slice(0, 10);
  const departments = new Map(document.departments.map((each) => [each.id, each.name]));
  return {
    organisation: { id, name },
    currency,
    accounts: document.accounts.map(
      ({ id: accountId, cloud = null, region = null, edition = null }) => ({
        id: accountId,
        cloud,
        region,
        edition,
      }),
    ),
    teams: document.teams
      .map((team): BilledTeam => ({
        id: team.id,
        name: team.name,
        departmentName: departments.get(team.department) ?? team.department,
        owner: team.owner,
        booking: bookingOf(document, team.id, lastDay),
        budgetCredits: budgetOf(document, team),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    nobodysBooking: { ...bookingOf(document, '', lastDay), mode: 'showback' },
    clearingAccount,
    roundingTeamId,
    currencyOf: (teamId) => billCurrencyOf(document, teamId, lastDay),
    priceAt: (of, at) => priceAt('compute', at, of),
    now: context.clock.now(),
  };
}

/** The limit of the team's own monthly budget that counts everything it does. */
function budgetOf({ budgets }: ControlDocument, team: TeamDocument): Credits | null {
  const budget = budgets.find(
    ({ node, period, tier, workload, client }) =>
      node === team.id &&
      period.kind === 'month' &&
      [tier, workload, client].every((each) => each === undefined),
  );
  const limit = budget?.limitCredits ?? 'unlimited';
  return limit === 'unlimited' ? null : parseCredits(limit);
}
