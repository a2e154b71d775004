/** What a reader sees after each step of README and tutorial; a step that is not here fails, and so does one that no document has. */

export interface Expected {
  /** The command as the document has it, or the first line of a program that tells it from others. */
  readonly step: string;
  /** 0 unless the document says that it is refused. */
  readonly code?: 1;
  readonly says: readonly RegExp[];
  /** What it says follows from a program of Python before it. */
  readonly needsPython?: true;
  /** Typed in its place, and why. */
  readonly instead?: { readonly command: string; readonly why: string };
}

const SHORT_DEMO = {
  command: 'node bin/tollgate.js demo --seconds 3 --statements-per-day 15',
  why: 'a shorter demo',
};
const SERVED = { command: 'true', why: 'it is started before, on free ports' };

export const EXPECTED: Readonly<Record<string, readonly Expected[]>> = {
  'README.md': [
    {
      step: 'git clone <this repository> tollgate && cd tollgate',
      says: [],
      instead: { command: 'true', why: 'this is the clone' },
    },
    { step: 'npm start', says: [], instead: SERVED },
    {
      step: 'connection.cursor().execute("SELECT * FROM WEB.EVENTS")',
      code: 1,
      says: [/TG2001 Not run, nothing charged: needs about \$\d/, /is left in marketing-monthly/],
    },
    {
      step: 'npm run demo',
      says: [/data-science: TG4001 Stopped/, /cost --month/],
      instead: SHORT_DEMO,
    },
    {
      step: 'node bin/tollgate.js bill marketing 2026-11 --pdf --focus marketing-focus.csv',
      says: [/marketing-focus\.csv: \d+ lines/, /marketing-2026-11\.pdf/],
    },
    {
      step: 'node bin/tollgate.js grant raise data-science 250 USD --until friday',
      says: [/Raised data-science-monthly by \S+ credits \(250\.00 USD\) until Sat /],
    },
  ],
  'docs/tutorial.md': [
    { step: 'npm start', says: [], instead: SERVED },
    { step: 'npm run demo', says: [/Refused, for example: TG2|answered/], instead: SHORT_DEMO },
    {
      step: 'cursor.execute("CALL TOLLGATE.REQUEST(%s, \'the quarterly report\')", (ticket,))',
      says: [/decision/i, /TG2001 Not run, nothing charged/],
    },
    { step: 'node bin/tollgate.js top --once', says: [/tollgate top {2}\d+ running/, /standard/] },
    {
      step: 'node bin/tollgate.js grant list',
      says: [/the quarterly report/, /marketing_analyst/],
      needsPython: true,
    },
    {
      step: 'node bin/tollgate.js grant raise marketing 250 USD --until friday',
      says: [/Raised marketing-monthly by \S+ credits \(250\.00 USD\) until Sat /],
    },
    { step: 'node bin/tollgate.js plan tollgate.example.yaml', says: [/against version \d+/] },
    {
      step: 'node bin/tollgate.js cost --month 2026-10',
      says: [/marketing/, /all allocated, difference 0\./],
    },
    {
      step: 'node bin/tollgate.js cost --month 2026-10 --bypass',
      says: [/came through Tollgate/],
    },
    {
      step: 'node bin/tollgate.js close 2026-10 --dry-run',
      says: [/Nothing stands in its way/],
    },
    {
      step: 'node bin/tollgate.js close 2026-10',
      says: [/2026-10 is in review/, /another person approves it/],
    },
    {
      step: 'export SECOND=$(node bin/tollgate.js token issue controller --role finance)',
      says: [/Token \w+ \(controller, finance\)/],
    },
    {
      step: 'TOLLGATE_ADMIN_TOKEN=$SECOND node bin/tollgate.js close 2026-10 --approve',
      says: [/2026-10 is closed/, /Nothing of it changes any more/],
    },
    {
      step: 'node bin/tollgate.js bill marketing 2026-10 --pdf --focus marketing-focus.csv',
      says: [/marketing-focus\.csv: \d+ lines/, /marketing-2026-10\.pdf/],
    },
    {
      step: 'node bin/tollgate.js bill --all 2026-10 --out bills --focus focus.csv --journal journal.csv',
      says: [/journal\.csv: \d+ lines/, /\d+ bills of 2026-10, USD \S+, in bills\. Merkle root/],
    },
    {
      step: 'node bin/tollgate.js audit verify bills/manifest.json',
      says: [/^Intact: \d+ files with \d+ bills of 2026-10, version 1/m],
    },
    {
      step: "node bin/tollgate.js close adjust marketing 120.50 --on platform --corrects 2026-10 --reason 'the backfill of the third'",
      says: [/120\.50/],
    },
    { step: 'node bin/tollgate.js close adjustments', says: [/the backfill of the third/] },
  ],
};

/** What is expected of a step; undefined: nobody has said. */
export function expectedOf(document: string, text: string): Expected | undefined {
  return EXPECTED[document]?.find(({ step }) => text === step || text.split('\n').includes(step));
}
