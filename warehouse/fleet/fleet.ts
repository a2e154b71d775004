/** The account's virtual warehouses: their definitions on disk, their models of time in memory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Clock } from '#base/time.js';
import { writeFileDurably } from '../durable-file.js';
import type { EventLog } from '../metering/event-log.js';
import { WAREHOUSE_SIZES } from './rates.js';
import type { WarehouseSize } from './rates.js';
import { VirtualWarehouse } from './virtual-warehouse.js';
import type { WarehouseDefinition } from './virtual-warehouse.js';

const FILE = 'warehouses.json';
const WAREHOUSES_MAX = 100;

const definition = z.object({
  name: z.string().min(1),
  size: z.enum(WAREHOUSE_SIZES),
  autoSuspendSeconds: z.number().int().min(0),
  autoResume: z.boolean(),
  maxConcurrency: z.number().int().min(1).max(1000),
  statementTimeoutSeconds: z.number().int().min(0),
  comment: z.string(),
  createdAtMs: z.number().int(),
});

const DEMO: readonly (readonly [name: string, size: WarehouseSize])[] = [
  ['INTERACTIVE_WH', 'XSMALL'],
  ['STANDARD_WH', 'MEDIUM'],
  ['BATCH_WH', 'XLARGE'],
];

/** Settings of a warehouse that is created without any; concurrency is generous so that tiers, not this, queue. */
export function defaultDefinition(
  name: string,
  size: WarehouseSize,
  createdAtMs: number,
): WarehouseDefinition {
  return {
    name,
    size,
    autoSuspendSeconds: 60,
    autoResume: true,
    maxConcurrency: 64,
    statementTimeoutSeconds: 0,
    comment: '',
    createdAtMs,
  };
}

export class Fleet {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #events: EventLog;
  readonly #log: Log;
  readonly #warehouses = new Map<string, VirtualWarehouse>();

  private constructor(path: string, clock: Clock, events: EventLog, log: Log) {
    this.#path = path;
    this.#clock = clock;
    this.#events = events;
    this.#log = log;
  }

  /** Reads the definitions kept in `dataDir`; the demo's three at first use. */
  static async open(dataDir: string, clock: Clock, events: EventLog, log: Log): Promise<Fleet> {
    const fleet = new Fleet(join(dataDir, FILE), clock, events, log);
    const stored = await readDefinitions(fleet.#path);
    const now = clock.now();
    for (const one of stored ?? DEMO.map(([name, size]) => defaultDefinition(name, size, now)))
      fleet.#add(one);
    if (stored === undefined) await fleet.#save();
    return fleet;
  }

  get(name: string | null): VirtualWarehouse | undefined {
    return name === null ? undefined : this.#warehouses.get(name);
  }

  list(): readonly VirtualWarehouse[] {
    return [...this.#warehouses.values()];
  }

  /** Creates or replaces; a Fault beyond the cap. */
  async create(wanted: WarehouseDefinition): Promise<VirtualWarehouse> {
    if (this.#warehouses.size >= WAREHOUSES_MAX)
      throw new Fault('internal', `more than ${WAREHOUSES_MAX} warehouses`);
    this.#warehouses.get(wanted.name)?.close('USER', 'DROPPED');
    const warehouse = this.#add(wanted);
    await this.#save();
    return warehouse;
  }

  async alter(warehouse: VirtualWarehouse, wanted: WarehouseDefinition): Promise<void> {
    this.#warehouses.delete(warehouse.definition.name);
    warehouse.alter(wanted);
    this.#warehouses.set(wanted.name, warehouse);
    await this.#save();
  }

  async drop(warehouse: VirtualWarehouse): Promise<void> {
    warehouse.close('USER', 'DROPPED');
    this.#warehouses.delete(warehouse.definition.name);
    await this.#save();
  }

  /** Brings every model up to the clock, so that events up to now are written. */
  settle(): void {
    for (const warehouse of this.#warehouses.values()) warehouse.settle();
  }

  close(): void {
    for (const warehouse of this.#warehouses.values()) warehouse.close('SHUTDOWN');
  }

  #add(one: WarehouseDefinition): VirtualWarehouse {
    const warehouse = new VirtualWarehouse(one, this.#clock, (event) => {
      this.#events.append(event).catch((cause: unknown) => {
        this.#log.error(
          { cause: toError(cause).message, event: event.event },
          'the event log cannot be written',
        );
      });
    });
    this.#warehouses.set(one.name, warehouse);
    return warehouse;
  }

  async #save(): Promise<void> {
    const definitions = this.list().map((warehouse) => warehouse.definition);
    await writeFileDurably(this.#path, `${JSON.stringify(definitions, null, 2)}\n`, 0o644);
  }
}

async function readDefinitions(path: string): Promise<readonly WarehouseDefinition[] | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Fault('internal', `cannot read the warehouses in ${path}`, { cause });
  }
  const parsed = z.array(definition).safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new Fault('internal', `${path} is not a list of warehouses`, { cause: parsed.error });
  return parsed.data;
}
