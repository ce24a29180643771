import { isDobosError, never } from '../base/errors.ts';
import type { Branch, Command, Node, Pipe, Template, Word } from './ast.ts';
import { linePlace, templateError } from './errors.ts';
import { formatValue, isObject, isTrue, kindOf, sortedEntries } from './format-value.ts';
import { FUNCTIONS } from './functions.ts';

/** Characters that one value may print: an image's whole inspection is a thousandth. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** Turns of all loops together: nested ranges over long lists end somewhere. */
const MAX_TURNS = 10_000_000;

/**
 * The text that the template makes of the value. A missing field that is spelled like a field (`Id`) is an error with the fields there are; one spelled like a key (`maintainer`) prints `<no value>`, as Go's structs and maps do.
 * @throws TEMPLATE_FAILED
 */
export function runTemplate(template: Template, value: unknown): string {
  return createRun(template, value).nodes(template.nodes);
}

type Scope = Map<string, unknown>[];
type Flow = 'next' | 'break' | 'continue';

function createRun(template: Template, root: unknown): { nodes(nodes: readonly Node[]): string } {
  let out = '';
  let turns = 0;
  const scopes: Scope = [new Map([['$', root]])];

  const fail = (at: number, source: string, why: string, hint?: string) =>
    templateError('TEMPLATE_FAILED', { ...linePlace(template.text, at), at: source, why }, { hint });

  const print = (text: string): void => {
    if (out.length + text.length > MAX_OUTPUT)
      throw fail(0, '', `more than ${MAX_OUTPUT} characters of output`);
    out += text;
  };

  const scoped = <T>(run: () => T): T => {
    scopes.push(new Map());
    try {
      return run();
    } finally {
      scopes.pop();
    }
  };

  const lookUp = (name: string): Map<string, unknown> | undefined =>
    scopes.findLast((scope) => scope.has(name));

  const getField = (value: unknown, name: string, word: Word): unknown => {
    if (value instanceof Map) return value.get(name);
    if (value === undefined || value === null) throw fail(word.at, word.source, `nil has no field ${name}`);
    if (!isObject(value))
      throw fail(word.at, word.source, `can't evaluate field ${name} in type ${kindOf(value)}`);
    if (Object.hasOwn(value, name)) return (value as Readonly<Record<string, unknown>>)[name];
    if (!/^\p{Lu}/u.test(name)) return undefined;
    const fields = Object.keys(value).sort();
    throw fail(
      word.at,
      word.source,
      `there is no field ${name}`,
      fields.length === 0 ? 'it has no fields' : `fields: ${fields.join(', ')}`,
    );
  };

  const evaluate = (word: Word, dot: unknown): unknown => {
    const along = (value: unknown, path: readonly string[]) =>
      path.reduce((at, name) => getField(at, name, word), value);
    switch (word.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return undefined;
      case 'constant':
        return word.value;
      case 'field':
        return along(dot, word.path);
      case 'variable': {
        const scope = lookUp(word.name);
        if (scope === undefined) throw fail(word.at, word.source, `undefined variable "${word.name}"`);
        return along(scope.get(word.name), word.path);
      }
      case 'group':
        return along(runPipe(word.pipe, dot), word.path);
      case 'function':
        return call(word, [], dot, []);
      default:
        return never(word);
    }
  };

  const call = (
    word: Word & { kind: 'function' },
    args: readonly Word[],
    dot: unknown,
    last: readonly unknown[],
  ): unknown => {
    if (word.name === 'and' || word.name === 'or') {
      if (args.length + last.length === 0)
        throw fail(word.at, word.source, 'wrong number of args: want at least 1 got 0');
      let value: unknown;
      for (const each of [
        ...args.map((arg) => () => evaluate(arg, dot)),
        ...last.map((given) => () => given),
      ]) {
        value = each();
        if (isTrue(value) === (word.name === 'or')) return value;
      }
      return value;
    }
    const values = [...args.map((arg) => evaluate(arg, dot)), ...last];
    try {
      return FUNCTIONS[word.name]!(values);
    } catch (error) {
      if (!isDobosError(error, 'TEMPLATE_CALL')) throw error;
      throw fail(word.at, word.source, `error calling ${word.name}: ${error.message}`);
    }
  };

  const runCommand = ({ words }: Command, dot: unknown, last: readonly unknown[]): unknown => {
    const [first, ...args] = words;
    if (first!.kind === 'function') return call(first!, args, dot, last);
    if (args.length > 0 || last.length > 0) {
      throw fail(first!.at, first!.source, `can't give argument to non-function ${first!.source}`);
    }
    return evaluate(first!, dot);
  };

  const runPipe = (pipe: Pipe, dot: unknown): unknown => {
    let last: readonly unknown[] = [];
    for (const command of pipe.commands) last = [runCommand(command, dot, last)];
    return last[0];
  };

  const setVariable = (pipe: Pipe, name: string, value: unknown): void => {
    if (!pipe.assigns) {
      scopes.at(-1)!.set(name, value);
      return;
    }
    const scope = lookUp(name);
    if (scope === undefined) throw fail(pipe.at, name, `undefined variable "${name}"`);
    scope.set(name, value);
  };

  const runRange = (node: Branch, dot: unknown): void => {
    const { pipe } = node;
    const value = runPipe(pipe, dot);
    const items = itemsOf(value);
    if (items === undefined)
      throw fail(
        pipe.at,
        template.text
          .slice(pipe.at, pipe.at + 40)
          .split('}}')[0]!
          .trim(),
        `range can't iterate over ${formatValue(value)}`,
      );
    let empty = true;
    for (const [key, item] of items) {
      empty = false;
      if (++turns > MAX_TURNS) throw fail(pipe.at, 'range', `more than ${MAX_TURNS} turns of loops`);
      const flow = scoped(() => {
        const names = pipe.variables;
        if (names.length === 2) setVariable(pipe, names[0]!, key);
        if (names.length > 0) setVariable(pipe, names.at(-1)!, item);
        return runNodes(node.body, item);
      });
      if (flow === 'break') break;
    }
    if (empty) scoped(() => runNodes(node.otherwise, dot));
  };

  const runNode = (node: Node, dot: unknown): Flow => {
    switch (node.kind) {
      case 'text':
        print(node.text);
        return 'next';
      case 'action': {
        const value = runPipe(node.pipe, dot);
        const [name] = node.pipe.variables;
        if (name === undefined) print(formatValue(value));
        else setVariable(node.pipe, name, value);
        return 'next';
      }
      case 'range':
        runRange(node, dot);
        return 'next';
      case 'if':
      case 'with':
        return scoped(() => {
          const value = runPipe(node.pipe, dot);
          const [name] = node.pipe.variables;
          if (name !== undefined) setVariable(node.pipe, name, value);
          if (!isTrue(value)) return runNodes(node.otherwise, dot);
          return runNodes(node.body, node.kind === 'with' ? value : dot);
        });
      case 'break':
      case 'continue':
        return node.kind;
      default:
        return never(node);
    }
  };

  const runNodes = (nodes: readonly Node[], dot: unknown): Flow => {
    for (const node of nodes) {
      const flow = runNode(node, dot);
      if (flow !== 'next') return flow;
    }
    return 'next';
  };

  return {
    nodes(nodes) {
      try {
        runNodes(nodes, root);
        return out;
      } catch (error) {
        if (isDobosError(error) || !(error instanceof RangeError)) throw error;
        throw fail(0, '', 'the value or the template is nested too deep');
      }
    },
  };
}

function itemsOf(value: unknown): Iterable<readonly [unknown, unknown]> | undefined {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.entries();
  if (isObject(value)) return sortedEntries(value);
  if (Number.isInteger(value)) return count(value as number);
  return undefined;
}

function* count(to: number): Generator<readonly [number, number]> {
  for (let i = 0; i < to; i++) yield [i, i];
}
