/** Which tests of a Go package reach its server: those that name, over any number of helpers, one that opens a connection. */

/** What of gosnowflake's tests opens a connection with the credentials of the environment. */
const OPENERS = [
  'createDSN',
  'openConn',
  'openDB',
  'putGetUserStage',
  'runDBTest',
  'runSnowflakeConnTest',
  'runSnowflakeConnTestWithConfig',
  'setup',
];
const OPENS =
  /\b(?:sql\.Open|ParseDSN|Open|OpenConnector)\([^)\n]*\bdsn\b|SNOWFLAKE_TEST_(?:USER|HOST)/;
const OWN_DSN = /\bdsn\s*:=|\bdsn string/;
const FUNCTION = /^func (?:\([^)\n]*\) )?(\w+)(?:\[[^\]\n]*\])?\([\s\S]*?^\}/gm;

export interface GoTest {
  readonly name: string;
  readonly file: string;
  readonly reachesServer: boolean;
}

/**
 * Every top-level test of the files, in their order.
 *
 * @param files names of files with their text, as gofmt writes it
 */
export function goTests(files: ReadonlyMap<string, string>): readonly GoTest[] {
  const bodies = new Map<string, { readonly file: string; readonly text: string }[]>();
  for (const [file, text] of files) {
    for (const [whole, name = ''] of text.matchAll(FUNCTION)) {
      bodies.set(name, [...(bodies.get(name) ?? []), { file, text: whole }]);
    }
  }
  const words = new Map<string, ReadonlySet<string>>();
  const reaching = new Set(OPENERS);
  for (const [name, parts] of bodies) {
    words.set(name, new Set(parts.flatMap(({ text }) => text.match(/\b\w+\b/g) ?? [])));
    if (parts.some(({ text }) => OPENS.test(text) && !OWN_DSN.test(text))) reaching.add(name);
  }
  let before: number;
  do {
    before = reaching.size;
    for (const [name, named] of words) {
      if (name !== 'TestMain' && [...named].some((word) => reaching.has(word))) reaching.add(name);
    }
  } while (reaching.size > before);
  return [...bodies].flatMap(([name, [first]]) =>
    /^Test(?![a-z])/.test(name) && name !== 'TestMain' && first !== undefined
      ? [{ name, file: first.file, reachesServer: reaching.has(name) }]
      : [],
  );
}
