import { spawn } from 'node:child_process';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fault } from '#base/errors.js';
import { silentLog, type Log } from '#base/log.js';
import { openJournal, type Journal } from '../../proxy/settlement/journal.js';
import { eventually } from '../e2e/support/eventually.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tollgate-journal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const reopen = (bytesMax = 1_000_000): Promise<Journal> =>
  openJournal({ directory, bytesMax, log: silentLog });

async function replayed(journal: Journal): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const { record } of journal.replay()) records.push(record);
  return records;
}

/** The segment with the most bytes: the one that was written to. */
async function writtenSegment(): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.journal'));
  const sized = await Promise.all(
    names.map(async (name) => ({ name, size: (await stat(join(directory, name))).size })),
  );
  return join(directory, sized.sort((a, b) => b.size - a.size)[0]!.name);
}

test('what was appended and not acknowledged is replayed after a reopen, in order and unchanged', async () => {
  const first = await reopen();
  const values = [
    { ticket: 'a', credits: '1.5' },
    'text',
    null,
    [1, 2],
    Uint8Array.from([0, 255, 3]),
  ];
  const sequences = await Promise.all(values.map((value) => first.append(value)));
  expect(sequences).toEqual([1n, 2n, 3n, 4n, 5n]);
  first.acknowledge(2n);
  await first.stop();
  const second = await reopen();
  expect(await replayed(second)).toEqual([values[0], null, [1, 2], values[4]]);
  expect(await second.append('later')).toBe(6n);
  expect(second.recordsUnacknowledged).toBe(5);
  await second.stop();
});

test('a tail torn at any byte of the last record loses that record only', async () => {
  const first = await reopen();
  await first.append('one');
  await first.append('two');
  await first.stop();
  const path = await writtenSegment();
  const whole = await readFile(path);
  const lastStart = whole.length - 17 - '"two"'.length;
  for (let cut = lastStart; cut <= whole.length; cut += 1) {
    await writeFile(path, whole.subarray(0, cut));
    const journal = await reopen();
    expect(await replayed(journal), `cut at ${cut}`).toEqual(
      cut === whole.length ? ['one', 'two'] : ['one'],
    );
    expect(await journal.append('new')).toBe(cut === whole.length ? 3n : 2n);
    await journal.stop();
    for (const name of await readdir(directory)) await rm(join(directory, name));
  }
});

test('garbage after the last record is cut and the file is whole again', async () => {
  const first = await reopen();
  await first.append('one');
  await first.stop();
  const path = await writtenSegment();
  const size = (await stat(path)).size;
  await appendFile(path, Buffer.alloc(5000, 7));
  const second = await reopen();
  expect(await replayed(second)).toEqual(['one']);
  expect((await stat(path)).size).toBe(size);
  await second.stop();
});

test('a flipped bit anywhere in a middle record loses that record only and sets the bytes aside', async () => {
  const first = await reopen();
  await first.append('one');
  await first.append('two');
  await first.append('three');
  await first.stop();
  const path = await writtenSegment();
  const whole = await readFile(path);
  const start = whole.indexOf('"two"') - 17;
  for (let at = start; at < start + 17 + 5; at += 1) {
    const damaged = Buffer.from(whole);
    damaged[at] = damaged[at]! ^ 0x10;
    for (const name of await readdir(directory)) await rm(join(directory, name));
    await writeFile(path, damaged);
    const journal = await reopen();
    expect(await replayed(journal), `byte ${at}`).toEqual(['one', 'three']);
    await journal.stop();
    expect((await readdir(directory)).filter((name) => name.endsWith('.damaged'))).toHaveLength(1);
  }
});

test('a segment whose header is gone still gives its records', async () => {
  const first = await reopen();
  await first.append('one');
  await first.stop();
  const path = await writtenSegment();
  const bytes = await readFile(path);
  bytes.fill(0, 0, 16);
  await writeFile(path, bytes);
  const second = await reopen();
  expect(await replayed(second)).toEqual(['one']);
  await second.stop();
});

test('marks left by an unreadable segment never hide a new record', async () => {
  const first = await reopen();
  first.acknowledge(await first.append('one'));
  await first.stop();
  await truncate(await writtenSegment(), 20);
  const second = await reopen();
  expect(await second.append('new')).toBe(1n);
  await second.stop();
  const third = await reopen();
  expect(await replayed(third)).toEqual(['new']);
  await third.stop();
});

test('beyond the byte cap an append is refused as ledgerUnavailable, and acknowledging makes room again', async () => {
  const journal = await reopen(4000);
  const sequences: bigint[] = [];
  let refused: unknown;
  while (refused === undefined) {
    try {
      sequences.push(await journal.append('x'.repeat(100)));
    } catch (thrown) {
      refused = thrown;
    }
  }
  expect(refused).toBeInstanceOf(Fault);
  expect((refused as Fault).code).toBe('ledgerUnavailable');
  expect(journal.bytes).toBeLessThanOrEqual(4000);
  for (const sequence of sequences) journal.acknowledge(sequence);
  expect(journal.recordsUnacknowledged).toBe(0);
  await journal.append('fits');
  expect(journal.bytes).toBeLessThan(1200);
  await journal.stop();
});

