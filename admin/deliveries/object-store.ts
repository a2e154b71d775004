/**
 * An S3-compatible object store, by the AWS SDK, which is loaded with the first file: signatures, the chain of credentials
 * (environment, files, the machine's role) and repeats are its.
 */
import type { GetObjectCommandOutput, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { BillDeliveryConfig } from '#base/bill-delivery-settings.js';
import { toError } from '#base/errors.js';

/** What the object store said. */
export type PutOutcome =
  { readonly kind: 'kept' } | { readonly kind: 'failed'; readonly why: string };

export interface ObjectStore {
  /** `s3://<bucket>/<prefix>`, for people. */
  readonly target: string;
  /**
   * Puts a file under the prefix. `kept` means that the store has these very bytes: it has answered with their SHA-256, or
   * they were read back. Never throws; `why` has no credentials.
   * @param path below the prefix, without a slash before it.
   */
  put(path: string, mediaType: string, bytes: Uint8Array): Promise<PutOutcome>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 120_000;
const ATTEMPTS_MAX = 3;

/** @returns null where the settings name no bucket. */
export function createObjectStore(settings: BillDeliveryConfig): ObjectStore | null {
  const { billsS3Bucket: bucket, billsS3Prefix: prefix } = settings;
  if (bucket === null) return null;
  let opened: Promise<S3Client> | undefined;
  return {
    target: `s3://${bucket}/${prefix}`,
    put: async (path, mediaType, bytes) => {
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      const place = { Bucket: bucket, Key: `${prefix}/${path}` };
      try {
        opened ??= open(settings);
        const file = { ...place, ContentType: mediaType, Body: bytes, ChecksumSHA256: sha256 };
        const isKept = await putAndCompare(await opened, file, sha256);
        return isKept
          ? { kind: 'kept' }
          : { kind: 'failed', why: 'the object store keeps other bytes than were sent' };
      } catch (thrown) {
        return { kind: 'failed', why: explained(toError(thrown)) };
      }
    },
  };
}

async function open(settings: BillDeliveryConfig): Promise<S3Client> {
  const { S3Client: Client } = await import('@aws-sdk/client-s3');
  const { billsS3Endpoint: endpoint, billsS3Region: region } = settings;
  return new Client({
    maxAttempts: ATTEMPTS_MAX,
    // The SHA-256 is ours; others than AWS often know no further checksum.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: ANSWER_TIMEOUT_MS },
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
  });
}

async function putAndCompare(
  client: S3Client,
  file: PutObjectCommandInput,
  sha256: string,
): Promise<boolean> {
  const { PutObjectCommand, GetObjectCommand } = await import('@aws-sdk/client-s3');
  const { ChecksumSHA256: answered } = await client.send(new PutObjectCommand(file));
  if (answered !== undefined) return answered === sha256;
  const { Bucket, Key } = file;
  return (await hashOfBody(await client.send(new GetObjectCommand({ Bucket, Key })))) === sha256;
}

async function hashOfBody({ Body: body }: GetObjectCommandOutput): Promise<string> {
  const bytes = (await body?.transformToByteArray()) ?? new Uint8Array();
  return createHash('sha256').update(bytes).digest('base64');
}

/** Names such as AccessDenied say more than many of the messages beside them. */
function explained(error: Error): string {
  const text = error.message === '' || error.message === error.name ? '' : `: ${error.message}`;
  return `${error.name}${text}`.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300);
}
