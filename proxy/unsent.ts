/** What is told of a statement that was not sent: the ends of a path that is not walked to its end. */
import { tgLabel } from '#base/errors.js';
import type { Asker } from './front.js';
import type { Parts } from './parts.js';
import type { RequestEnding, RequestEntry } from './requests.js';
import type { Identified, Reserved } from './stages.js';
import type { Refusal } from './wire/refusal.js';

type Answered = Extract<RequestEnding, { kind: 'answered' }>;

/** A refusal, counted for its team where it is known. */
export function refused(
  parts: Parts,
  asker: Asker & Partial<Pick<Identified, 'team'>>,
  refusal: Refusal,
): Answered {
  parts.events.refused(tgLabel(refusal.code), asker.team?.id ?? '', asker.call.ticketId);
  return { kind: 'answered', reply: asker.front.refusal(refusal, asker.call.ticketId) };
}

/** Cancelled by its client, or ended by somebody else, who says why. */
export function givenUp(parts: Parts, statement: Reserved, { ended }: RequestEntry): Answered {
  if (ended !== null) return refused(parts, statement, ended);
  return { kind: 'answered', reply: statement.front.cancelled(statement.call.ticketId) };
}