test('segments whose records are all acknowledged disappear from the disk, the oldest open one stays', async () => {
  const journal = await reopen(80_000);
  const sequences: bigint[] = [];
  for (let index = 0; index < 300; index += 1)
    sequences.push(await journal.append('y'.repeat(180)));
  const before = (await readdir(directory)).filter((name) => name.endsWith('.journal')).length;
  expect(before).toBeGreaterThan(4);
  for (const sequence of sequences.slice(1)) journal.acknowledge(sequence);
  await journal.stop();
  const after = (await readdir(directory)).filter((name) => name.endsWith('.journal'));
  expect(after).toHaveLength(2);
  const again = await reopen(80_000);
  expect(await replayed(again)).toEqual(['y'.repeat(180)]);
  await again.stop();
});

test('a second open of a directory in use is refused and names the holder', async () => {
  const journal = await reopen();
  await expect(reopen()).rejects.toThrow(`in use by process ${process.pid}`);
  await journal.stop();
  await (await reopen()).stop();
});

test('the lock of a process that is gone, or whose pid was given out again, is taken over', async () => {
  const lock = join(directory, 'lock');
  for (const pid of [process.pid, 2 ** 22 + 1]) {
    await writeFile(lock, JSON.stringify({ pid, startTime: '1' }));
    await (await reopen()).stop();
  }
  await writeFile(lock, 'not a lock');
  await (await reopen()).stop();
});

test('a segment that the disk does not take is closed and leaves no file behind', async () => {
  const journal = await reopen(800);
  // Every device that is full says so; segments have a hundred bytes here, so that the second record starts a new one.
  await journal.append('x'.repeat(100));
  await symlink('/dev/full', join(directory, '00000000000000000002.journal'));
  await expect(journal.append('second')).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  expect(journal.failure?.message).toContain('ENOSPC');
  expect(await readdir(directory)).not.toContain('00000000000000000002.journal');
  await journal.append('third');
  expect(journal.failure).toBeUndefined();
  await journal.stop();
  const again = await reopen();
  expect(await replayed(again)).toEqual(['x'.repeat(100), 'third']);
  await again.stop();
});

test('a journal that failed tries by itself, because nobody is sent to a replica that is not ready', async () => {
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (_fields, message) => said.push(message),
    info: (_fields, message) => said.push(message),
  };
  const journal = await openJournal({ directory, bytesMax: 800, log });
  await journal.append('x'.repeat(100));
  await rename(directory, `${directory}-away`);
  for (const record of ['second', 'third'])
    await expect(journal.append(record)).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  expect(journal.failure).toBeDefined();
  await rename(`${directory}-away`, directory);
  await eventually(() => expect(journal.failure).toBeUndefined());
  expect(said).toEqual(['the journal could not be written', 'the journal can be written again']);
  await journal.append('fourth');
  await journal.stop();
  const again = await reopen();
  expect(await replayed(again)).toEqual(['x'.repeat(100), 'fourth']);
  await again.stop();
});

test('after stop an append is refused', async () => {
  const journal = await reopen();
  await journal.stop();
  await expect(journal.append('late')).rejects.toMatchObject({ code: 'ledgerUnavailable' });
});

test('appends of one moment share one sync', async () => {
  const journal = await reopen(10_000_000);
  await journal.append('warm');
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 200 }, (_, index) => journal.append({ index })));
  const together = performance.now() - startedAt;
  expect(journal.recordsUnacknowledged).toBe(201);
  expect(together).toBeLessThan(Math.max(journal.lastSyncMs * 100, 50));
  await journal.stop();
});

test('records confirmed before a kill -9 are all there afterwards', async () => {
  const script = `
    import { openJournal } from ${JSON.stringify(new URL('../../dist/proxy/settlement/journal.js', import.meta.url).href)};
    const log = { error() {}, warn() {}, info() {}, debug() {}, child() { return log; } };
    const journal = await openJournal({ directory: ${JSON.stringify(directory)}, bytesMax: 1e8, log });
    for (let index = 0; ; index += 1) {
      const sequence = await journal.append({ index });
      process.stdout.write(sequence + '\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8');
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text: string) => {
      output += text;
      if (output.split('\n').length > 200) {
        child.kill('SIGKILL');
        resolve();
      }
    });
  });
  await exited;
  const confirmed = output.split('\n').slice(0, -1).length;
  const journal = await reopen(1e8);
  const records = await replayed(journal);
  expect(records.length).toBeGreaterThanOrEqual(confirmed);
  expect(records).toEqual(records.map((_, index) => ({ index })));
  await journal.stop();
}, 30_000);
