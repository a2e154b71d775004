import { appendFile, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLog } from '../../../warehouse/metering/event-log.js';
import { incidentEnd } from '../../../warehouse/metering/events.js';
import type {
  EventRecord,
  StatementStarted,
  WarehouseEvent,
} from '../../../warehouse/metering/events.js';

const AT = Date.UTC(2026, 9, 31, 23, 59, 0);

function started(id: string, at = AT): StatementStarted {
  return {
    type: 'started',
    at,
    id,
    text: 'SELECT 1',
    queryType: 'SELECT',
    tag: '',
    user: 'U',
    role: 'R',
    sessionId: 1,
    database: null,
    schema: null,
  };
}

function resumed(at: number): WarehouseEvent {
  return {
    type: 'warehouse',
    at,
    warehouse: 'W',
    cluster: 1,
    event: 'RESUMED',
    size: 'SMALL',
    reason: 'AUTORESUME',
  };
}

describe('the event log', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tollgate-events-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test('gives back after a restart what was written, one file a month', async () => {
    const log = await EventLog.open(dir);
    const end = { ...incidentEnd(started('a'), AT + 120_000), status: 'SUCCESS' as const };
    await Promise.all([log.append(started('a')), log.append(end)]);
    await log.close();
    expect((await readdir(join(dir, 'events'))).sort()).toEqual([
      'events-2026-10.jsonl',
      'events-2026-11.jsonl',
    ]);
    const again = await EventLog.open(dir);
    expect([...again.statements()]).toEqual([{ started: started('a'), ended: end }]);
    expect(again.lastAt).toBe(AT + 120_000);
    await again.close();
  });

  test('an append that has settled is on disk', async () => {
    const log = await EventLog.open(dir);
    await log.append(started('a'));
    expect(await readFile(join(dir, 'events', 'events-2026-10.jsonl'), 'utf8')).toBe(
      `${JSON.stringify(started('a'))}\n`,
    );
    await log.close();
  });

  test('half characters in what a client wrote become U+FFFD, on disk, in memory and when read back', async () => {
    const log = await EventLog.open(dir);
    const broken = { ...started('a'), text: "SELECT '\ud800'", tag: 'x\udc00😀' };
    const end = { ...incidentEnd(broken, AT), errorMessage: "unexpected '\ud83d'" };
    await Promise.all([log.append(broken), log.append(end)]);
    const readable = {
      started: { ...broken, text: "SELECT '\ufffd'", tag: 'x\ufffd😀' },
      ended: { ...end, errorMessage: "unexpected '\ufffd'" },
    };
    expect(log.statement('a')).toEqual(readable);
    await log.close();
    const path = join(dir, 'events', 'events-2026-10.jsonl');
    expect(await readFile(path, 'utf8')).not.toContain('\\ud');
    await appendFile(path, `${JSON.stringify({ ...broken, id: 'b' })}\n`);
    const again = await EventLog.open(dir);
    expect(again.statement('a')).toEqual(readable);
    expect(again.statement('b')?.started).toEqual({ ...readable.started, id: 'b' });
    await again.close();
  });

  test('after a crash open statements are incidents and running warehouses suspended, at the last event', async () => {
    const log = await EventLog.open(dir);
    await Promise.all([
      log.append(resumed(AT)),
      log.append(started('a')),
      log.append(started('b', AT + 5000)),
    ]);
    await log.close();
    const again = await EventLog.open(dir);
    expect([...again.statements()].map(({ ended }) => [ended?.status, ended?.at])).toEqual([
      ['INCIDENT', AT + 5000],
      ['INCIDENT', AT + 5000],
    ]);
    expect(again.warehouseEvents().at(-1)).toMatchObject({
      event: 'SUSPENDED',
      reason: 'RESTART',
      at: AT + 5000,
    });
    await again.close();
    const third = await EventLog.open(dir);
    expect(third.warehouseEvents()).toHaveLength(2);
    await third.close();
  });

  test('a line torn off by a crash is cut and writing goes on behind it', async () => {
    const log = await EventLog.open(dir);
    await log.append(started('a'));
    await log.close();
    await appendFile(join(dir, 'events', 'events-2026-10.jsonl'), '{"type":"started","at":17');
    const again = await EventLog.open(dir);
    await again.append(started('b'));
    await again.close();
    const third = await EventLog.open(dir);
    expect([...third.statements()].map(({ started: one }) => one.id)).toEqual(['a', 'b']);
    await third.close();
  });
});

