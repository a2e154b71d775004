/** Texts made to be slow, of 64 KiB and of the analyser's cap. */

export interface HostileText {
  readonly name: string;
  readonly sql: string;
  /** Whether parsers that cannot be stopped come back from it. */
  readonly isForPeers: boolean;
}

const SMALL = 65_536;
/** Longer texts are not analysed. */
const LARGE = 1_048_576;

const FAMILIES: readonly (readonly [
  name: string,
  head: string,
  piece: string,
  tail: string,
  isForPeers: boolean,
])[] = [
  ['IN list', 'select a from t where b in (0', ', 1', ')', true],
  ['columns', 'select a', ', c', ' from t', true],
  ['unterminated string', "select '", 'x', '', true],
  ['many statements', '', 'select 1;', '', false],
  ['open brackets', 'select ', '(', '', false],
  ['open calls', 'select ', 'f(', '', false],
  ['joins', 'select a from t', ' join u on t.a = u.b', '', false],
  ['AND', 'select a from t where a = 1', ' and b < 2', '', false],
  ['casts', 'select a', '::int', ' from t', false],
  ['flow', 'select 1', ' ->> select 2', '', false],
  ['blocks', '', 'begin if (a) then ', '', false],
];

/** Every family at both lengths. */
export function hostileTexts(): readonly HostileText[] {
  return FAMILIES.flatMap(([name, head, piece, tail, isForPeers]) =>
    [SMALL, LARGE].map((length) => {
      const count = Math.floor((length - head.length - tail.length) / piece.length);
      return {
        name,
        sql: head + piece.repeat(count) + tail,
        isForPeers: isForPeers && length === SMALL,
      };
    }),
  );
}
