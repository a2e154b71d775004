/**
 * PUT and GET as drivers carry them out: the server names a folder of this machine (`LOCAL_FS`) and the driver copies
 * the files itself. That can only mean something to a client on this machine, and only some drivers know how.
 */
import type { FileTransfer } from '../engine/engine.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import type { Session } from '../identity/sessions.js';
import { failure } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';

/** Drivers that copy files themselves, by the name that they log in with. */
const COPYING: ReadonlySet<string> = new Set([
  'PythonConnector',
  'PythonSnowpark',
  'SnowflakeSQLAlchemy',
  'JavaScript',
  'Go',
  'JDBC',
]);
/** From this version on the Python connector is the Universal Core, which has no LOCAL_FS. */
const PYTHON_CORE_MAJOR = 5;

/**
 * Stage of array binds, and the drivers that upload them from memory, which they cannot do to a folder: Node has no code
 * for it, Go 1.19 writes an empty file and reports success.
 */
const BIND_STAGE = '@SYSTEM$BIND/';
const WITHOUT_STREAMS: ReadonlySet<string> = new Set(['JavaScript', 'Go']);
/** Largest file in bytes that a driver sends in one part; LOCAL_FS has no parts. */
const THRESHOLD_BYTES = 209_715_200;

/**
 * Why a PUT or GET is not for this client; undefined when it is. The Node driver that finds its array binds refused
 * sends them inside the statement instead; Go reports the refusal.
 *
 * @param isLocal the client speaks from this machine.
 */
export function transferRefusal(
  session: Session,
  isLocal: boolean,
  sql: string,
): Outcome | undefined {
  if (!isLocal)
    return refusal('PUT and GET from another machine; it keeps its stages on its own disk');
  const { clientApp, clientVersion } = session;
  const isCore =
    clientApp === 'PythonConnector' && Number.parseInt(clientVersion, 10) >= PYTHON_CORE_MAJOR;
  if (!COPYING.has(clientApp) || isCore)
    return refusal(
      `PUT and GET by ${clientApp} ${clientVersion}, which cannot copy files on this machine (stage type LOCAL_FS)`,
    );
  if (WITHOUT_STREAMS.has(clientApp) && sql.includes(BIND_STAGE))
    return refusal(
      `array binds through a stage by ${clientApp} ${clientVersion}; a higher CLIENT_STAGE_ARRAY_BINDING_THRESHOLD sends them in the statement`,
    );
  if (clientApp === 'Go' && /^\s*GET\b/i.test(sql))
    return refusal(`GET by Go ${clientVersion}, which fetches nothing from stage type LOCAL_FS`);
  return undefined;
}

function refusal(what: string): Outcome {
  return failure(
    WIRE_CODES.unsupported,
    '0A000',
    `Unsupported feature in the embedded warehouse: ${what}.`,
  );
}

/** Whether an address of a socket is of this machine's loopback. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address);
}

/** The fields of `data` that PUT and GET add to a reply. Nothing is encrypted and there are no credentials. */
export function transferFields(transfer: FileTransfer): Readonly<Record<string, unknown>> {
  const isUpload = transfer.command === 'UPLOAD';
  return {
    command: transfer.command,
    kind: null,
    operation: 'Node',
    src_locations: transfer.sources,
    ...(transfer.localLocation === null ? {} : { localLocation: transfer.localLocation }),
    parallel: transfer.parallel,
    threshold: THRESHOLD_BYTES,
    autoCompress: transfer.isCompressed,
    overwrite: transfer.isOverwriting,
    sourceCompression: transfer.sourceCompression,
    clientShowEncryptionParameter: false,
    encryptionMaterial: isUpload ? null : [],
    presignedUrls: isUpload ? null : [],
    stageInfo: {
      locationType: 'LOCAL_FS',
      location: transfer.location,
      path: '',
      region: null,
      storageAccount: null,
      endPoint: null,
      creds: {},
      presignedUrl: null,
      isClientSideEncrypted: false,
      useS3RegionalUrl: false,
      useRegionalUrl: false,
      useVirtualUrl: false,
      volumeHash: null,
    },
  };
}
