/** An object store on loopback that keeps what is put: enough of S3's protocol for the real SDK. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ObjectSink {
  readonly endpoint: string;
  /** Bytes by `<bucket>/<key>`. */
  readonly objects: Map<string, Buffer>;
  /** `<method> <path>` of every request. */
  readonly asked: string[];
  /** Paths that end so are refused with 403. */
  refuse: string | null;
  /** What it does with checksums: tells them, or knows none; `corrupt` keeps other bytes and tells none. */
  checksums: 'told' | 'unknown' | 'corrupt';
  close(): Promise<void>;
}

const DENIED = '<Error><Code>AccessDenied</Code><Message>not yours</Message></Error>';

export async function startObjectSink(): Promise<ObjectSink> {
  const server = createServer((request, reply) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://sink').pathname.slice(1));
    sink.asked.push(`${request.method ?? ''} ${path}`);
    void bodyOf(request).then((body) => {
      if (sink.refuse !== null && path.endsWith(sink.refuse)) {
        reply.writeHead(403, { 'content-type': 'application/xml' }).end(DENIED);
        return;
      }
      if (request.method === 'GET') {
        reply.end(sink.objects.get(path));
        return;
      }
      const said = request.headers['x-amz-checksum-sha256'];
      const found = createHash('sha256').update(body).digest('base64');
      if (said !== found) {
        reply.writeHead(400).end();
        return;
      }
      sink.objects.set(path, sink.checksums === 'corrupt' ? Buffer.from('other') : body);
      if (sink.checksums === 'told') reply.setHeader('x-amz-checksum-sha256', found);
      reply.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sink: ObjectSink = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    asked: [],
    refuse: null,
    checksums: 'told',
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return sink;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
