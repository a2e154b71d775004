/**
 * The comments before the first and after the last word of a text. Only a bounded piece of either end is looked at,
 * without a lexer: a piece from the middle could begin inside a string. What is misread here misnames a workload and
 * nothing else.
 */

/** Comments of one end; tools write one or two. */
const COMMENTS_MAX = 8;

/** What the comments at both ends say, without their marks, leading ones first, each at most `lengthMax` long. */
export function commentsAround(text: string, lengthMax: number): readonly string[] {
  const leading = leadingComments(text.slice(0, lengthMax));
  return [
    ...leading.comments,
    ...trailingComments(text.slice(Math.max(leading.end, text.length - lengthMax))),
  ];
}

function leadingComments(head: string): {
  readonly comments: readonly string[];
  readonly end: number;
} {
  const comments: string[] = [];
  let at = 0;
  while (comments.length < COMMENTS_MAX) {
    while (at < head.length && /\s/.test(head.charAt(at))) at += 1;
    const mark = head.slice(at, at + 2);
    const isBlock = mark === '/*';
    if (!isBlock && mark !== '--' && mark !== '//') break;
    const close = head.indexOf(isBlock ? '*/' : '\n', at + 2);
    // Without its end it goes on where nobody looks.
    if (close < 0) break;
    comments.push(head.slice(at + 2, close));
    at = close + (isBlock ? 2 : 1);
  }
  return { comments, end: at };
}

function trailingComments(tail: string): readonly string[] {
  const comments: string[] = [];
  let end = tail.length;
  while (comments.length < COMMENTS_MAX) {
    while (end > 0 && /[\s;]/.test(tail.charAt(end - 1))) end -= 1;
    if (end === 0) break;
    if (tail.startsWith('*/', end - 2)) {
      const open = tail.lastIndexOf('/*', end - 3);
      if (open < 0) break;
      comments.push(tail.slice(open + 2, end - 2));
      end = open;
      continue;
    }
    const line = tail.lastIndexOf('\n', end - 1) + 1;
    const mark = lineComment(tail.slice(line, end));
    if (mark === undefined) break;
    comments.push(tail.slice(line + mark + 2, end));
    end = line + mark;
  }
  return comments;
}

/** Where the comment of a last line begins: at its start, or after white space behind the statement. */
function lineComment(line: string): number | undefined {
  const start = line.length - line.trimStart().length;
  if (line.startsWith('--', start) || line.startsWith('//', start)) return start;
  const behind = line.indexOf(' -- ');
  return behind < 0 ? undefined : behind + 1;
}
