/** Options of the object store that a month's bills are delivered to; a part of the table in settings.ts. */
import { asIs, pattern } from './setting-parsers.js';
import type { Setting } from './setting.js';

/** Credentials are not among them: they are those of the AWS SDK's own environment variables or of the machine. */
export interface BillDeliveryConfig {
  /** Null: bills go to no object store. */
  readonly billsS3Bucket: string | null;
  /** Null: that of AWS in the region. */
  readonly billsS3Endpoint: string | null;
  readonly billsS3Prefix: string;
  /** Null: what AWS_REGION says, or `us-east-1` beside an endpoint. */
  readonly billsS3Region: string | null;
}

export const BILL_DELIVERY_SETTINGS: {
  readonly [K in keyof BillDeliveryConfig]: Setting<BillDeliveryConfig[K]>;
} = {
  billsS3Bucket: {
    environment: 'TOLLGATE_BILLS_S3_BUCKET',
    yaml: 'bills.s3.bucket',
    parse: pattern(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket', asIs),
    fallback: null,
    fallbackText: 'bills go to no object store',
    secret: false,
    help: 'Bucket of an S3-compatible object store that takes the files of a month.',
    wayOut: 'write for example acme-bills, or unset it',
  },
  billsS3Endpoint: {
    environment: 'TOLLGATE_BILLS_S3_ENDPOINT',
    yaml: 'bills.s3.endpoint',
    parse: pattern(
      /^https?:\/\/[A-Za-z0-9.-]{1,255}(:\d{1,5})?$|^https?:\/\/\[[0-9a-fA-F:]{2,39}\](:\d{1,5})?$/,
      'an origin, without path or credentials',
      asIs,
    ),
    fallback: null,
    fallbackText: 'that of AWS',
    secret: false,
    help: 'Origin of an object store that is not that of AWS; the bucket is then the first part of the path.',
    wayOut: 'write for example https://minio.example.com:9000, or unset it',
  },
  billsS3Prefix: {
    environment: 'TOLLGATE_BILLS_S3_PREFIX',
    yaml: 'bills.s3.prefix',
    parse: pattern(
      /^(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+){0,20}$/,
      'folders of letters, digits, ., _ and -, without a slash at either end',
      asIs,
    ),
    fallback: 'bills',
    fallbackText: 'bills',
    secret: false,
    help: 'Folder in the bucket; a file is <prefix>/<month>/v<version>/<file>.',
    wayOut: 'write for example finance/bills',
  },
  billsS3Region: {
    environment: 'TOLLGATE_BILLS_S3_REGION',
    yaml: 'bills.s3.region',
    parse: pattern(/^[a-z0-9-]{1,40}$/, 'the name of a region', asIs),
    fallback: null,
    fallbackText: 'AWS_REGION',
    secret: false,
    help: 'Region of the bucket.',
    wayOut: 'write for example eu-west-1',
  },
};

/** Rules over more than one of them, added to `problems`. */
export function checkBillDelivery(settings: BillDeliveryConfig, problems: string[]): void {
  if (settings.billsS3Bucket !== null) return;
  const given = [
    settings.billsS3Endpoint === null ? [] : ['TOLLGATE_BILLS_S3_ENDPOINT'],
    settings.billsS3Region === null ? [] : ['TOLLGATE_BILLS_S3_REGION'],
  ].flat();
  for (const name of given)
    problems.push(
      `TOLLGATE_BILLS_S3_BUCKET: is not set beside ${name}, and an object store is nothing without a bucket; set it, or unset ${name}.`,
    );
}
