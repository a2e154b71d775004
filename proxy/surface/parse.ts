/**
 * Text of a surface SELECT → {@link SurfaceQuery}. `node-sql-parser` reads the grammar; this file takes from its tree
 * only what the surface has and refuses a tree with anything else in it, so that a construct nobody thought of is
 * refused and not ignored.
 */
import { COMPARISONS, FormError, formRefusal, VIEW_NAMES } from './query.js';
import type {
  Condition,
  Expression,
  Key,
  Operand,
  OrderKey,
  Parsed,
  SelectItem,
  SurfaceQuery,
  Value,
  ViewName,
} from './query.js';
import { prepare, type Prepared } from './prepare.js';

/** Parser of the text that `prepare` wrote: returns the tree, throws for text outside its grammar. */
export type Astify = (text: string) => unknown;

/** Loads the Snowflake grammar of node-sql-parser (0.3 MB of generated code: only when a surface read comes). */
export async function loadGrammar(): Promise<Astify> {
  const { default: grammar } = await import('node-sql-parser/build/snowflake.js');
  const parser = new grammar.Parser();
  return (text) => parser.astify(text, { database: 'snowflake' });
}

/** Reads `text`. Never throws for what a caller wrote: anything outside the form is `refused` with TG1020. */
export function parseSurface(text: string, astify: Astify): Parsed {
  try {
    const prepared = prepare(text);
    const query = new Reader(prepared).select(tree(prepared.text, astify));
    return { kind: 'query', query, bindCount: prepared.bindCount };
  } catch (thrown) {
    if (thrown instanceof FormError)
      return { kind: 'refused', refusal: formRefusal(thrown.message) };
    throw thrown;
  }
}

type Node = Readonly<Record<string, unknown>>;

const NO_DISTINCT = 'DISTINCT has no place in it; name the columns in GROUP BY';
const NO_FUNCTION =
  "A function has no place in it; write the value itself, such as '2026-11-23 05:44:00', or bind it";

function tree(text: string, astify: Astify): Node {
  let parsed: unknown;
  try {
    parsed = astify(text);
  } catch {
    throw new FormError('The statement cannot be read');
  }
  const only: unknown = Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed;
  return node(only, 'It must be one SELECT');
}