describe('what the log keeps in memory', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tollgate-events-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const everything = async (log: EventLog): Promise<readonly EventRecord[]> => {
    const { written } = log;
    const found: EventRecord[] = [];
    for await (const records of log.history(written)) found.push(...records);
    return [...found, ...(log.since(written.sequence) ?? [])];
  };

  test('is capped; what runs stays, and the files have all of it', async () => {
    const log = await EventLog.open(dir, 20_000);
    const records: EventRecord[] = [started('long')];
    for (let index = 0; index < 200; index += 1) {
      const one = started(`s${index}`, AT - 50_000 + index);
      records.push(one, { ...incidentEnd(one, AT - 50_000 + index), status: 'SUCCESS' });
    }
    await Promise.all(records.map((record) => log.append(record)));
    const kept = [...log.statements()].map(({ started: one }) => one.id);
    expect(kept.length).toBeLessThan(20);
    expect(kept[0]).toBe('long');
    expect(kept.at(-1)).toBe('s199');
    expect(log.since(0)).toBeUndefined();
    expect(log.since(log.sequence - 2)).toEqual(records.slice(-2));
    expect(await everything(log)).toEqual(records);
    await log.close();
  });

  test('after a restart is what the last days had; of older months only what had not ended', async () => {
    const log = await EventLog.open(dir);
    const old = started('old', Date.UTC(2026, 8, 3));
    const forgotten = started('forgotten', Date.UTC(2026, 8, 4));
    const oldEnd = { ...incidentEnd(old, old.at + 1000), status: 'SUCCESS' as const };
    const events = [old, oldEnd, forgotten, resumed(Date.UTC(2026, 8, 5)), started('new')];
    for (const record of events) await log.append(record);
    await log.close();
    const again = await EventLog.open(dir);
    expect(again.statement('old')).toBeUndefined();
    expect(again.statement('forgotten')?.ended?.status).toBe('INCIDENT');
    expect(again.statement('new')?.ended?.status).toBe('INCIDENT');
    expect(again.warehouseEvents().map(({ event }) => event)).toEqual(['RESUMED', 'SUSPENDED']);
    const ids = (await everything(again)).flatMap((one) =>
      one.type === 'started' ? [one.id] : [],
    );
    expect(ids.sort()).toEqual(['forgotten', 'new', 'old']);
    await again.close();
  });

  test('a month is imported as a whole or not at all, and read anew by whoever follows', async () => {
    const log = await EventLog.open(dir);
    await log.append(started('live'));
    const period = { startsAt: Date.UTC(2026, 8, 1), endsAt: Date.UTC(2026, 9, 1) };
    const past = started('past', period.startsAt);
    const end = { ...incidentEnd(past, period.startsAt + 5), status: 'SUCCESS' as const };
    const before = log.sequence;
    await expect(log.importMonth('2026-09', period, [past])).rejects.toThrow(/has no end/);
    await expect(log.importMonth('2026-09', period, [end])).rejects.toThrow(/no start/);
    await expect(log.importMonth('2026-09', period, [started('x', AT)])).rejects.toThrow(/order/);
    expect(log.hasMonth('2026-09')).toBe(false);
    expect(await log.importMonth('2026-09', period, [past, end])).toBe(2);
    await expect(log.importMonth('2026-09', period, [past, end])).rejects.toThrow(/has events/);
    expect(log.since(before)).toBeUndefined();
    await log.append(started('later'));
    expect((await everything(log)).map((one) => ('id' in one ? one.id : ''))).toEqual([
      'past',
      'past',
      'live',
      'later',
    ]);
    await log.close();
    const again = await EventLog.open(dir);
    expect(again.hasMonth('2026-09')).toBe(true);
    await again.close();
  });
});
