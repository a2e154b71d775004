/** What takes turns in a round: systems under test, each with the statement it is asked. */
import { direct, nginx, passThrough, type Target } from './targets.js';
import { tollgate } from './tollgate.js';

export interface Slot {
  readonly name: string;
  readonly target: Target;
  readonly sqlText: string;
}

/** A system that could not take part. */
export interface Missing {
  readonly name: string;
  readonly why: string;
}

const FREE = 'SELECT 1';
const PRICED =
  "SELECT L_ORDERKEY, L_EXTENDEDPRICE FROM ANALYTICS.TPCH.LINEITEM WHERE L_SHIPDATE = '1995-03-15' LIMIT 10";
/** Starts every system that can take part; each that started adds how to stop it to `stops`. */
export async function startSlots(
  originPort: number,
  isPinned: boolean,
  stops: (() => Promise<void>)[],
  log: (line: string) => void,
): Promise<{ readonly slots: readonly Slot[]; readonly missing: readonly Missing[] }> {
  const missing: Missing[] = [];
  const slots: Slot[] = [{ name: 'direct', target: direct(originPort), sqlText: FREE }];
  for (const start of [nginx, tollgate]) {
    const started = await start(originPort, isPinned);
    if (started.kind === 'missing') {
      log(`without ${started.name}: ${started.why}`);
      missing.push({ name: started.name, why: started.why });
      continue;
    }
    const { target } = started;
    stops.push(() => target.stop());
    const names =
      target.name === 'nginx'
        ? ['nginx', 'nginx again']
        : ['tollgate, governed free', 'tollgate, governed priced'];
    slots.push(
      ...names.map((name, index) => ({
        name,
        target,
        sqlText: target.name === 'tollgate' && index === 1 ? PRICED : FREE,
      })),
    );
  }
  const relay = await passThrough(originPort, isPinned);
  stops.push(() => relay.stop());
  slots.push({ name: 'pass-through (Node)', target: relay, sqlText: FREE });
  return { slots, missing };
}
