/** Why a case fails, in a few words of ours: by what was said of the failure, else by the case's name. */

const UNSUPPORTED = /Unsupported feature in the embedded warehouse: ([^\n"]+)/;
const NOT_HERE = 'not in the embedded warehouse';
const DECIDED = 'refused by decision';

interface Rule {
  readonly reason: string;
  readonly said?: RegExp;
  readonly name?: RegExp;
}

/** The first that fits decides; one with both asks for both. */
const RULES: readonly Rule[] = [
  { reason: 'needs WireMock, which is not started here', said: /reading 'global'|wiremock/i },
  {
    reason: `${NOT_HERE}: structured types`,
    said: /STRUCTURED_TYPES|data type (?:ARRAY|OBJECT|MAP)\b/,
  },
  { reason: `${NOT_HERE}: vectors`, said: /data type VECTOR/ },
  { reason: `${NOT_HERE}: DECFLOAT`, said: /DECFLOAT/ },
  { reason: `${NOT_HERE}: XML`, said: /\bXML\b|PARSE_XML/ },
  {
    reason: `${NOT_HERE}: procedures and scripting`,
    said: /PROCEDURE|scripting|DECLARE|anonymous/,
  },
  { reason: `${NOT_HERE}: geography`, said: /GEOGRAPHY|GEOMETRY/ },
  { reason: `${NOT_HERE}: GENERATOR by time`, said: /GENERATOR without/ },
  { reason: `${NOT_HERE}: GENERATOR by time`, name: /testCancelQuerySimple/ },
  { reason: `${DECIDED}: more than six digits of a second`, said: /digits of a second/ },
  { reason: `${DECIDED}: more than 26 digits before the point`, said: /26 digits before/ },
  {
    reason: `${DECIDED}: a session parameter that has no effect here`,
    said: /the only value with effect/,
  },
  {
    reason: 'a parameter that only the driver’s own test account has',
    said: /invalid property '[A-Z0-9_]+' for 'SESSION'/,
  },
  {
    reason: 'by decision: the statement’s query tag is Tollgate’s, with the client’s inside',
    said: /"tg":"/,
  },
  {
    reason: 'by decision: an unknown token is answered with HTTP 200, the case waits for 401',
    name: /with an invalid token/,
  },
  { reason: 'needs TLS: the suite’s own proxy tunnels nothing else', name: /^testProxyExecute/ },
  { reason: 'needs the network', said: /dial tcp: lookup|EAI_AGAIN|ENOTFOUND|no such host/ },
  { reason: 'needs the network', name: /Failed connection returns sanitized/ },
  { reason: 'needs a cloud stage', name: /^testPutSmkId|overwrite test overwrite/ },
  { reason: 'needs a cloud stage', said: /stage type LOCAL_FS|array binds through a stage by Go/ },
  { reason: 'JSON files whose keys have no quotes', name: /raw_json/ },
  { reason: 'JSON with -Infinity', name: /testVariant testJSON$/ },
  {
    reason: 'text for a BINARY column is not read as hexadecimal digits',
    said: /String '666666663030' is too long/,
  },
  { reason: 'names of repeated columns of a subquery', name: /test duplicates$/ },
  { reason: 'the offset of a zone in the year 1', name: /binding values with timezone/ },
  { reason: `${NOT_HERE}: binds of several statements at once`, said: /Binds are not supported/ },
  {
    reason: 'the token of a closed session is unknown, not gone',
    name: /^testSerializeConnection/,
  },
  // Told by a parent that other failures of the same test were told to.
  {
    reason: `${NOT_HERE}: structured types`,
    said: /FailNow on a parent/,
    name: /^Test(?:Null)?(?:And)?(?:Empty)?(?:Object|Array|Map|WithHigherPrecision|NullObject|EmptyArrays|NullAndEmptyMaps)/,
  },
  {
    reason: `${DECIDED}: more than six digits of a second`,
    said: /FailNow on a parent/,
    name: /\(9\)|123456789/,
  },
  {
    reason: `${NOT_HERE}: hybrid tables and their query context`,
    name: /Htap|HTAP|Hybrid|QueryContext/,
  },
  { reason: `${NOT_HERE}: RFC 2822 dates, as in “Thu, 21 Jan 2016”`, said: /'Thu, 21 Jan 2016/ },
  {
    reason: 'the proxy takes bodies up to 64 MiB, the warehouse texts up to 1 MB',
    said: /TG1011|more than 1 MB/,
  },
  {
    reason: 'text for a BINARY column is not read as hexadecimal digits',
    name: /^TestBulkArrayBindingInterface/,
  },
  { reason: `${NOT_HERE}: GENERATOR by time`, name: /^TestMultipleAsyncQueries$/ },
  { reason: `${NOT_HERE}: DUAL`, said: /\.DUAL' does not exist/ },
  { reason: 'TIME(n) is described with nine digits', name: /^TestTimePrecision$/ },
  {
    reason: `${NOT_HERE}: columns described as never NULL`,
    name: /^Test(?:Arrow|JSON)VariousTypes$/,
  },
  {
    reason: 'NUMBER(38, 0) is described to Go otherwise than the case expects',
    name: /^TestNumbersScanType/,
  },
  { reason: 'needs a cloud stage', name: /^TestPut(?:Overwrite|WithNonWritable)/ },
  { reason: 'needs the network', name: /^TestCrlE2E/ },
  {
    reason: 'files of a transfer compressed by Brotli or deflate',
    name: /test (?:raw )?(?:brotli|deflate)$/,
  },
  {
    reason: 'a race of the case: the work ended before it was cancelled, or after',
    name: /Full path array bind with cancel|^TestPutCancel$|^TestContextPropagatedToAuth/,
  },
  {
    reason: 'the statement waited for a translator that a busy machine had not loaded yet',
    said: /a statement of this depth or length/,
  },
  { reason: `${DECIDED}: more than six digits of a second`, name: /^TestArrowTimePrecision$/ },
  {
    reason: 'the last digits of long fractions in Arrow',
    name: /^TestArrow(?:BatchHigh|Float)Precision/,
  },
  { reason: `${NOT_HERE}: CREATE FUNCTION`, name: /^TestFunctionParameters/ },
  {
    reason: 'the proxy takes bodies up to 64 MiB, the warehouse texts up to 1 MB',
    said: /HTTP: 413/,
  },
  { reason: 'the state of a query by its id tells no rows produced', name: /^TestGetQueryStatus$/ },
  { reason: `${NOT_HERE}: session variables set by the login`, name: /^TestUrlDecodeIfNeededE2E$/ },
  { reason: 'no end in time', said: /^no end|Timeout of \d+ms|no end within/ },
];

/** The reason of a failure; `not looked into` where nothing here knows it. */
export function reasonOf(name: string, said: string): string {
  const rule = RULES.find(
    (each) => (each.said?.test(said) ?? true) && (each.name?.test(name) ?? true),
  );
  if (rule !== undefined) return rule.reason;
  const [, feature] = UNSUPPORTED.exec(said) ?? [];
  return feature === undefined ? 'not looked into' : `${NOT_HERE}: ${feature}`;
}
