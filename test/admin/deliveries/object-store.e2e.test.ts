/** The object store by the real SDK against a listener: what is kept, compared, refused. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createObjectStore, type ObjectStore } from '../../../admin/deliveries/object-store.js';
import { type ObjectSink, startObjectSink } from '../../support/object-sink.js';

const BYTES = Buffer.from('%PDF-1.7 a bill');
let sink: ObjectSink;
let store: ObjectStore;
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'of-the-test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hidden');
  sink = await startObjectSink();
  store = createObjectStore({
    billsS3Bucket: 'acme-bills',
    billsS3Endpoint: sink.endpoint,
    billsS3Prefix: 'finance/bills',
    billsS3Region: null,
  })!;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await sink.close();
});
beforeEach(() => {
  sink.asked.length = 0;
  sink.checksums = 'told';
  sink.refuse = null;
});

const put = (name: string): ReturnType<ObjectStore['put']> =>
  store.put(`2026-10/v1/${name}`, 'application/pdf', BYTES);

test('a file is kept under prefix, month and version, once its hash is told', async () => {
  expect(await put('a.pdf')).toEqual({ kind: 'kept' });
  expect(store.target).toBe('s3://acme-bills/finance/bills');
  expect(sink.objects.get('acme-bills/finance/bills/2026-10/v1/a.pdf')).toEqual(BYTES);
  expect(sink.asked).toEqual(['PUT acme-bills/finance/bills/2026-10/v1/a.pdf']);
});

test('a store that knows no checksums is read back, and one that keeps other bytes is found out', async () => {
  sink.checksums = 'unknown';
  expect(await put('b.pdf')).toEqual({ kind: 'kept' });
  expect(sink.asked.map((each) => each.slice(0, 3))).toEqual(['PUT', 'GET']);
  sink.checksums = 'corrupt';
  expect(await put('c.pdf')).toEqual({
    kind: 'failed',
    why: 'the object store keeps other bytes than were sent',
  });
});

test('a refusal is told in the words of the store, without credentials', async () => {
  sink.refuse = 'd.pdf';
  expect(await put('d.pdf')).toEqual({ kind: 'failed', why: 'AccessDenied: not yours' });
});

test('without a bucket there is none', () => {
  const settings = { billsS3Endpoint: null, billsS3Prefix: 'bills', billsS3Region: null };
  expect(createObjectStore({ ...settings, billsS3Bucket: null })).toBeNull();
});