function node(value: unknown, why: string): Node {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FormError(why);
  return value as Node;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Refuses a node that has any member set which is not named. `false`, null, '' and empty lists count as unset. */
function only(value: Node, names: readonly string[], what: string): Node {
  for (const [name, member] of Object.entries(value)) {
    if (
      names.includes(name) ||
      member === null ||
      member === undefined ||
      member === false ||
      member === ''
    )
      continue;
    if (Array.isArray(member) && member.length === 0) continue;
    const part = MEMBER_WORDS[name] ?? name.slice(0, 30);
    throw new FormError(`${what} has a part that the form does not have (${part})`);
  }
  return value;
}

/** What callers write for members of the parser's tree that are named otherwise. */
const MEMBER_WORDS: Readonly<Record<string, string | undefined>> = {
  with: 'WITH',
  having: 'HAVING',
  distinct: 'DISTINCT',
  suffix: 'EXCLUDE or the like',
  tableList: 'a query in brackets',
  expr: 'a query in brackets',
  schema: 'a name of more than two parts',
};

const OPERATOR_WORDS: Readonly<Record<string, Comparison | undefined>> = {
  ...Object.fromEntries(COMPARISONS.map((each) => [each, each])),
  '!=': '<>',
};
type Comparison = (typeof COMPARISONS)[number];

class Reader {
  readonly #prepared: Prepared;
  /** Names that may stand before a column: the view's own and its alias. */
  #qualifiers: readonly string[] = [];

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  select(root: Node): SurfaceQuery {
    if (root['type'] !== 'select') throw new FormError('It must be one SELECT');
    if (typeof root['_next'] === 'object' && root['_next'] !== null)
      throw new FormError('UNION and its like have no place in it');
    only(
      root,
      ['type', 'distinct', 'columns', 'into', 'from', 'where', 'groupby', 'orderby', 'limit'],
      'The SELECT',
    );
    if (typeof node(root['distinct'] ?? {}, NO_DISTINCT)['type'] === 'string')
      throw new FormError(NO_DISTINCT);
    only(node(root['into'] ?? {}, 'INTO has no place in it'), [], 'INTO');
    const view = this.#from(list(root['from']));
    const groupBy =
      root['groupby'] === null ? {} : node(root['groupby'], 'GROUP BY cannot be read');
    only(groupBy, ['columns'], 'GROUP BY');
    return {
      view,
      ticket: this.#prepared.ticket,
      items: list(root['columns']).map((item) => this.#item(item)),
      where: root['where'] === null ? null : this.#condition(root['where']),
      groupBy: list(groupBy['columns']).map((key) => this.#key(key)),
      orderBy: list(root['orderby']).map((key) => this.#orderKey(key)),
      limit: this.#limit(root['limit']),
    };
  }

  #from(entries: readonly unknown[]): ViewName {
    if (entries.length !== 1) throw new FormError('It reads more, or less, than one view');
    const source = node(entries[0], 'FROM must name a view');
    if (source['type'] === 'expr')
      throw new FormError("A function stands in TABLE(…): FROM TABLE(TOLLGATE.WHY('<ticket>'))");
    const entry = only(source, ['db', 'table', 'surround', 'as'], 'FROM');
    const view = VIEW_NAMES.find((name) => name === this.#name(entry['table']));
    const isOurs = this.#name(entry['db']) === 'TOLLGATE';
    if (!isOurs || view === undefined || (view === 'WHY') !== (this.#prepared.ticket !== null)) {
      throw new FormError('FROM must name one view of TOLLGATE');
    }
    this.#qualifiers = entry['as'] === null ? [view] : [this.#name(entry['as'])];
    return view;
  }

  #item(value: unknown): SelectItem {
    const item = only(node(value, 'A column cannot be read'), ['type', 'expr', 'as'], 'A column');
    const expression = node(item['expr'], 'A column cannot be read');
    if (expression['type'] === 'column_ref' && expression['column'] === '*') {
      this.#qualifier(only(expression, ['type', 'table', 'column'], '*'));
      return { kind: 'star' };
    }
    const alias = item['as'] === null ? null : this.#name(item['as']);
    return { kind: 'expression', expression: this.#expression(expression), alias };
  }

  #expression(value: unknown): Expression {
    const expression = node(value, 'A column cannot be read');
    if (expression['type'] !== 'aggr_func')
      return { kind: 'column', column: this.#column(expression) };
    only(expression, ['type', 'name', 'args'], 'An aggregate');
    const name = String(expression['name']).toUpperCase();
    const args = only(node(expression['args'], 'An aggregate cannot be read'), ['expr'], name);
    const argument = node(args['expr'], `${name} needs a column`);
    if (name === 'COUNT' && argument['type'] === 'star') return { kind: 'count-all' };
    if (name === 'COUNT' && argument['type'] === 'param') {
      if (this.#value(argument).kind === 'number') return { kind: 'count-all' };
    }
    if (name !== 'COUNT' && name !== 'SUM')
      throw new FormError(`${name.slice(0, 30)} is not COUNT or SUM`);
    return { kind: name === 'SUM' ? 'sum' : 'count', column: this.#column(argument) };
  }

  #key(value: unknown): Key {
    const key = node(value, 'A key cannot be read');
    if (key['type'] !== 'param') return this.#expression(key);
    const position = this.#value(key);
    if (position.kind !== 'number' || !/^[1-9]\d{0,2}$/.test(position.text)) {
      throw new FormError('A key must be a column or a position');
    }
    return { kind: 'position', position: Number(position.text) };
  }

  #orderKey(value: unknown): OrderKey {
    const entry = only(
      node(value, 'ORDER BY cannot be read'),
      ['expr', 'type', 'nulls'],
      'ORDER BY',
    );
    const nulls = typeof entry['nulls'] === 'string' ? entry['nulls'].toUpperCase() : '';
    return {
      key: this.#key(entry['expr']),
      isDescending: entry['type'] === 'DESC',
      nulls: nulls.endsWith('FIRST') ? 'first' : nulls.endsWith('LAST') ? 'last' : null,
    };
  }

  #limit(value: unknown): Value | null {
    if (value === null) return null;
    const limit = node(value, 'LIMIT cannot be read');
    const values = list(limit['value']);
    if (limit['seperator'] !== '' || values.length > 1)
      throw new FormError('LIMIT takes one number, and no OFFSET');
    return values.length === 0 ? null : this.#value(values[0]);
  }

  #condition(value: unknown): Condition {
    const condition = node(value, 'A condition cannot be read');
    switch (condition['type']) {
      case 'unary_expr':
        only(condition, ['type', 'operator', 'expr', 'parentheses'], 'A condition');
        if (condition['operator'] === 'NOT')
          return { kind: 'not', part: this.#condition(condition['expr']) };
        throw new FormError('A condition cannot be read');
      case 'function':
        return { kind: 'not', part: this.#condition(this.#notArgument(condition)) };
      case 'binary_expr':
        only(condition, ['type', 'operator', 'left', 'right', 'parentheses'], 'A condition');
        return this.#binary(
          String(condition['operator']).toUpperCase(),
          condition['left'],
          condition['right'],
        );
      default:
        throw new FormError('A condition must be a comparison');
    }
  }

  /** `NOT (…)` without a space-separated operand is read as a call of a function `not`. */
  #notArgument(call: Node): unknown {
    only(call, ['type', 'name', 'args'], 'A condition');
    const [name] = list(node(call['name'], 'A condition cannot be read')['name']);
    const args = list(node(call['args'], 'A condition cannot be read')['value']);
    const word = String(node(name, 'A condition cannot be read')['value']).toUpperCase();
    const hasSchema = Object.keys(node(call['name'], 'A condition cannot be read')).length > 1;
    if (word !== 'NOT' || hasSchema || args.length !== 1)
      throw new FormError(`The function ${word.slice(0, 30)} has no place in it`);
    return args[0];
  }

  #binary(operator: string, left: unknown, right: unknown): Condition {
    const comparison = OPERATOR_WORDS[operator];
    if (comparison !== undefined)
      return {
        kind: 'compare',
        left: this.#operand(left),
        comparison,
        right: this.#operand(right),
      };
    const isNegated = / NOT$|^NOT /.test(operator);
    switch (operator.replace(/ NOT$|^NOT /, '')) {
      case 'AND':
      case 'OR':
        return {
          kind: operator === 'AND' ? 'and' : 'or',
          parts: [this.#condition(left), this.#condition(right)],
        };
      case 'LIKE':
      case 'ILIKE':
        return {
          kind: 'like',
          column: this.#column(left),
          isNegated,
          ignoresCase: operator.endsWith('ILIKE'),
          pattern: this.#value(right),
        };
      case 'IN':
        return { kind: 'in', column: this.#column(left), isNegated, values: this.#values(right) };
      case 'BETWEEN': {
        const [low, high] = this.#values(right);
        if (low === undefined || high === undefined)
          throw new FormError('BETWEEN takes two values');
        return { kind: 'between', column: this.#column(left), isNegated, low, high };
      }
      case 'IS':
        if (node(right, 'IS takes NULL')['type'] !== 'null')
          throw new FormError('IS takes NULL or NOT NULL');
        return { kind: 'null', column: this.#column(left), isNegated };
      default:
        throw new FormError(`The operator ${operator.slice(0, 30)} has no place in it`);
    }
  }

  #operand(value: unknown): Operand {
    const operand = node(value, 'A condition cannot be read');
    if (operand['type'] === 'column_ref') return { kind: 'column', column: this.#column(operand) };
    return this.#value(operand);
  }

  #values(value: unknown): Value[] {
    const values = only(
      node(value, 'A list of values cannot be read'),
      ['type', 'value', 'parentheses'],
      'A list of values',
    );
    if (values['type'] !== 'expr_list') throw new FormError('A list of values cannot be read');
    return list(values['value']).map((each) => this.#value(each));
  }

  #value(value: unknown): Value {
    const given = node(value, 'A value cannot be read');
    if (given['type'] === 'function') throw new FormError(NO_FUNCTION);
    const literal = only(given, ['type', 'value', 'parentheses'], 'A value');
    if (literal['type'] === 'bool') return { kind: 'boolean', value: literal['value'] === true };
    const index =
      literal['type'] === 'param' ? /^p(\d+)$/.exec(String(literal['value']))?.[1] : undefined;
    const found = index === undefined ? undefined : this.#prepared.values[Number(index)];
    if (found === undefined) throw new FormError('A value must be a literal or a bind');
    return found;
  }

  #column(value: unknown): string {
    const column = node(value, 'A column cannot be read');
    if (column['type'] !== 'column_ref')
      throw new FormError('A column of the view is needed where something else stands');
    this.#qualifier(
      only(column, ['type', 'table', 'column', 'notations', 'parentheses'], 'A column'),
    );
    if (list(column['notations']).some((each) => each !== '.'))
      throw new FormError('A column is a plain name');
    return this.#name(column['column']);
  }

  #qualifier(column: Node): void {
    const table = column['table'];
    if (table === null || table === undefined) return;
    if (!this.#qualifiers.includes(this.#name(table)))
      throw new FormError('A column belongs to another table');
  }

  #name(value: unknown): string {
    if (typeof value !== 'string') throw new FormError('A name cannot be read');
    const quoted = /^tgq(\d+)$/.exec(value)?.[1];
    return quoted === undefined
      ? value.toUpperCase()
      : (this.#prepared.quotedNames[Number(quoted)] ?? '');
  }
}
