/** Which sign-ins of a person last, by what the audit log tells of them. */
import { z } from 'zod';

/** An event of the log; what has another form than ours says nothing. */
export interface SignInEvent {
  readonly action: string;
  readonly after: unknown;
}

const begun = z.object({
  id: z.string(),
  startedAtMs: z.number(),
  confirms: z.string().optional(),
});
const ended = z.object({ id: z.string() });
const endedAll = z.object({ untilMs: z.number() });

/**
 * Ids of the sign-ins that nobody ended and that began after `sinceMs`, the oldest first.
 * @param events of one actor, in the order in which they were written.
 */
export function openSignIns(events: readonly SignInEvent[], sinceMs: number): readonly string[] {
  const open = new Map<string, number>();
  for (const { action, after } of events)
    switch (action) {
      case 'sign-in.begin':
      case 'sign-in.confirm': {
        // Older releases wrote no time; what they began is not counted.
        const found = begun.safeParse(after).data;
        if (found === undefined) break;
        open.set(found.id, found.startedAtMs);
        open.delete(found.confirms ?? '');
        break;
      }
      case 'sign-in.end':
        open.delete(ended.safeParse(after).data?.id ?? '');
        break;
      case 'sign-in.end-all': {
        const untilMs = endedAll.safeParse(after).data?.untilMs ?? -Infinity;
        for (const [id, startedAt] of open) if (startedAt <= untilMs) open.delete(id);
        break;
      }
      default:
    }
  return [...open].filter(([, startedAt]) => startedAt > sinceMs).map(([id]) => id);
}
