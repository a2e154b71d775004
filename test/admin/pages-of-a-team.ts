/** What a team's lead finds on the pages of the own team, beside statements and costs: made for a test of tenancy. */
import type { TicketId } from '../../base/ids.js';
import { askApproval } from '../../billing/requests.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { buildTicket, credits } from '../support/builders.js';
import { spendShape } from './spent-shapes.js';
import type { AdminWorld } from './world.js';

/** Run rates that {@link fillPages} passes; they have to be in force. */
export const RUN_RATES: NonNullable<ControlDocument['runRates']> = [
  { id: 'dashboards', limitMoneyPerMonth: '500', mode: 'enforce' },
];

/**
 * Gives the team a credential, a raise, a pass, a shape above its run rate, an anomaly, a notification and a statement that
 * runs; every free text begins with `word`.
 * @param like a ticket of the team that was settled.
 */
export async function fillPages(
  world: AdminWorld,
  { teamId, word }: { readonly teamId: string; readonly word: string },
  like: Parameters<typeof buildTicket>[0] & object,
): Promise<void> {
  const at = world.clock.now();
  const post = async (path: string, body: object): Promise<void> => {
    const { status, text } = await world.call('POST', `/api/v1${path}`, body, {
      'idempotency-key': `${word}${path}`,
    });
    if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
  };
  await post('/accounts/demo/credentials', {
    principal: `${teamId}_analyst`,
    kind: 'token',
    name: `${word} laptop`,
  });
  await post('/raises', { budget: teamId, credits: '1', reason: `${word} raise` });
  await post(`/requests/${await passOf(world, word, like)}/decision`, {
    decision: 'granted',
    reason: `${word} once`,
  });
  const running = buildTicket({ ...like, ...anew(`${word}-running`) });
  await world.ledger.reserve({
    ticket: running,
    budgetIds: [`${teamId}-monthly`],
    holdCredits: credits('1'),
  });
  await world.ledger.markSent(running.ticketId, at);
  const { db } = world.database;
  await spendShape(world, teamId, `${word}-fingerprint`, '0.4');
  await db.query(WRITE_ANOMALY, [teamId, word, at]);
  await db.query(WRITE_NOTIFICATION, [teamId, word, at]);
}

function anew(requestId: string): { ticketId: TicketId; requestId: string } {
  return { ticketId: buildTicket().ticketId, requestId };
}

/** A statement that a rule refused, asked for. @returns its ticket. */
async function passOf(
  world: AdminWorld,
  word: string,
  like: Parameters<typeof buildTicket>[0] & object,
): Promise<TicketId> {
  const ticket = buildTicket({ ...like, ...anew(`${word}-pass-${buildTicket().ticketId}`) });
  const detail = { passes: [`rule:${word}`] };
  const refusal = { code: 'TG2101', message: `TG2101 ${word}`, detail };
  await world.ledger.recordUnheld([{ ticket, state: 'VOID', refusal, snowflakeQueryId: null }]);
  await world.database.db.transaction((tx) =>
    askApproval(tx, {
      ticketId: ticket.ticketId,
      teamId: ticket.teamId,
      principalId: ticket.principalId,
      reason: `${word} please`,
      at: world.clock.now(),
    }),
  );
  return ticket.ticketId;
}

const WRITE_ANOMALY = `
INSERT INTO spend_anomaly (team_id, grain, starts_at, spent_credits, usual_credits, limit_credits, shapes, owner, found_at)
SELECT $1, 'hour', date_trunc('hour', at), 41.5, 2.25, 9, '[]', $2 || '@example.com', at
FROM to_timestamp($3::bigint / 1000.0) AS at`;

const WRITE_NOTIFICATION = `
INSERT INTO notification (key, kind, severity, team_id, title, facts, occurred_at)
VALUES ($2, 'budget-threshold', 'warning', $1, $2 || ' title', '[]', to_timestamp($3::bigint / 1000.0))`;
