/** Shapes that ran again and again, for tests of run rates. */
import { addCredits } from '../../base/units.js';
import { addSpend } from '../../proxy/running/shape-spend-rows.js';
import { buildTicket, credits } from '../support/builders.js';
import type { AdminWorld } from './world.js';

/** A shape of the team that ran once a minute for a quarter of an hour until now, for `each` credits. */
export async function spendShape(
  world: AdminWorld,
  teamId: string,
  fingerprint: string,
  each: string,
): Promise<void> {
  const runs = 15;
  const startsAt = world.clock.now() - runs * 60_000;
  const ticket = buildTicket({ teamId, fingerprint, occurredAt: world.clock.now() });
  await world.ledger.recordUnheld([
    { ticket, state: 'VOID', refusal: null, snowflakeQueryId: null },
  ]);
  const row = { teamId, fingerprint, firstAt: startsAt, lastTicketId: ticket.ticketId };
  const minutes = Array.from({ length: runs }, (_, index) => {
    const at = Math.floor(startsAt / 60_000 + index) * 60_000;
    return { ...row, grain: 'minute' as const, startsAt: at, runs: 1, credits: credits(each) };
  });
  const all = addCredits(...minutes.map((minute) => minute.credits));
  const sums = (['hour', 'day'] as const).map((grain) => {
    const span = grain === 'hour' ? 3_600_000 : 86_400_000;
    const at = Math.floor(world.clock.now() / span) * span;
    return { ...row, grain, startsAt: at, runs, credits: all };
  });
  await addSpend(world.database.db, [...minutes, ...sums]);
}
