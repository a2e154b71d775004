/**
 * Rows of WAREHOUSE_EVENTS_HISTORY. What begins is STARTED and never becomes COMPLETED by itself: it is closed by a
 * WAREHOUSE_CONSISTENT row, which alone tells size, cluster count and resource constraint. Events of a warehouse at one
 * instant share one such row (Snowflake, WAREHOUSE_EVENTS_HISTORY, usage notes).
 */
import type { Cell } from '#base/wire/row-type.js';
import type { WarehouseEvent } from '../metering/events.js';
import type { WarehouseMake } from '../fleet/rates.js';
import { SIZE_LABELS } from '../fleet/rates.js';
import { idOf, instant, joined } from './view-cells.js';
import type { ViewRow } from './view-cells.js';

/** Rows for `events` (any order), by time. */
export function warehouseEventRows(events: readonly WarehouseEvent[]): readonly ViewRow[] {
  const running = new Map<string, Set<number>>();
  const rows: ViewRow[] = [];
  for (const group of byInstant(events)) {
    const [first] = group;
    if (first === undefined) continue;
    const clusters = running.get(first.warehouse) ?? new Set<number>();
    running.set(first.warehouse, clusters);
    const names = new Set<string>();
    for (const event of group) {
      for (const [name, cluster] of startedBy(event, clusters)) {
        // A resize of several clusters is one event of the warehouse.
        if (cluster === null && names.has(name)) continue;
        names.add(name);
        rows.push(rowOf(event, cluster, name, 'STARTED', [null, null, null]));
      }
    }
    const last = group.at(-1) ?? first;
    rows.push(
      rowOf(last, null, 'WAREHOUSE_CONSISTENT', 'COMPLETED', [
        SIZE_LABELS[last.size],
        String(clusters.size),
        resourceConstraint(last.make),
      ]),
    );
  }
  return rows;
}

/** Names and clusters of what an event starts; brings `clusters`, those that run, up to it. */
function startedBy(
  { event, cluster }: WarehouseEvent,
  clusters: Set<number>,
): readonly (readonly [name: string, cluster: number | null])[] {
  switch (event) {
    case 'CREATED':
      return [['CREATE_WAREHOUSE', null]];
    case 'RESUMED': {
      const isFirst = clusters.size === 0;
      clusters.add(cluster);
      return isFirst
        ? [
            ['RESUME_WAREHOUSE', null],
            ['RESUME_CLUSTER', cluster],
          ]
        : [['RESUME_CLUSTER', cluster]];
    }
    case 'RESIZED':
      return [['RESIZE_WAREHOUSE', null]];
    case 'SUSPENDED':
      clusters.delete(cluster);
      return clusters.size === 0
        ? [
            ['SUSPEND_CLUSTER', cluster],
            ['SUSPEND_WAREHOUSE', null],
          ]
        : [['SUSPEND_CLUSTER', cluster]];
    case 'DROPPED': {
      const wasRunning = clusters.delete(cluster);
      return wasRunning
        ? [
            ['SUSPEND_CLUSTER', cluster],
            ['DROP_WAREHOUSE', null],
          ]
        : [['DROP_WAREHOUSE', null]];
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  AUTORESUME: 'WAREHOUSE_AUTORESUME',
  AUTOSUSPEND: 'WAREHOUSE_AUTOSUSPEND',
};
const USER_REASONS: Readonly<Record<WarehouseEvent['event'], string>> = {
  CREATED: 'WAREHOUSE_CREATE',
  RESUMED: 'WAREHOUSE_RESUME',
  RESIZED: 'WAREHOUSE_RESIZE',
  SUSPENDED: 'WAREHOUSE_SUSPEND',
  DROPPED: 'WAREHOUSE_DROP',
};

function rowOf(
  event: WarehouseEvent,
  cluster: number | null,
  name: string,
  state: 'STARTED' | 'COMPLETED',
  consistent: readonly Cell[],
): ViewRow {
  const reason =
    event.reason === 'USER' ? USER_REASONS[event.event] : (REASONS[event.reason] ?? event.reason);
  return joined(
    [instant(event.at), idOf(event.warehouse, event.warehouseId), event.warehouse],
    [cluster === null ? null : String(cluster), name, reason, state],
    [event.user ?? null, event.role ?? null, null, ...consistent],
  );
}

/** RESOURCE_CONSTRAINT: `STANDARD_GEN_1`, `STANDARD_GEN_2`, `MEMORY_16X`, …; null where there is none. */
function resourceConstraint(make: WarehouseMake | undefined): Cell {
  if (make === undefined) return 'STANDARD_GEN_1';
  return make.kind === 'STANDARD' ? `STANDARD_GEN_${make.generation}` : make.resourceConstraint;
}

/** Events of one warehouse at one instant, groups by time; in a group as they were written. */
function byInstant(events: readonly WarehouseEvent[]): readonly (readonly WarehouseEvent[])[] {
  const groups = new Map<string, WarehouseEvent[]>();
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    const key = `${event.at} ${event.warehouse}`;
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [event]);
    else own.push(event);
  }
  return [...groups.values()];
}
