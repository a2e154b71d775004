/** The account's virtual warehouses: their definitions on disk, their models of time in memory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Clock, EpochMs } from '#base/time.js';
import { writeFileDurably } from '../durable-file.js';
import type { EventLog } from '../metering/event-log.js';
import type { WarehouseEvent } from '../metering/events.js';
import type { Actor } from './place.js';
import type { FleetModel } from './cluster-set.js';
import { defaultDefinition, tryReadDefinitions } from './definition.js';
import type { WarehouseDefinition } from './definition.js';
import type { WarehouseSize } from './rates.js';
import { VirtualWarehouse } from './virtual-warehouse.js';
import { freshId, idOfName } from './warehouse-id.js';

const FILE = 'warehouses.json';
/** Warehouses of the account at once. */
export const WAREHOUSES_MAX = 100;
const FORMER_NAMES_MAX = 1000;

const DEMO: readonly (readonly [name: string, size: WarehouseSize])[] = [
  ['INTERACTIVE_WH', 'XSMALL'],
  ['STANDARD_WH', 'MEDIUM'],
  ['BATCH_WH', 'XLARGE'],
];

/** The demo's own: a minute until they suspend, and so many places that tiers, not these, queue. */
function demoDefinition(name: string, size: WarehouseSize, now: EpochMs): WarehouseDefinition {
  return { ...defaultDefinition(name, now), size, autoSuspendSeconds: 60, maxConcurrency: 64 };
}

export class Fleet {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #events: EventLog;
  readonly #log: Log;
  readonly #model: FleetModel;
  readonly #warehouses = new Map<string, VirtualWarehouse>();
  /** Names that sessions may still hold of renamed ones, until another warehouse takes them. */
  readonly #formerNames = new Map<string, VirtualWarehouse>();
  /** Dropped ones whose last statements still run. */
  readonly #leaving = new Set<VirtualWarehouse>();
  #saved: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    clock: Clock,
    events: EventLog,
    log: Log,
    model: FleetModel = { provisioningMs: 0 },
  ) {
    this.#path = path;
    this.#clock = clock;
    this.#events = events;
    this.#log = log;
    this.#model = model;
  }

  /**
   * Reads the definitions kept in `dataDir`; the demo's three at first use.
   *
   * @param model what is assumed of every warehouse beside its definition; a start takes no time when left out.
   * @throws Fault `internal` when the file is no list of definitions or cannot be read or written.
   */
  static async open(
    dataDir: string,
    clock: Clock,
    events: EventLog,
    log: Log,
    model?: FleetModel,
  ): Promise<Fleet> {
    const fleet = new Fleet(join(dataDir, FILE), clock, events, log, model);
    const stored = await readDefinitions(fleet.#path);
    const now = clock.now();
    for (const one of stored ?? DEMO.map(([name, size]) => demoDefinition(name, size, now)))
      fleet.#add(one);
    if (stored === undefined) await fleet.#save();
    return fleet;
  }

  get(name: string | null): VirtualWarehouse | undefined {
    return name === null ? undefined : this.#warehouses.get(name);
  }

  /** The warehouse that a session means by its current name: a rename does not take it away. */
  ofSession(name: string | null): VirtualWarehouse | undefined {
    return this.get(name) ?? (name === null ? undefined : this.#formerNames.get(name));
  }

  list(): readonly VirtualWarehouse[] {
    return [...this.#warehouses.values()];
  }

  /** Whether another warehouse may be created. */
  get hasRoom(): boolean {
    return this.#warehouses.size < WAREHOUSES_MAX;
  }

  /** A number that no warehouse of the account has or had: that of the name for the first of that name. */
  freshId(name: string): number {
    const used = new Set(this.list().map((warehouse) => warehouse.definition.id));
    for (const event of this.#events.warehouseEvents())
      used.add(event.warehouseId ?? idOfName(event.warehouse));
    return freshId(name, (id) => used.has(id));
  }

  /** Creates, dropping the one that has the name; it is suspended until somebody resumes it. */
  async create(wanted: WarehouseDefinition, by?: Actor): Promise<VirtualWarehouse> {
    const before = this.#warehouses.get(wanted.name);
    if (before !== undefined) this.#discard(before, by);
    const { id, name, size, make } = wanted;
    const at = this.#clock.now();
    this.#append({
      type: 'warehouse',
      at,
      warehouse: name,
      warehouseId: id,
      cluster: 1,
      event: 'CREATED',
      size,
      make,
      reason: 'USER',
      ...by,
    });
    const warehouse = this.#add(wanted);
    await this.#save();
    return warehouse;
  }

  /** New settings, the name among them; the caller has made sure that the name is free. */
  async alter(warehouse: VirtualWarehouse, wanted: WarehouseDefinition, by?: Actor): Promise<void> {
    const before = warehouse.definition.name;
    warehouse.alter({ ...wanted, updatedAtMs: this.#clock.now() }, by);
    if (before !== wanted.name) {
      this.#warehouses.delete(before);
      this.#warehouses.set(wanted.name, warehouse);
      this.#formerNames.delete(wanted.name);
      this.#formerNames.set(before, warehouse);
      if (this.#formerNames.size > FORMER_NAMES_MAX)
        this.#formerNames.delete([...this.#formerNames.keys()][0] ?? '');
    }
    await this.#save();
  }

  /** Drops at once for those who ask for it; statements that have a place still end. */
  async drop(warehouse: VirtualWarehouse, by?: Actor): Promise<void> {
    this.#discard(warehouse, by);
    await this.#save();
  }

  /** Brings every model up to the clock, so that events up to now are written. */
  settle(): void {
    for (const warehouse of this.#warehouses.values()) warehouse.settle();
    for (const warehouse of this.#leaving) {
      warehouse.settle();
      if (warehouse.isGone) this.#leaving.delete(warehouse);
    }
  }

  close(): void {
    for (const warehouse of [...this.#warehouses.values(), ...this.#leaving])
      warehouse.close('SHUTDOWN');
  }

  #discard(warehouse: VirtualWarehouse, by: Actor | undefined): void {
    warehouse.drop(by);
    this.#warehouses.delete(warehouse.definition.name);
    for (const [name, one] of this.#formerNames)
      if (one === warehouse) this.#formerNames.delete(name);
    for (const one of this.#leaving) if (one.isGone) this.#leaving.delete(one);
    if (!warehouse.isGone) this.#leaving.add(warehouse);
  }

  #append(event: WarehouseEvent): void {
    this.#events.append(event).catch((cause: unknown) => {
      this.#log.error(
        { cause: toError(cause).message, event: event.event },
        'the event log cannot be written',
      );
    });
  }

  #add(one: WarehouseDefinition): VirtualWarehouse {
    const warehouse = new VirtualWarehouse(
      one,
      this.#clock,
      (event) => this.#append(event),
      this.#model,
    );
    this.#warehouses.set(one.name, warehouse);
    this.#formerNames.delete(one.name);
    return warehouse;
  }

  /** One write at a time; each writes what is in force when its turn comes. */
  #save(): Promise<void> {
    const mine = this.#saved.then(() => {
      const definitions = this.list().map((warehouse) => warehouse.definition);
      return writeFileDurably(this.#path, `${JSON.stringify(definitions, null, 2)}\n`, 0o644);
    });
    this.#saved = mine.catch(() => undefined);
    return mine;
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
  const definitions = tryReadDefinitions(JSON.parse(text));
  if (definitions === undefined) throw new Fault('internal', `${path} is not a list of warehouses`);
  return definitions;
}
